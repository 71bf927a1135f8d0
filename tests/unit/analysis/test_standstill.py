"""What keeps Claude from being asked is told when it begins and when it ends, and stands in a file for other verbs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from streams.analysis.obstacles import Obstacles
from streams.analysis.standstill import NAME, Standstill, StandstillFile, read_standstills
from streams.analysis.state import AnalystState
from streams.budget.ledger import Ledger
from tests.builders.analyst_scene import PROMPT

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Desk:
    def __init__(self) -> None:
        self.time = NOON
        self.state = AnalystState(lambda *_: None, Ledger())
        self.obstacles = Obstacles(self.state, lambda: self.time)

    def reasons(self) -> list[str]:
        return [standing.reason for standing in self.obstacles.look()]


def test_a_pause_lasts_until_its_time_and_may_be_put_off(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.obstacles.pause(NOON + HOUR, "a limit")
    desk.obstacles.pause(NOON + 2 * HOUR, "a limit")
    assert desk.obstacles.look() == [Standstill(NOON, "a limit", NOON + 2 * HOUR)]
    assert desk.obstacles.stop_all()
    desk.time += 2 * HOUR
    assert desk.obstacles.look() == []
    assert not desk.obstacles.stop_all()
    assert caplog.text.count("no calls before") == 1


def test_an_outage_is_told_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    for number in range(5):
        desk.state.breaker.unanswered(UUID(int=number), int(NOON.timestamp() * 1000))
        desk.obstacles.look()
    [outage] = desk.obstacles.look()
    assert outage.since == NOON
    assert outage.until is not None
    assert outage.until > NOON
    assert not desk.obstacles.stop_all(), "one call at a time tries"
    desk.state.breaker.answered(UUID(int=0))
    assert desk.reasons() == []
    assert [caplog.text.count(said) for said in ("answers nobody", "answers again")] == [1, 1]


def test_a_faulty_prompt_is_told_with_what_helps(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.obstacles.prompt_fails(PROMPT, "404 not_found_error")
    desk.obstacles.prompt_fails(PROMPT, "404 not_found_error")
    [reason] = desk.reasons()
    assert "404 not_found_error" in reason
    assert "earmark prompts" in reason
    desk.obstacles.prompt_works(PROMPT)
    assert desk.reasons() == []
    assert caplog.text.count("cannot be asked") == 1


def test_an_alarm_stops_all_until_the_day_ends() -> None:
    desk = Desk()
    desk.state.ledger.clock_ms = int(NOON.timestamp() * 1000)
    desk.state.ledger.alarm = "attempt x cost more"
    [alarm] = desk.obstacles.look()
    assert alarm.until == datetime(2026, 11, 21, tzinfo=UTC)
    assert desk.obstacles.stop_all()
    desk.time += 12 * HOUR
    assert desk.reasons() == []


def test_what_stands_still_is_written_at_each_change_and_read(tmp_path: Path) -> None:
    report, standing = StandstillFile(tmp_path), Standstill(NOON, "401 authentication_error")
    assert read_standstills(tmp_path) == []
    report([standing])
    assert read_standstills(tmp_path) == [standing]
    (tmp_path / NAME).unlink()
    report([standing])
    assert read_standstills(tmp_path) == [], "it was no news"
    report([])
    assert read_standstills(tmp_path) == []
    assert (tmp_path / NAME).exists()
