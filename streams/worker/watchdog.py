"""Which partitions have fallen silent: the rare assignment that Faust never reads, and the handler that never ends."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.log.connection import Connection
from streams.log.topics import DEAD_LETTERS
from streams.worker.wrapper import ExitCode, Stop, Wrapper, leave

SILENCE_S = 45.0
LOOK_EVERY_S = 1.0
ANSWER_LIMIT_S = 10.0

Place = tuple[str, int]
"""(topic, partition)."""


@dataclass(frozen=True)
class Look:
    """What was seen at one time; all times are seconds of one monotonic clock.

    `behind`: places whose read position is before the log's end; `busy`: place → when the try under way must have
    ended; `ended`: place → when an event was last done with.
    """

    now: float
    behind: Collection[Place]
    busy: Mapping[Place, float]
    ended: Mapping[Place, float]


def silent(
    since: Mapping[Place, float], look: Look, limit_s: float = SILENCE_S
) -> tuple[dict[Place, float], list[Place]]:
    """Since when each place has work and does none, and those where that has lasted longer than `limit_s`.

    `since` is this function's own first answer to the look before (empty at first).
    """
    idle = {
        place: max(since.get(place, look.now), look.ended.get(place, float("-inf")))
        for place in look.behind
        if place not in look.busy
    }
    overdue = {place: until for place, until in look.busy.items() if until < look.now}
    quiet = idle | overdue
    return quiet, sorted(place for place, start in quiet.items() if look.now - start > limit_s)


Report = Callable[[Mapping[str, Mapping[Place, int]]], None]
"""Takes agent → place → the offset of the next event, of every place that is this worker's now."""


async def watch(app: faust.App, connection: Connection, wrappers: Sequence[Wrapper], report: Report) -> None:
    """End the process when a partition falls silent, or a rebalance does not end, while the broker answers."""
    since: dict[Place, float] = {}
    rebalance_must_end: float | None = None
    consumer = connection.consumer()
    try:
        await consumer.start()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            assigned = [] if app.rebalancing else [TopicPartition(*tp) for tp in app.consumer.assignment()]
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    # Without an assignment, any question will do to know whether the broker answers.
                    ends = await consumer.end_offsets(
                        assigned or [TopicPartition(connection.name(DEAD_LETTERS), 0)]
                    )
            except (KafkaError, TimeoutError):
                since, rebalance_must_end = {}, None
                continue
            now = asyncio.get_running_loop().time()
            busy = {place: until for wrapper in wrappers for place, until in wrapper.busy.items()}
            if app.rebalancing:
                rebalance_must_end = rebalance_must_end or now + app.conf.broker_rebalance_timeout
                busy["the rebalance", 0] = rebalance_must_end
            else:
                rebalance_must_end = None
            read = {
                (tp.topic.removeprefix(connection.prefix), tp.partition): _position(app, tp)
                for tp in assigned
            }
            behind = [place for place, tp in zip(read, assigned, strict=True) if read[place] < ends[tp]]
            if assigned:
                report({wrapper.agent.name: _next(wrapper, read) for wrapper in wrappers})
            ended = {place: at for wrapper in wrappers for place, at in wrapper.ended.items()}
            since, stalled = silent(since, Look(now, behind, busy, ended))
            if stalled:
                leave(Stop(ExitCode.STALLED, f"nothing happens at {stalled} while the broker answers"))
    finally:
        await consumer.stop()


def _next(wrapper: Wrapper, read: Mapping[Place, int]) -> dict[Place, int]:
    """Where a wrapper stands. Where it has had no event yet, it stands where reading began."""
    for place in wrapper.next.keys() - read.keys() - wrapper.busy.keys():
        del wrapper.next[place]  # another worker goes on there
    names = {topic.name for topic in wrapper.agent.topics}
    return {place: wrapper.next.get(place, at) for place, at in read.items() if place[0] in names}


def _position(app: faust.App, tp: TopicPartition) -> int:
    # Read, not asked for: asking waits on Faust's thread where there is no position yet, and holds up its commits.
    kafka: AIOKafkaConsumer = vars(app.consumer)["_thread"]._consumer  # noqa: SLF001
    state = kafka._subscription.subscription.assignment.state_value(tp)  # noqa: SLF001
    return state.position if state is not None and state.has_valid_position else 0
