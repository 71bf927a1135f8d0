"""Dead letters handled again: their messages, whole, at a new place in the log, or by their handler at the old one."""

from collections.abc import AsyncIterator, Iterable

from streams.clock import Clock
from streams.errors import EarmarkError
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.envelope import UndecodableError, decode
from streams.events.event import Position
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import read
from streams.log.gaps import go_on
from streams.log.letters import Letter, Letters, way_of
from streams.log.publish import Publisher, publisher
from streams.log.topics import DEAD_LETTERS, PROMPTS, TOPICS
from streams.prompts.place_markers import place_markers
from streams.signals.publish_signals import PublishSignals


async def letters_of(connection: Connection) -> Letters:
    """Every dead letter in the log now."""
    letters = Letters()
    await read(connection, [DEAD_LETTERS], letters.apply, on_gaps=go_on)
    return letters


async def whole(log: Fetcher, letter: Letter) -> DeadLettered:
    """The letter with its message."""
    event = (await log.fetch(DEAD_LETTERS, 0, letter.number)).event()
    if not isinstance(event, DeadLettered):
        raise EarmarkError(f"{DEAD_LETTERS.name} offset {letter.number} has changed")
    return event


async def retry(connection: Connection, letters: Iterable[Letter], now: Clock) -> AsyncIterator[str]:
    """Have each letter's message handled again, and say where it stands.

    First the message, then the mark: whoever dies between them leaves the letter open, and its message is repeated.
    Raises KafkaError or what the handler raises; letters behind that one stay open.
    """
    async with fetcher(connection) as log, publisher(connection) as out:
        for letter in letters:
            event = await whole(log, letter)
            if way_of(letter) == "copy":
                [topic] = [topic for topic in TOPICS if topic.name == letter.topic]
                at = await out.append_bytes(
                    topic, letter.partition, event.key_bytes, event.value_bytes, event.header_bytes
                )
                offset, what = at.offset, f"is at offset {at.offset} now"
            else:
                results = await _handle(event, log, out)
                offset, what = letter.offset, f"was handled where it stands: {results} events"
            await out.append(
                DeadLetterRetried(at=now(), letter=letter.number, partition=letter.partition, offset=offset)
            )
            yield f"dead letter {letter.number}: {letter.place} {what}"


async def _handle(letter: DeadLettered, log: Fetcher, out: Publisher) -> int:
    """Publish what follows from the message at its place; how many events that were."""
    place = Position(partition=letter.partition, offset=letter.offset)
    try:
        event = decode(letter.header_bytes, letter.value_bytes)
    except UndecodableError as error:
        raise EarmarkError(
            f"{letter.topic}[{place.partition}]@{place.offset} is still unreadable: {error}"
        ) from error
    if letter.topic == PROMPTS.name:
        markers = await place_markers(event, place)
        await out.append_all(markers)
        return len(markers)
    count = 0
    async for batch in PublishSignals(log).publish_signals(event, place):
        await out.append_all(batch)
        count += len(batch)
    return count
