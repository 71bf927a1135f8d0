import asyncio
from collections.abc import Iterable
from typing import NoReturn

import pytest

from streams.app.processes import HANDLER_LIMIT_S
from streams.clock import utc_now
from streams.errors import EarmarkError
from streams.events.event import Event, Position
from streams.events.record import Record
from streams.log.topics import ANALYSES, Topic
from streams.signals.publish_signals import LOG_LIMIT_S, PublishSignals
from streams.worker.wrapper import Agent, ExitCode, Stop, Wrapper
from tests.builders.histories import Log, completed, failed, marker, mention, record, video
from tests.builders.publishing import signals_of

VIDEO = video().video_id
SAID = [mention(VIDEO, "NVDA")]
HISTORY = [
    marker(0),
    failed(),
    completed(mentions=SAID),
    completed("p2", mentions=[]),
    marker(4, "p2", at=9),
]


def at(offset: int) -> Position:
    return Position(partition=0, offset=offset)


async def told(handler: PublishSignals, offset: int) -> list[tuple[str, str]]:
    return [
        (type(signal).__name__, signal.cause)
        for signal in await signals_of(handler, HISTORY[offset], at(offset))
    ]


async def test_the_signals_of_a_history_as_it_comes() -> None:
    log = Log(HISTORY)
    handler = PublishSignals(log)
    assert [await told(handler, offset) for offset in range(5)] == [
        [],
        [],
        [("MentionAdded", "live"), ("OutlookAdded", "live")],
        [],
        [("MentionRetracted", "activation")],
    ]
    assert log.read_from == [], "what comes in order is folded as it comes"


async def test_a_gap_is_folded_from_where_the_fold_stands() -> None:
    log = Log(HISTORY)
    handler = PublishSignals(log)
    await told(handler, 0)
    await told(handler, 4)
    assert log.read_from == [1]


async def test_an_event_from_before_the_fold_begins_it_anew() -> None:
    handler = PublishSignals(Log(HISTORY))
    last = await told(handler, 4)
    assert await told(handler, 2) == [("MentionAdded", "live"), ("OutlookAdded", "live")]
    assert await told(handler, 4) == last


class Away(Log):
    """A log that does not answer the first fetch."""

    down = True

    async def fetch_many(self, topic: Topic, partition: int, offsets: Iterable[int]) -> dict[int, Record]:
        if self.down:
            self.down = False
            raise EarmarkError("the broker is away")
        return await super().fetch_many(topic, partition, offsets)


async def test_a_retry_after_a_failed_fetch_tells_what_the_first_try_would_have() -> None:
    log = Away(HISTORY)
    handler = PublishSignals(log)
    with pytest.raises(EarmarkError, match="away"):
        await told(handler, 4)
    assert await told(handler, 4) == [("MentionRetracted", "activation")]
    assert log.read_from == [0], "the fold stood; only the bodies were missing"


class Silent(Log):
    """A log that neither answers nor fails, as when the partition's leader is away."""

    async def fetch_many(self, topic: Topic, partition: int, offsets: Iterable[int]) -> dict[int, Record]:
        await asyncio.sleep(3600)
        return await super().fetch_many(topic, partition, offsets)


async def test_a_log_that_does_not_answer_is_not_the_events_fault() -> None:
    """The worker stops and leaves the marker to be told by the next; a dead letter would lose what it switches."""
    sent: list[Event] = []
    stops: list[Stop] = []

    async def append_all(events: Iterable[Event]) -> None:
        sent.extend(events)

    def stop(why: Stop) -> NoReturn:
        stops.append(why)
        raise SystemExit

    handler = PublishSignals(Silent(HISTORY), log_limit_s=0.01)
    agent = Agent("publish_signals", (ANALYSES,), handler.publish_signals, time_limit_s=5.0)
    wrapper = Wrapper(agent, append_all, utc_now, stop=stop, sleep=lambda _: asyncio.sleep(0))
    with pytest.raises(SystemExit):
        await wrapper.run(record(HISTORY[4], 4))
    assert [why.code for why in stops] == [ExitCode.TRY_LATER]
    assert "analyses did not bring what the signals need within 0.01 s" in stops[0].why
    assert sent == []


def test_the_log_is_waited_for_no_longer_than_the_worker_waits_for_the_handler() -> None:
    assert LOG_LIMIT_S <= HANDLER_LIMIT_S - 10


async def test_the_time_of_a_signal_is_that_of_the_marker_that_caused_it() -> None:
    (retracted,) = await signals_of(PublishSignals(Log(HISTORY)), HISTORY[4], at(4))
    assert retracted.at == HISTORY[4].at
