from collections.abc import Iterable

import pytest

from streams.errors import EarmarkError
from streams.events.event import Position
from streams.log.fold import Record
from streams.log.topics import Topic
from streams.signals.agent import PublishSignals
from tests.contract.histories import Log, completed, failed, marker, mention, video

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
        for signal in await handler.publish_signals(HISTORY[offset], at(offset))
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


async def test_the_time_of_a_signal_is_that_of_the_marker_that_caused_it() -> None:
    (retracted,) = await PublishSignals(Log(HISTORY)).publish_signals(HISTORY[4], at(4))
    assert retracted.at == HISTORY[4].at
