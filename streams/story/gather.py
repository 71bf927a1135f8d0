"""Every record about one video, found without reading the log: a snapshot says where they stand, up to where it has read.

What stands behind that is read: of the video's own partitions, of the ledger, the signals and the dead letters. Of
`captions`, whose bodies are large, only what the ledger does not place elsewhere. Without a snapshot all that begins at 0.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from projections.places import Snapshot
from streams.budget.entries import LedgerError, Request, read_entry
from streams.discovery.channels import Channels
from streams.events.dead_letters import DeadLettered
from streams.events.envelope import UndecodableError
from streams.events.ledger import AnalysisRequested, ReplayCancelled, ReplayStarted, analysis_id
from streams.events.prompts import PromptActivated, PromptRegistered
from streams.events.record import Record
from streams.events.signals import SIGNALS
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import Apply, Ends
from streams.log.publish import partition_of
from streams.log.topics import (
    ANALYSES,
    CAPTIONS,
    CAPTIONS_REQUESTS,
    CAPTIONS_UNAVAILABLE,
    CHANNELS,
    DEAD_LETTERS,
    LEDGER,
    MENTION_SIGNALS,
    OUTLOOK_SIGNALS,
    PROMPTS,
    TOPICS,
    VIDEOS,
    Topic,
)

OF_THE_VIDEO = (VIDEOS, CAPTIONS_REQUESTS, CAPTIONS_UNAVAILABLE, ANALYSES)
SIGNAL_TOPICS = (MENTION_SIGNALS, OUTLOOK_SIGNALS)
_REPLAYS = {ReplayStarted.__name__, ReplayCancelled.__name__}
_KEYED = {topic.name for topic in (*OF_THE_VIDEO, CAPTIONS)}
_BY_NAME = {topic.name: topic for topic in TOPICS}

# A person waits for some twenty jumps.
JUMP_MS = 10

Place = tuple[str, int]


@dataclass(frozen=True)
class Found:
    """What the log has. `behind`: how many records the snapshot had not read; null: there is none of this log."""

    records: tuple[Record, ...]
    prompts: Mapping[str, str]
    channels: Channels
    channel_events: tuple[Record, ...]
    behind: int | None
    status_is_current: bool


@dataclass
class _Search:
    """What was found so far, and what may follow from it."""

    video_id: str
    partition: int
    found: dict[tuple[str, int, int], Record] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)
    channels: Channels = field(default_factory=Channels)
    channel_events: list[Record] = field(default_factory=list)
    keys: set[bytes] = field(default_factory=set)
    """Under which the ledger keeps what belongs to the video."""
    placed: set[int] = field(default_factory=set)
    """Offsets in `captions` that the ledger or a dead letter names for it."""
    last_placed: int = -1
    """The last offset in the video's partition of `captions` that a request names, whosever it is."""
    letters: set[bytes] = field(default_factory=set)
    replays: list[Record] = field(default_factory=list)
    """They stand before the requests of theirs."""

    def keep(self, record: Record) -> None:
        """It is about the video, but for a replay, which may be."""
        if record.topic == LEDGER.name:
            self.of_ledger(record)
            if record.type in _REPLAYS:
                return
            self.keys.add(record.key or b"")
        self.found[record.topic, record.partition, record.offset] = record
        if record.topic == DEAD_LETTERS.name:
            self.of_letters(record)

    def own(self, record: Record) -> None:
        """One of a partition of the video's: its own, or a marker."""
        if record.key == self.video_id.encode() or record.type == PromptActivated.__name__:
            self.keep(record)

    def of_ledger(self, record: Record) -> None:
        """One of the ledger: a request names the video, what follows has an id that the request gives."""
        if record.type == AnalysisRequested.__name__:
            try:
                entry = read_entry(record)
            except LedgerError:
                return
            if isinstance(entry, Request):
                self._request(record, entry)
        elif record.type in _REPLAYS:
            self.replays.append(record)
        elif record.key in self.keys:
            self.found[record.topic, record.partition, record.offset] = record

    def all(self) -> list[Record]:
        """What was found."""
        return [*self.found.values(), *(record for record in self.replays if record.key in self.keys)]

    def _request(self, record: Record, request: Request) -> None:
        if request.lane == "evaluation":
            return  # it names no captions
        at = request.captions_at
        if at.partition == self.partition:
            self.last_placed = max(self.last_placed, at.offset)
        if request.video_id != self.video_id:
            return
        self.found[record.topic, record.partition, record.offset] = record
        self.placed.add(at.offset)
        ids: list[UUID | None] = [request.request_id, request.replay_id]
        ids += [analysis_id(request.captions_id, prompt_id, request.again) for prompt_id in self.prompts]
        self.keys |= {str(one).encode() for one in ids if one is not None}

    def of_letters(self, record: Record) -> None:
        """One of the dead letters, or what marks one of the video's as retried."""
        if record.key in self.letters:
            self.found[record.topic, record.partition, record.offset] = record
            return
        try:
            event = record.event()
        except UndecodableError:
            return
        if isinstance(event, DeadLettered) and event.key_bytes in {self.video_id.encode(), *self.keys}:
            self.found[record.topic, record.partition, record.offset] = record
            self.letters.add(str(record.offset).encode())
            if event.topic == CAPTIONS.name:
                self.placed.add(event.offset)

    def of_signals(self, record: Record) -> None:
        """A signal has another key: its body names the video."""
        if self.video_id.encode() not in (record.value or b""):
            return
        with suppress(UndecodableError):
            event = record.event()
            if isinstance(event, SIGNALS) and event.video.video_id == self.video_id:
                self.found[record.topic, record.partition, record.offset] = record

    def of_channels(self, record: Record) -> None:
        """Whose channel it is, is known at the end."""
        try:
            self.channels.apply(record.event())
        except UndecodableError:
            return
        self.channel_events.append(record)

    def of_prompts(self, record: Record) -> None:
        """A prompt's name; an activation counts by its marker."""
        try:
            event = record.event()
        except UndecodableError:
            return
        if isinstance(event, PromptRegistered):
            self.prompts.setdefault(event.prompt_id, event.prompt.name)


