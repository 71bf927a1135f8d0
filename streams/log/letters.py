"""The dead letters, in a few bytes each: a fold of their topic, and which of them may be handled again, and how.

A letter's number is its offset in `dead-letters`. What fails again is a letter of its own, for it stands at another place.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from streams.errors import RefusedError
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.envelope import UndecodableError
from streams.events.record import Record
from streams.log.topics import ANALYSES, CAPTIONS, CAPTIONS_REQUESTS, LEDGER, PROMPTS, TOPICS, VIDEOS

Way = Literal["copy", "in_place"]
"""How a message is handled again.

copy: its bytes go to the end of their partition; what follows from them has ids, so nothing counts twice.
in_place: its handler is called as if it came once more; a copy would be passed over, or would mean something later.
"""

_WAYS: dict[str, Way] = {
    VIDEOS.name: "copy",
    CAPTIONS_REQUESTS.name: "copy",
    CAPTIONS.name: "copy",
    # Of an analysis the first by offset counts, and an activation's number is its offset.
    ANALYSES.name: "in_place",
    PROMPTS.name: "in_place",
}
_PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its message; `partition` and `offset` say where the message stood in `topic`.

    `is_empty`: the message had neither key nor value, which no producer sends.
    """

    number: int
    at: datetime
    topic: str
    partition: int
    offset: int
    key: bytes | None
    handler: str
    error: str
    attempt: int
    is_empty: bool

    @property
    def place(self) -> str:
        """Where its message stood, in words."""
        return f"{self.topic}[{self.partition}]@{self.offset}"


@dataclass
class Letters:
    """Every letter and retry so far. `unreadable`: records of the topic that are neither."""

    by_number: dict[int, Letter] = field(default_factory=dict)
    retried: dict[int, DeadLetterRetried] = field(default_factory=dict)
    unreadable: int = 0
    _seen: set[UUID] = field(default_factory=set)

    def apply(self, record: Record) -> None:
        """Fold a record of `dead-letters`. A letter that is written twice is the first of the two."""
        try:
            event = record.event()
        except UndecodableError:
            self.unreadable += 1
            return
        match event:
            case DeadLettered() if event.event_id not in self._seen:
                self._seen.add(event.event_id)
                self.by_number[record.offset] = Letter(
                    number=record.offset,
                    at=event.at,
                    topic=event.topic,
                    partition=event.partition,
                    offset=event.offset,
                    key=event.key_bytes,
                    handler=event.handler,
                    error=event.error,
                    attempt=event.attempt,
                    is_empty=event.original_key is None and event.original_value is None,
                )
            case DeadLetterRetried():
                self.retried.setdefault(event.letter, event)

    def open(self) -> list[Letter]:
        """The letters that nobody has retried, the oldest first."""
        return [letter for number, letter in self.by_number.items() if number not in self.retried]

    def to_retry(self, numbers: Iterable[int]) -> list[Letter]:
        """The letters of these numbers, each once. Raises RefusedError where one is none, or may not be retried."""
        letters = []
        for number in dict.fromkeys(numbers):
            letter = self.by_number.get(number)
            if letter is None:
                raise RefusedError(f"there is no dead letter {number}: `earmark dead-letters list` has them")
            refusal = self.refusal(letter)
            if refusal is not None:
                raise RefusedError(f"dead letter {number} is not retried: {refusal}")
            letters.append(letter)
        return letters

    def refusal(self, letter: Letter) -> str | None:
        """Why a letter may not be retried, or None where it may."""
        if letter.topic == LEDGER.name:
            return (
                "it is of the ledger, whose order alone says what is granted and charged: the same words at its end could"
                " say something else"
            )
        if letter.topic not in _WAYS or letter.partition >= _PARTITIONS[letter.topic]:
            return f"nothing in Earmark handles messages of {letter.topic}[{letter.partition}]"
        if letter.is_empty:
            return "the message has neither key nor value: there is nothing to handle"
        done = self.retried.get(letter.number)
        if done is None:
            return None
        place = (letter.topic, done.partition, done.offset)
        again = [
            later.number
            for later in self.by_number.values()
            if (later.topic, later.partition, later.offset) == place and later.number > letter.number
        ]
        went = f"it was retried at {done.at:%Y-%m-%d %H:%M} UTC, as {letter.topic}[{done.partition}]@{done.offset}"
        return f"{went}, and failed again as dead letter {again[0]}" if again else went


def way_of(letter: Letter) -> Way:
    """How a letter that may be retried is."""
    return _WAYS[letter.topic]
