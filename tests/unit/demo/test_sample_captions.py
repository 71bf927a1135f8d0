"""The sample's captions look like YouTube's, and read like the talk they are made from."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from streams.captions.json3 import parse
from streams.demo.sample_channel import SAMPLE, WITHOUT_CAPTIONS, sample_captions, sample_channel
from streams.loopback.captions_writer import automatic, manual, read_spoken

SOURCES = sorted(SAMPLE.glob("*.txt"))
AUTOMATIC = [path for path in SOURCES if ".manual" not in path.suffixes]


def words(path: Path) -> list[str]:
    return " ".join(text for _, _, text in read_spoken(path.read_text())).split()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_word_is_read_once_and_in_order(path: Path) -> None:
    written = (manual if ".manual" in path.suffixes else automatic)(path.read_text())
    transcript = parse(written.decode())
    assert " ".join(transcript.texts).split() == words(path)
    assert all(start < end for start, end in zip(transcript.starts_ms, transcript.ends_ms, strict=True))
    assert list(transcript.starts_ms) == sorted(set(transcript.starts_ms))


@pytest.mark.parametrize("path", AUTOMATIC, ids=lambda path: path.stem)
def test_automatic_rows_roll_up_as_youtube_s_do(path: Path) -> None:
    window, *events = json.loads(automatic(path.read_text()))["events"]
    rows = [event for event in events if "aAppend" not in event]
    assert "segs" not in window
    assert [event["segs"] for event in events[1::2]] == [[{"utf8": "\n"}]] * (len(rows) - 1)
    assert all(len("".join(seg["utf8"] for seg in row["segs"])) <= 40 for row in rows)
    overlaps = [row["tStartMs"] + row["dDurationMs"] > after["tStartMs"] for row, after in pairwise(rows)]
    assert all(overlaps)
    offsets = [[seg.get("tOffsetMs", 0) for seg in row["segs"]] for row in rows]
    assert all(offset == sorted(set(offset)) for offset in offsets)


def test_a_line_without_a_mark_is_refused() -> None:
    with pytest.raises(ValueError, match=r"begins with a mark"):
        read_spoken("[00:00] tea\nmore tea\n[00:09]")


def test_the_channel_is_what_the_demo_promises() -> None:
    """Eight videos: one without captions, one with a manual track that differs from its automatic one."""
    channel = sample_channel()
    both = [video for video in channel.videos if video.manual]
    assert len(channel.videos) == len({video.video_id for video in channel.videos}) == 8
    assert [video.video_id for video in channel.videos if not video.auto] == [WITHOUT_CAPTIONS]
    assert len(both) == 1
    assert both[0].auto is not None
    assert parse(both[0].auto.decode()).texts != parse(both[0].manual.decode()).texts


def test_every_talk_fits_its_video_and_is_three_to_eight_minutes_long() -> None:
    lengths = {video.video_id: video.duration_s for video in sample_channel().videos}
    for captions in sample_captions(sample_channel()):
        length_ms = lengths[captions.video.video_id] * 1000
        assert 180_000 <= captions.ends_ms[-1] <= length_ms <= 480_000
        assert 400 <= captions.words <= 1100