async def gather(
    connection: Connection,
    video_id: str,
    snapshot: Snapshot | None,
    announce: Callable[[int], None] = lambda _: None,
) -> Found:
    """Everything the log has now about a video; a fact that is told twice perhaps only as it stood first.

    `announce` is told how many records stand behind the snapshot, before they are read. Raises EarmarkError or KafkaError.
    """
    search = _Search(video_id, partition_of(video_id, VIDEOS.partitions))
    async with fetcher(connection, wait_ms=JUMP_MS) as log:
        starts, ends = await log.bounds(TOPICS)
        known = snapshot
        if snapshot is not None and any(end > ends.get(place, 0) for place, end in snapshot.ends.items()):
            known = None  # it is of another log
        read_to = {
            place: start if known is None else max(start, known.ends.get(place, start))
            for place, start in starts.items()
        }
        behind = sum(max(ends[place] - read_to[place], 0) for place in ends)
        announce(behind)
        await _all(log, search.of_prompts, [PROMPTS], starts, ends)
        await _all(log, search.of_channels, [CHANNELS], starts, ends)
        for record in await _known(log, known, starts):
            # What a snapshot could not read may be anybody's.
            (search.own if record.topic in _KEYED else search.keep)(record)
        before = len(search.found)
        await _read_on(log, search, read_to, ends)
        grown = len(search.found) - before
    return Found(
        records=tuple(search.all()),
        prompts=search.prompts,
        channels=search.channels,
        channel_events=tuple(search.channel_events),
        behind=None if known is None else behind,
        status_is_current=known is not None and grown == 0,
    )


async def _known(log: Fetcher, snapshot: Snapshot | None, starts: Ends) -> list[Record]:
    """The records at the places that a snapshot has, in the order of the log; what is deleted by now is left out."""
    wanted: dict[Place, list[int]] = defaultdict(list)
    for topic, partition, offset in () if snapshot is None else snapshot.places:
        if offset >= starts[topic, partition]:
            wanted[topic, partition].append(offset)
    parts = await asyncio.gather(
        *(
            log.fetch_many(_BY_NAME[topic], partition, offsets)
            for (topic, partition), offsets in wanted.items()
        )
    )
    return [record for part in parts for _, record in sorted(part.items())]


async def _read_on(log: Fetcher, search: _Search, read_to: Ends, ends: Ends) -> None:
    """What stands behind the snapshot's ends; the ledger first, whose ids the rest needs."""
    search.last_placed = read_to[CAPTIONS.name, search.partition] - 1
    await _all(log, search.of_ledger, [LEDGER], read_to, ends)
    await _all(log, search.of_letters, [DEAD_LETTERS], read_to, ends)
    await _all(log, search.own, OF_THE_VIDEO, read_to, ends, [search.partition])
    await _all(log, search.of_signals, SIGNAL_TOPICS, read_to, ends)
    at = CAPTIONS.name, search.partition
    placed = {offset for offset in search.placed if read_to[at] <= offset <= search.last_placed}
    for record in (await log.fetch_many(CAPTIONS, search.partition, placed)).values() if placed else ():
        search.own(record)
    await _all(log, search.own, [CAPTIONS], {at: search.last_placed + 1}, ends, [search.partition])


async def _all(
    log: Fetcher,
    apply: Apply,
    topics: Iterable[Topic],
    starts: Ends,
    ends: Ends,
    partitions: Iterable[int] | None = None,
) -> None:
    """Apply what stands between `starts` and `ends`, partitions beside each other."""
    places = [
        (topic, partition)
        for topic in topics
        for partition in (range(topic.partitions) if partitions is None else partitions)
    ]
    await asyncio.gather(
        *(
            log.read(topic, partition, starts[topic.name, partition], ends[topic.name, partition], apply)
            for topic, partition in places
            if starts[topic.name, partition] < ends[topic.name, partition]
        )
    )
