"""What a process says of itself, and when its writers begin nothing new."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from streams import bulletin
from streams.app import pulse as module
from streams.app.pulse import START_PATIENCE, Pulse, Room
from streams.bulletin import Trouble, board_of
from streams.log.connection import Connection

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MB = 1_000_000


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class Disk:
    """A disk that has as much room as one likes; `room` takes the process's clock from it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 1000 * MB
        self.time = NOON
        monkeypatch.setattr(module.shutil, "disk_usage", lambda _: Usage(2000 * MB, 0, self.free))
        self.room = Room(folder, 500 * MB, lambda: self.time)

    def look(self, free: int) -> list[Trouble]:
        self.free = free
        self.time += timedelta(minutes=1)
        return self.room.look()


def test_writers_begin_nothing_below_the_threshold_and_go_on_with_a_tenth_more_than_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path, monkeypatch)
    assert disk.look(500 * MB) == []
    assert disk.room.is_there
    [full] = disk.look(499 * MB)
    assert full.kind == "disk-full"
    assert full.needs_person
    assert "EARMARK_DISK_MIN_FREE (500 MB)" in full.what
    assert not disk.room.is_there
    [still] = disk.look(510 * MB)
    assert still.since == full.since, "it is on the brink"
    assert disk.look(550 * MB) == []
    assert disk.room.is_there


def test_a_trouble_is_logged_when_it_begins_and_when_it_is_over_and_stands_on_the_board_between(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pulse = Pulse(tmp_path, "watch", lambda: NOON, 0)
    refused = Trouble("youtube-refuses", NOON, "YouTube refuses", "lower the pace", NOON + timedelta(hours=1))
    for _ in range(3):
        pulse.show("youtube", [refused])
    pulse.show("disk", [])
    board = board_of(tmp_path, "watch")
    assert board is not None
    assert board.troubles == (refused,)
    pulse.show("youtube", [])
    board = board_of(tmp_path, "watch")
    assert board is not None
    assert board.troubles == ()
    assert [line.split(":")[0] for line in caplog.messages] == ["trouble", "over"]


def test_why_claude_ended_the_last_analyst_stands_until_the_next_one_says_otherwise(tmp_path: Path) -> None:
    refused = Trouble("claude-refuses", NOON, "401", needs_person=True)
    passing = Trouble("kafka-away", NOON, "Kafka does not answer")
    before = Pulse(tmp_path, "analyst", lambda: NOON, 0)
    before.show("claude", [refused])
    before.show("kafka", [passing])
    after = Pulse(tmp_path, "analyst", lambda: NOON, 0)
    assert after.board().troubles == (refused,)
    after.show("claude", [])
    assert after.board().troubles == ()


def test_a_full_disk_ends_nobody_who_would_put_up_a_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bulletin, "put_up", full)
    Pulse(tmp_path, "watch", lambda: NOON, 0).put_up()


def test_a_kafka_that_comes_up_beside_the_process_is_no_trouble_for_a_while(tmp_path: Path) -> None:
    """As at every start of `earmark up`; one that has answered before is away at once."""
    times = [NOON]
    pulse = Pulse(tmp_path, "worker-w0", lambda: times[-1], 0)
    nobody, why = Connection("127.0.0.1:1"), OSError("nobody there")
    pulse._kafka_is_away(nobody, why)
    assert pulse.board().troubles == ()
    times.append(NOON + START_PATIENCE)
    pulse._kafka_is_away(nobody, why)
    [away] = pulse.board().troubles
    assert (away.kind, away.since) == ("kafka-away", NOON)
    pulse._kafka_serves()
    assert pulse.board().troubles == ()
    later = Pulse(tmp_path, "watch", lambda: times[-1], 0)
    later._kafka_serves()
    later._kafka_is_away(nobody, why)
    assert [found.kind for found in later.board().troubles] == ["kafka-away"]
