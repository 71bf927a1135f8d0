"""The report's numbers are those of SQL that somebody wrote by hand on the tables, and its rules hold in tables."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from projections.report import (
    BudgetDay,
    Calls,
    Consensus,
    Failures,
    LaneCosts,
    Pause,
    Report,
    Waiting,
    made_of,
)
from streams.events.captions import CaptionsExtracted, CaptionsUnavailable
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.event import Event
from streams.events.ledger import Usage
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_histories import history
from tests.builders.read_model_world import (
    PROMPTS,
    START,
    activated,
    at,
    completed,
    extracted,
    failed,
    requested,
    reserved,
    settled,
    unavailable,
    video,
)
from tests.unit.projections.conftest import Told

FIRST, _ = PROMPTS
DAY = timedelta(days=1)
MIDNIGHT = START.replace(hour=0)
USAGE = Usage(input_tokens=10, output_tokens=1)


def reported(told: Told, begins: datetime = MIDNIGHT, days: int = 1) -> Report:
    return made_of(told.database, begins, begins + days * DAY, at(90), at(80))


@pytest.mark.parametrize("seed", range(4))
def test_its_numbers_are_those_of_sql_by_hand(told: Told, seed: int) -> None:
    """All of the history happens on one day."""
    told.tell(*history(Random(seed), 8))
    found = reported(told)
    for name, query in {
        "discovered": "SELECT count(DISTINCT video_id) FROM _discovered",
        "captioned": "SELECT count(DISTINCT video_id) FROM captions",
        "analysed": "SELECT count(DISTINCT video_id) FROM analyses",
        "failed": (
            "SELECT count(DISTINCT video_id) FROM (SELECT video_id FROM caption_failures WHERE next_try_at IS NULL"
            " UNION ALL SELECT video_id FROM _failures WHERE type = 'AnalysisFailed' AND lane <> 'replay')"
        ),
        "calls": "SELECT count(*) FROM mentions",
    }.items():
        assert (name, [(sum(getattr(channel, name) for channel in found.channels),)]) == (
            name,
            told.rows(query),
        )
    charged = told.rows("SELECT coalesce(sum(charged_usd), 0) FROM budget_days WHERE day = DATE '2026-03-02'")
    assert [(sum(channel.charged_usd for channel in found.channels),)] == charged
    assert [(sum(lane.charged_usd for lane in found.lanes),)] == charged
    assert [(sum(one.calls for one in found.calls),)] == told.rows("SELECT count(*) FROM mentions")
    assert [(one.symbol, one.calls) for one in found.symbols] == told.rows(
        "SELECT symbol, count(*) FROM mentions GROUP BY symbol ORDER BY count(*) DESC, symbol"
    )
    waiting = told.rows("SELECT count(*) FROM video_status WHERE waits_for IS NOT NULL")
    assert [(sum(one.videos for one in found.waiting),)] == waiting
    assert [(one.number,) for one in reversed(found.dead_letters)] == told.rows(
        "SELECT log_offset FROM dead_letters ORDER BY log_offset"
    )


def test_a_day_has_what_happened_on_it_and_a_week_has_seven(told: Told) -> None:
    told.tell(
        *(
            VideoDiscovered(at=MIDNIGHT + hours * DAY / 24, video=video(n))
            for n, hours in enumerate((-1, 0, 23, 24))
        )
    )
    assert [channel.discovered for channel in reported(told).channels] == [2]
    assert [channel.discovered for channel in reported(told, MIDNIGHT - 6 * DAY, 7).channels] == [3]
    assert reported(told, MIDNIGHT + 5 * DAY).channels == []
    assert (reported(told).is_over, reported(told, MIDNIGHT - DAY).is_over) == (False, True)


def test_money_stands_by_lane_by_day_and_by_channel(told: Told) -> None:
    events: list[Event] = [*activated(FIRST, 0, None)]
    for number, (lane, usd) in enumerate((("live", "0.1"), ("backfill", "0.2"), ("backfill", "0"))):
        of = video(number, channel_id=f"channel-{number // 2}")
        request = requested(of).model_copy(update={"lane": lane})
        claim = reserved(request, FIRST, UUID(int=number))
        bill = (
            settled(claim, "completed", usd, USAGE)
            if usd != "0"
            else settled(claim, "not_called", "0", granted=True)
        )
        events += [extracted(of), request, claim, bill]
    told.tell(*events)
    found = reported(told)
    zero = Decimal(0)
    assert found.lanes == [
        LaneCosts("backfill", 1, 1, Decimal("0.2"), zero, zero, Decimal("0.2")),
        LaneCosts("live", 1, 1, Decimal("0.1"), zero, zero, Decimal("0.1")),
    ]
    assert found.days == [BudgetDay(MIDNIGHT.date(), Decimal(5), Decimal("0.3"), Decimal("4.7"))]
    assert {channel.channel_id: channel.charged_usd for channel in found.channels} == {
        "channel-0": Decimal("0.3"),
        "channel-1": zero,
    }


def call(number: int, action: str, hours: float, published: float | None = None) -> list[Event]:
    """An answer with one call on NVDA, heard so many hours after the day began."""
    heard_at = MIDNIGHT + timedelta(hours=hours)
    shown_at = MIDNIGHT + timedelta(hours=hours if published is None else published)
    answer = completed(video(number, published_at=shown_at), FIRST, UUID(int=number))
    [said, rejected] = answer.mentions
    return [
        answer.model_copy(update={"at": heard_at, "mentions": (said.model_copy(update={"action": action}), rejected)})
    ]  # fmt: skip


CONSENSUS: dict[str, tuple[list[list[Event]], list[Consensus]]] = {
    "a majority that turned": (
        [call(1, "buy", -9), call(2, "buy", -8), call(3, "sell", 1), call(4, "sell", 2), call(5, "sell", 3)],
        [Consensus("NVDA", "buy", "sell", 2, 5)],
    ),
    "a majority that was lost": (
        [call(1, "buy", -9), call(2, "buy", -8), call(3, "sell", 1), call(4, "sell", 2)],
        [Consensus("NVDA", "buy", "mixed", 2, 4)],
    ),
    "a majority that held": ([call(1, "buy", -9), call(2, "buy", -8), call(3, "sell", 1)], []),
    "one call is no consensus": ([call(1, "buy", -9), call(2, "sell", 1), call(3, "sell", 2)], []),
    "what was heard after the day": ([call(1, "buy", -9), call(2, "buy", -8), *[call(n, "sell", 25) for n in (3, 4, 5)]], []),
    "an old video that was heard today": (
        [call(1, "buy", -9), call(2, "buy", -8), *[call(n, "sell", 1, published=-24 * 40) for n in (3, 4, 5)]],
        [],
    ),
    "calls that are too old by the end": (
        [*[call(n, "sell", -24 * 29.5) for n in (1, 2, 3)], *[call(n, "buy", -1) for n in (4, 5)]],
        [Consensus("NVDA", "sell", "buy", 5, 2)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSENSUS)
def test_a_consensus_changes_with_the_majority(told: Told, name: str) -> None:
    calls, changes = CONSENSUS[name]
    told.tell(*activated(FIRST, 0, None), *(event for events in calls for event in events))
    assert reported(told).consensus == changes


def refused(minutes: float, number: int = 1, failure: str = "soon") -> CaptionsUnavailable:
    return unavailable(video(number), abs(round(minutes)), at(60)).model_copy(
        update={"at": at(minutes), "failure": failure, "reason": f"at {minutes:g}"}
    )


def served(minutes: float, number: int) -> CaptionsExtracted:
    return extracted(video(number), minutes=minutes)


PAUSES: dict[str, tuple[list[Event], list[Pause]]] = {
    "it refuses, and then serves": (
        [served(1, 1), refused(2), refused(7), served(12, 2), served(13, 3)],
        [Pause("YouTube", at(2), at(12), 2, "at 7")],
    ),
    "it refuses still": ([refused(2)], [Pause("YouTube", at(2), None, 1, "at 2")]),
    "a video without captions is no refusal": ([refused(2), refused(3, failure="later")], [Pause("YouTube", at(2), at(3), 1, "at 2")]),
    "it was over before": ([refused(-60 * 20), served(-60 * 19, 2)], []),
    "it began before": ([refused(-60 * 20), served(1, 2)], [Pause("YouTube", at(-60 * 20), at(1), 1, "at -1200")]),
    "it never refused": ([served(1, 1)], []),
}  # fmt: skip


@pytest.mark.parametrize("name", PAUSES)
def test_a_pause_lasts_until_somebody_is_served(told: Told, name: str) -> None:
    events, pauses = PAUSES[name]
    told.tell(*events)
    assert reported(told).pauses == pauses


def test_claude_pauses_until_a_call_is_answered(told: Told) -> None:
    request = requested(video(1))
    claims = [
        reserved(request, FIRST, UUID(int=number), attempt) for number, attempt in ((1, 1), (2, 1), (3, 2))
    ]
    lost = [
        failed(video(1), FIRST, claim.attempt_id, final=False).model_copy(
            update={"outcome": "provider_error", "reason": "529 overloaded"}
        )
        for claim in claims[:2]
    ]
    told.tell(extracted(video(1)), request)
    for claim, failure, minute in zip(claims, lost, (1, 3), strict=False):
        told.tell(claim, failure, settled(claim, "not_called", "0", granted=True), at_s=60 * minute)
    told.tell(claims[2], settled(claims[2], "completed", "0.1", USAGE), at_s=300)
    assert reported(told).pauses == [Pause("Claude", at(1), at(5), 2, "529 overloaded")]


def test_failures_stand_together_by_reason_with_the_newest_as_an_example(told: Told) -> None:
    private = [unavailable(video(number), number, None) for number in (1, 2)]
    told.tell(*private, *(extracted(video(number)) for number in (3, 4)))
    told.tell(
        failed(video(3), FIRST, None, final=True), failed(video(4), FIRST, None, final=True, lane="replay")
    )
    assert reported(told).failures == [
        Failures("captions", "no captions", 2, "video-2", None),
        Failures("analysis", "invalid_answer", 1, "video-3", "Title, revision 1"),
        Failures("replay", "invalid_answer", 1, "video-4", "Title, revision 1"),
    ]


def test_what_waits_says_how_much_of_it_is_due(told: Told) -> None:
    told.tell(*(unavailable(video(number), 1, at(minutes)) for number, minutes in enumerate((60, 120, 150))))
    told.tell(VideoDiscovered(at=at(0), video=video(9)))
    assert reported(told).waiting == [Waiting("captions", 3, 1, at(120)), Waiting("worker", 1, 0, None)]


def test_dead_letters_are_those_of_the_day_and_those_that_are_open(told: Told) -> None:
    for number, day in enumerate((-2, -2, 0)):
        letter = DeadLettered.of(
            at=START + day * DAY, topic="videos", partition=1, offset=number, key=b"k", value=b"v", headers=(),
            handler="x", error="boom", attempt=1,
        )  # fmt: skip
        told.tell(letter)
    told.tell(DeadLetterRetried(at=at(0), letter=0, partition=1, offset=9))
    told.tell(DeadLetterRetried(at=at(0), letter=2, partition=1, offset=9))
    found = reported(told).dead_letters
    assert [(letter.number, letter.is_open, letter.error) for letter in found] == [
        (2, False, "boom"),
        (1, True, "boom"),
    ]


def test_calls_are_counted_by_action(told: Told) -> None:
    told.tell(*activated(FIRST, 0, None), *call(1, "buy", 1), *call(2, "buy", 2), *call(3, "avoid", 3))
    assert reported(told).calls == [Calls("buy", 2, 2, 1), Calls("avoid", 1, 1, 1)]
