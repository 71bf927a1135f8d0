"""What keeps Claude from being asked, since when, until when, and what ends it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from streams.analysis.next_step import LineFull
from streams.analysis.obstacles import FULL_AFTER, Obstacles
from streams.analysis.queue import Line
from streams.analysis.state import AnalystState
from streams.budget.account import Pending
from streams.errors import EarmarkError
from streams.events.event import Lane
from tests.builders.analyst_scene import LIMITS, PROMPT
from tests.builders.ledger_records import request

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Desk:
    def __init__(self) -> None:
        self.time = NOON
        self.state = AnalystState(lambda *_: None)
        self.obstacles = Obstacles(self.state, LIMITS, lambda: self.time)

    def reasons(self) -> list[str]:
        return [trouble.what for trouble in self.obstacles.look()]


def test_a_pause_lasts_until_its_time_and_may_be_put_off() -> None:
    desk = Desk()
    desk.obstacles.pause(NOON + HOUR, "a limit")
    desk.obstacles.pause(NOON + 2 * HOUR, "a limit")
    [paused] = desk.obstacles.look()
    assert (paused.since, paused.until) == (NOON, NOON + 2 * HOUR)
    assert "a limit" in paused.what
    assert desk.obstacles.stop_all()
    desk.time += 2 * HOUR
    assert desk.obstacles.look() == []
    assert not desk.obstacles.stop_all()


def test_an_outage_is_told_once_and_its_end_once() -> None:
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


def test_a_faulty_prompt_is_told_with_what_helps() -> None:
    desk = Desk()
    desk.obstacles.prompt_fails(PROMPT, "404 not_found_error")
    desk.obstacles.prompt_fails(PROMPT, "404 not_found_error")
    [trouble] = desk.obstacles.look()
    assert "404 not_found_error" in trouble.what
    assert "earmark prompts" in trouble.fix
    assert trouble.needs_person
    desk.obstacles.prompt_works(PROMPT)
    assert desk.reasons() == []


def test_an_alarm_stops_all_until_the_day_ends() -> None:
    desk = Desk()
    desk.state.ledger.clock_ms = int(NOON.timestamp() * 1000)
    desk.state.ledger.alarm = "attempt x cost more"
    [alarm] = desk.obstacles.look()
    assert alarm.until == datetime(2026, 11, 21, tzinfo=UTC)
    assert desk.obstacles.stop_all()
    desk.time += 12 * HOUR
    assert desk.reasons() == []


BACKFILL: Line = ("backfill", None)
LIVE: Line = ("live", None)


def pending(lane: Lane, number: int) -> Pending:
    return Pending(request(number, lane), offset=number)


def waiting(desk: Desk, lane: Lane, number: int) -> None:
    desk.state.queue.add(pending(lane, number))


def test_a_share_that_is_used_up_is_said_with_its_setting_once_it_lasts() -> None:
    desk = Desk()
    waiting(desk, "backfill", 1)
    desk.obstacles.line_full(BACKFILL, LineFull(0, whole_day=False))
    assert desk.obstacles.look() == [], "what is reserved may be given back in a moment"
    desk.time += FULL_AFTER
    [trouble] = desk.obstacles.look()
    assert (trouble.kind, trouble.subject, trouble.since) == ("share-used-up", "backfill", NOON)
    assert "EARMARK_BACKFILL_SHARE" in trouble.fix
    assert trouble.until == datetime(2026, 11, 21, tzinfo=UTC)
    desk.obstacles.line_flows(BACKFILL)
    assert desk.obstacles.look() == []


def test_a_cap_that_is_used_up_is_one_trouble_for_all_lanes() -> None:
    desk = Desk()
    for number, line in enumerate((LIVE, BACKFILL)):
        waiting(desk, line[0], number)
        desk.obstacles.line_full(line, LineFull(0, whole_day=True))
    desk.time += FULL_AFTER
    [trouble] = desk.obstacles.look()
    assert trouble.kind == "cap-used-up"
    assert "2 requests wait" in trouble.what


def test_no_money_is_no_trouble_once_nothing_waits_for_it() -> None:
    desk = Desk()
    waiting(desk, "live", 1)
    desk.obstacles.line_full(LIVE, LineFull(0, whole_day=True))
    desk.time += FULL_AFTER
    assert desk.obstacles.look() != []
    desk.state.queue.discard(pending("live", 1).request.request_id)
    assert desk.obstacles.look() == []


def test_what_ended_the_analyst_stands_until_claude_answers_the_next_one() -> None:
    before = Desk().obstacles.ended(EarmarkError("401 authentication_error"))
    assert before.needs_person
    desk = Desk()
    desk.obstacles.ended_before = before
    desk.time += HOUR
    assert desk.obstacles.look() == [before]
    again = desk.obstacles.ended(EarmarkError("401 authentication_error"))
    assert again.since == NOON
    desk.obstacles.prompt_works(PROMPT)
    assert desk.obstacles.look() == []
