"""Analyses written to the real log, and their signals published as a worker does it."""

from collections.abc import Sequence

from streams.events.event import Event, Position
from streams.events.prompts import PromptActivated
from streams.log.connection import Connection
from streams.log.fetch import fetcher
from streams.log.publish import publisher
from streams.prompts.place_markers import place_markers
from streams.signals.publish_signals import PublishSignals
from tests.builders.histories import moment

Placed = Sequence[tuple[Event, Position]]
"""Events with the places they have in the log."""


async def activated(number: int, prompt: str) -> Sequence[Event]:
    """The markers of an activation, one a partition."""
    activation = PromptActivated(at=moment(number), prompt_id=prompt, previous=None)
    return await place_markers(activation, Position(partition=0, offset=number))


async def written(connection: Connection, events: Sequence[Event]) -> Placed:
    """The events with the places they got in the log."""
    async with publisher(connection) as log:
        places = [await log.append(event) for event in events]
    return [
        (event, Position(partition=place.partition, offset=place.offset))
        for event, place in zip(events, places, strict=True)
    ]


async def published(connection: Connection, placed: Placed) -> None:
    """Publish the signals of events in the log, by a worker that has just begun."""
    async with fetcher(connection) as log, publisher(connection) as out:
        handler = PublishSignals(log)
        for event, position in placed:
            await out.append_all(await signals_of(handler, event, position))


async def signals_of(handler: PublishSignals, event: Event, position: Position) -> list[Event]:
    """The signals of one event, those of all batches together."""
    return [signal async for batch in handler.publish_signals(event, position) for signal in batch]
