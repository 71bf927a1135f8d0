import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.captions.json3 import BrokenCaptionsError, Transcript, parse

WINDOW = {"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1, "wsWinStyleId": 1}


def line(start: int, duration: int, *words: str) -> dict[str, object]:
    return {
        "tStartMs": start,
        "dDurationMs": duration,
        "wWinId": 1,
        "segs": [{"utf8": w, "acAsrConf": 0} for w in words],
    }


def newline(start: int) -> dict[str, object]:
    return {"tStartMs": start, "wWinId": 1, "aAppend": 1, "segs": [{"utf8": "\n"}]}


def body(*events: object) -> str:
    return json.dumps({"wireMagic": "pb3", "events": events})


def test_a_roll_up_becomes_plain_segments_that_do_not_overlap() -> None:
    rolled = body(
        WINDOW,
        line(100, 4000, "we", " look"),
        newline(2090),
        line(2100, 4000, "at  the\nchart"),
        newline(5000),
    )
    assert parse(rolled) == Transcript(("we look", "at the chart"), (100, 2100), (2100, 6100))


def test_an_event_without_a_duration_ends_where_it_begins() -> None:
    assert parse(body({"tStartMs": 5, "segs": [{"utf8": "so"}]})).ends_ms == (5,)


def test_captions_without_a_word_have_no_segments() -> None:
    assert parse(body(WINDOW, newline(10))) == Transcript((), (), ())


def test_words_are_counted_over_all_segments() -> None:
    assert parse(body(line(0, 9, "one two"), line(9, 9, "three"))).words == 3


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "<!DOCTYPE html><html><body>unusual traffic</body></html>",
        '{"events": [{"tStartMs": 1, "se',
        "{}",
        "[]",
        "null",
        '{"events": null}',
        '{"events": [7]}',
        '{"events": [{"segs": [{"utf8": 7}]}]}',
        '{"events": [{"tStartMs": "soon", "segs": [{"utf8": "a"}]}]}',
        '{"events": [{"tStartMs": 1e999, "segs": [{"utf8": "a"}]}]}',
    ],
)
def test_what_is_no_json3_is_named_as_such(broken: str) -> None:
    with pytest.raises(BrokenCaptionsError, match="no json3 captions came"):
        parse(broken)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.integers(0, 10_000),
            st.lists(st.text(max_size=5), min_size=1, max_size=3),
        )
    )
)
def test_every_word_is_kept_and_time_runs_forward(lines: list[tuple[int, int, list[str]]]) -> None:
    transcript = parse(body(*(line(start, duration, *words) for start, duration, words in lines)))
    by_time = sorted(lines, key=lambda one: one[0])
    assert " ".join(transcript.texts).split() == " ".join("".join(words) for _, _, words in by_time).split()
    assert all(text for text in transcript.texts)
    segments = list(zip(transcript.starts_ms, transcript.ends_ms, strict=True))
    assert all(start <= end for start, end in segments)
    assert all(end <= following for (_, end), (following, _) in pairwise(segments))
