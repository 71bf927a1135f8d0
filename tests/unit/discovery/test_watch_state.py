"""What watch does, for other processes to show."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.discovery.seen import Away, Seen
from streams.discovery.throttle import Pause
from streams.discovery.watch_state import EVERY, NAME, STALE, Reporter, WatchState, advice, read_state

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAUSE = Pause(NOON, NOON + timedelta(minutes=5), "Please sign in", client=False)
SEEN = {"UC1": Seen(NOON, None, "YouTube answers HTTP 429"), "UC2": Seen(NOON, NOON)}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    state = WatchState(NOON, PAUSE, SEEN)
    Reporter(tmp_path / "new home")(state)
    assert read_state(tmp_path / "new home") == state
    assert [file.name for file in (tmp_path / "new home").iterdir()] == [NAME]


def test_it_is_written_every_few_seconds_and_at_each_turn(tmp_path: Path) -> None:
    report = Reporter(tmp_path)
    report(WatchState(NOON))
    report(WatchState(NOON + EVERY / 2, None, SEEN))
    assert read_state(tmp_path) == WatchState(NOON)
    report(WatchState(NOON + EVERY / 2, PAUSE, SEEN))
    assert read_state(tmp_path) == WatchState(NOON + EVERY / 2, PAUSE, SEEN)
    report(WatchState(NOON + 2 * EVERY, PAUSE))
    assert read_state(tmp_path) == WatchState(NOON + 2 * EVERY, PAUSE)


def test_nothing_or_nonsense_is_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    (tmp_path / NAME).write_text('{"at": 1')
    assert read_state(tmp_path) is None


def test_a_watch_that_writes_no_more_is_stale() -> None:
    assert not WatchState(NOON).is_stale(NOON + STALE)
    assert WatchState(NOON).is_stale(NOON + STALE + timedelta(seconds=1))


def test_the_advice_names_what_to_change() -> None:
    assert "EARMARK_YOUTUBE_PER_MINUTE" in advice(PAUSE)
    by_client = advice(Pause(NOON, NOON, "Oops", client=True))
    assert "yt-dlp 20" in by_client
    assert "EARMARK_YTDLP_CLIENTS" in by_client


def test_what_keeps_watch_from_its_work_is_said_with_what_ends_it() -> None:
    assert WatchState(NOON, None, SEEN).troubles() == []
    [refused] = WatchState(NOON, PAUSE).troubles()
    assert (refused.kind, refused.since, refused.until) == ("youtube-refuses", PAUSE.since, PAUSE.until)
    assert not refused.needs_person
    assert "EARMARK_YOUTUBE_PER_MINUTE" in refused.fix
    [client] = WatchState(NOON, replace(PAUSE, client=True)).troubles()
    assert client.kind == "ytdlp-fails"
    assert client.needs_person
    [away] = WatchState(NOON, away=Away(NOON, "the name does not resolve")).troubles()
    assert away.kind == "youtube-away"
    assert "the name does not resolve" in away.what
