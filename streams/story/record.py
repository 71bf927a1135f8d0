"""The records about one video as a story: in order, each with its event, and what several of them mean together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal, TypeVar
from uuid import UUID

from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.envelope import UndecodableError
from streams.events.event import Event
from streams.events.ledger import AnalysisRequested, BudgetReserved, BudgetSettled
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.events.videos import OfVideo, Video
from streams.log.topics import ANALYSES, TOPICS
from streams.signals.current import Partition, Switch, happened

E = TypeVar("E", bound=Event)
State = Literal["not_called", "open", "unknown", "billed"]

_OF_OTHERS = (ChannelFollowed, ChannelScanned, ChannelUnfollowed, PromptActivated)
_RANKS = {topic.name: rank for rank, topic in enumerate(TOPICS)}


@dataclass(frozen=True)
class Told:
    """A record with its event, or why it has none; `again`: the same fact stands in the log before it."""

    record: Record
    event: Event | None
    unreadable: str | None = None
    again: bool = False

    @property
    def at(self) -> datetime:
        """When the log took it, by the broker's clock."""
        return datetime.fromtimestamp(self.record.timestamp_ms / 1000, UTC)

    @property
    def offset(self) -> int:
        """Where it stands in its partition."""
        return self.record.offset


@dataclass(frozen=True)
class Attempt:
    """A claim on the budget, and what came of it; `offset`: of the claim."""

    offset: int
    claimed_at: datetime
    claim: BudgetReserved
    settled_at: datetime | None
    settled: BudgetSettled | None
    failure: AttemptFailed | AnalysisFailed | None

    @property
    def deadline(self) -> datetime:
        """Until when it is held."""
        return self.claimed_at + timedelta(seconds=self.claim.hold_s)

    @property
    def is_denied(self) -> bool:
        """Whether the ledger did not grant it, as far as its settlement and its own caps say."""
        if self.settled is not None and self.settled.granted is not None:
            return not self.settled.granted
        return self.claim.usd > min(self.claim.cap_usd, self.claim.lane_cap_usd)

    @property
    def is_late(self) -> bool:
        """Whether its settlement came when it had expired, and changes nothing."""
        return self.settled_at is not None and self.settled_at >= self.deadline and not self.is_denied

    def state(self, now: datetime) -> State:
        """What it comes to, as in the read model's `attempts`."""
        bill = self.settled
        if self.is_denied and (bill is None or bill.usd == 0):
            return "not_called"
        if bill is None:
            return "open" if self.deadline > now else "unknown"
        if self.is_late:
            return "unknown"
        if bill.outcome == "not_called" and bill.usd == 0:
            return "not_called"
        return "unknown" if bill.usd > 0 and bill.usage is None else "billed"


@dataclass(frozen=True)
class Story:
    """Every record about a video that was found, in order. `prompts`: the names of prompts by their ids."""

    video_id: str
    told: Sequence[Told]
    prompts: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: type[E]) -> list[tuple[Told, E]]:
        """The first record of each fact of a kind, and its event."""
        return [(told, told.event) for told in self.told if isinstance(told.event, kind) and not told.again]

    @cached_property
    def video(self) -> Video | None:
        """The video as it is known last."""
        known = [told.event.video for told in self.told if isinstance(told.event, OfVideo)]
        return known[-1] if known else None

    @cached_property
    def switches(self) -> Mapping[int, Switch]:
        """Which records of its partition of `analyses` gave it another current analysis, by offset."""
        fold, found = Partition(), {}
        records = [told for told in self.told if told.record.topic == ANALYSES.name]
        for told in sorted(records, key=lambda told: told.offset):
            for switch in [] if told.event is None else happened(fold, told.offset, told.event):
                found[told.offset] = switch
        return found

    @property
    def is_known(self) -> bool:
        """Whether the log has anything of the video; an activation or a follow is nobody's own."""
        return any(not isinstance(told.event, _OF_OTHERS) for told in self.told)

    @cached_property
    def shown(self) -> Sequence[Told]:
        """What bears on the video: no activation that changed nothing, and no walk over a tab."""
        return [
            told
            for told in self.told
            if not isinstance(told.event, ChannelScanned)
            and (not isinstance(told.event, PromptActivated) or told.offset in self.switches)
        ]

    @cached_property
    def attempts(self) -> Mapping[UUID, Attempt]:
        """Every claim on the budget, in the order of the ledger."""
        settlements = {event.attempt_id: (told, event) for told, event in self.of(BudgetSettled)}
        failures: dict[UUID | None, AttemptFailed | AnalysisFailed] = {
            event.attempt_id: event for _, event in self.of(AttemptFailed)
        }
        failures |= {event.attempt_id: event for _, event in self.of(AnalysisFailed)}
        found = {}
        for told, claim in sorted(self.of(BudgetReserved), key=lambda pair: pair[0].offset):
            settled_by, settled = settlements.get(claim.attempt_id, (None, None))
            found[claim.attempt_id] = Attempt(
                offset=told.offset,
                claimed_at=told.at,
                claim=claim,
                settled_at=None if settled_by is None else settled_by.at,
                settled=settled,
                failure=failures.get(claim.attempt_id),
            )
        return found

    @cached_property
    def requests(self) -> Mapping[UUID, tuple[int, AnalysisRequested]]:
        """The requests for its analysis by id, with their offsets, in the order of the ledger."""
        requests = sorted(self.of(AnalysisRequested), key=lambda pair: pair[0].offset)
        return {event.request_id: (told.offset, event) for told, event in requests}

    @cached_property
    def open_letters(self) -> Mapping[int, DeadLettered]:
        """Its dead letters that nobody has retried, by number."""
        retried = {event.letter for _, event in self.of(DeadLetterRetried)}
        return {told.offset: event for told, event in self.of(DeadLettered) if told.offset not in retried}

    def prompt(self, prompt_id: str) -> str:
        """A prompt's name, or its id where nobody has registered it."""
        return self.prompts.get(prompt_id, prompt_id)


def in_order(records: Iterable[Record]) -> list[Told]:
    """The records by the broker's clock; within a millisecond in the order of the walk."""
    seen: set[object] = set()
    found = []
    for record in sorted(records, key=_order):
        try:
            event = record.event()
        except UndecodableError as error:
            found.append(Told(record, None, str(error)))
            continue
        # Of an analysis the first whole and the first partial answer count, whichever attempts they are of.
        fact = (event.analysis_id, event.partial) if isinstance(event, AnalysisCompleted) else event.event_id
        found.append(Told(record, event, again=fact in seen))
        seen.add(fact)
    return found


def _order(record: Record) -> tuple[int, int, int, int]:
    return record.timestamp_ms, _RANKS[record.topic], record.partition, record.offset
