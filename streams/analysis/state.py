"""The analyst's state: the folds of the ledger, of `prompts` and of `analyses`. No I/O, no clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from streams.analysis.queue import Queue
from streams.budget.account import Pending
from streams.budget.books import Books
from streams.budget.breaker import Breaker
from streams.budget.entries import Claim, Replay, Request, Settlement, read_entry
from streams.budget.frozen import frozen, thaw
from streams.budget.ledger import Ledger, Verdict
from streams.events.envelope import UndecodableError
from streams.events.event import Position
from streams.events.ledger import AnalysisRequested, analysis_id, request_id
from streams.events.prompts import Prompt
from streams.events.record import Record
from streams.log.topics import ANALYSES, LEDGER, PROMPTS
from streams.prompts import registry as prompt_log
from streams.prompts.registry import Prompts

BY_THE_REQUEST = ("content_filtered", "bad_request")
"""Outcomes that another try with the same request brings again: one repeat, and they are final."""

_NOT_KEPT = ("on_verdict", "books", "queue", "prompts")


@dataclass
class AnalystState:
    """`recorded`: attempts whose outcome stands in `analyses` while their claim is not settled.

    `truncated` and `refused`: analyses with an answer that was cut, or a request that was turned down, before.
    `owed`: requests under the candidates of following replays, for new videos, that nobody has appended yet.
    `on_verdict` is called with the verdict on every claim as it is folded.
    """

    on_verdict: Callable[[UUID, Verdict], None]
    books: Books = field(default_factory=Books)
    queue: Queue = field(default_factory=Queue)
    prompts: Prompts = field(default_factory=Prompts)
    recorded: dict[UUID, Position] = field(default_factory=dict)
    answered: set[UUID] = field(default_factory=set)
    truncated: set[UUID] = field(default_factory=set)
    refused: set[UUID] = field(default_factory=set)
    breaker: Breaker = field(default_factory=Breaker)
    owed: dict[UUID, AnalysisRequested] = field(default_factory=dict)
    _markers: dict[int, tuple[int, str]] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        """Fold a record of the ledger, of `analyses` or of `prompts`. Raises LedgerError: nothing may be spent then."""
        if record.topic == LEDGER.name:
            self._ledger(record)
        elif record.topic == ANALYSES.name:
            self._analyses(record)
        elif record.topic == PROMPTS.name:
            try:
                prompt_log.fold(self.prompts, record)
            except UndecodableError:
                return  # the worker's agent on this topic makes it a dead letter

    @property
    def ledger(self) -> Ledger:
        """The state that the rules speak of."""
        return self.books.ledger

    def freeze(self) -> dict[str, bytes]:
        """What it knows of the ledger and of `analyses`, in parts; `prompts` is short, and read whole each time."""
        return {"books": frozen(self.books), "analyst": frozen(self, _NOT_KEPT)}

    def thaw(self, parts: Mapping[str, bytes]) -> None:
        """Know what a state of the same settings knew when it was frozen. Raises msgspec.DecodeError and KeyError."""
        thaw(self.books, parts["books"])
        thaw(self, parts["analyst"], _NOT_KEPT)
        for pending in self.ledger.pending.values():
            self._line_up(pending)

    def _line_up(self, pending: Pending) -> None:
        """Let a request wait here; those of an evaluation are taken by whoever runs it."""
        if pending.request.lane != "evaluation":
            self.queue.add(pending)

    @property
    def active_prompt(self) -> Prompt | None:
        """The prompt whose markers stand in every partition of `analyses`, or None before the first."""
        if len(self._markers) < ANALYSES.partitions:
            return None
        _, prompt_id = min(self._markers.values())
        return self.prompts.by_id.get(prompt_id)

    def prompt_for(self, prompt_id: str | None) -> Prompt | None:
        """The prompt that a request names, or the active one."""
        return self.active_prompt if prompt_id is None else self.prompts.by_id.get(prompt_id)

    def _ledger(self, record: Record) -> None:
        entry = read_entry(record)
        if entry is None:
            self.books.days.foreign += 1
            return
        settled = self.ledger.unsettled.get(entry.attempt_id) if isinstance(entry, Settlement) else None
        is_new = isinstance(entry, Request) and not self.ledger.is_requested(entry.request_id)
        verdict = self.books.fold(entry, record)
        match entry:
            case Claim() if verdict is not None:
                self.on_verdict(entry.attempt_id, verdict)
            case Request():
                self.owed.pop(entry.request_id, None)
                if is_new:
                    self._line_up(self.ledger.pending[entry.request_id])
                    for replay in self.ledger.replays.values():
                        self._owe(entry, replay, record)
            case Settlement():
                self._settle(entry, settled)
            case Replay() if self.ledger.replays[entry.replay_id] is entry:
                # Its list ends before these, and their requests stand before it.
                for pending in self.ledger.pending.values():
                    place = pending.request.captions_at
                    if place.offset >= _end(entry, place.partition):
                        self._owe(pending.request, entry, record)
            case _:
                pass

    def _settle(self, settlement: Settlement, claim: Claim | None) -> None:
        self.recorded.pop(settlement.attempt_id, None)
        if claim is not None and claim.request_id not in self.ledger.pending:
            self.queue.discard(claim.request_id)
        if claim is not None:
            self._break(settlement)
        if self.ledger.is_done(settlement.analysis_id):
            for kept in (self.answered, self.truncated, self.refused):
                kept.discard(settlement.analysis_id)
            self.breaker.forget(settlement.analysis_id)

    def _break(self, settlement: Settlement) -> None:
        """Whether the provider answered; a claim that nobody called says nothing of that."""
        if settlement.unanswered:
            self.breaker.unanswered(settlement.analysis_id, self.ledger.clock_ms)
        elif settlement.usage is not None or settlement.outcome == "completed":
            self.breaker.answered(settlement.analysis_id)

    def _owe(self, live: Request, replay: Replay, record: Record) -> None:
        """A following replay asks for what a live request asks for, unless both ask with the same prompt.

        It takes new videos, and what is asked for again is none: it was owed when it was asked for first.
        """
        active = self.active_prompt
        if (
            live.prompt_id is not None
            or live.again is not None
            or not replay.follow
            or replay.replay_id in self.ledger.cancelled
            or (active is not None and active.prompt_id == replay.prompt_id)
        ):
            return
        owed = AnalysisRequested(
            at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
            request_id=request_id(live.captions_id, replay.prompt_id, replay.replay_id),
            video_id=live.video_id,
            captions_id=live.captions_id,
            captions_at=Position(partition=live.captions_at.partition, offset=live.captions_at.offset),
            lane="replay",
            prompt_id=replay.prompt_id,
            replay_id=replay.replay_id,
        )
        if not self.ledger.is_requested(owed.request_id):
            self.owed[owed.request_id] = owed

    def owed_now(self) -> list[AnalysisRequested]:
        """The owed requests that still count: not of a cancelled replay, nor of what is analysed by now.

        Those under a prompt that has become the active one count: the live request may have been claimed before.
        """
        self.owed = {
            owed_id: request
            for owed_id, request in self.owed.items()
            if request.replay_id not in self.ledger.cancelled
            and not self.ledger.is_done(
                analysis_id(request.captions_id, request.prompt_id or "", request.again)
            )
        }
        return list(self.owed.values())

    def _is_settled(self, attempt_id: UUID) -> bool:
        return self.ledger.is_claimed(attempt_id) and attempt_id not in self.ledger.unsettled

    def _analyses(self, record: Record) -> None:
        name = record.type
        if name == "PromptActivated":
            number, prompt_id = record.header("ce_activation"), record.header("ce_promptid")
            if number is not None and prompt_id is not None:
                # A redelivered activation may come after a later one.
                here = self._markers.get(record.partition, (-1, ""))
                self._markers[record.partition] = max(here, (int(number), prompt_id))
            return
        analysis, attempt = record.header("ce_analysisid"), record.header("ce_attemptid")
        if analysis is None:
            return
        analysis_id = UUID(analysis)
        if not self.ledger.is_done(analysis_id):
            if name != "AttemptFailed":
                self.answered.add(analysis_id)
            elif record.header("ce_outcome") == "max_tokens":
                self.truncated.add(analysis_id)
            elif record.header("ce_outcome") in BY_THE_REQUEST:
                self.refused.add(analysis_id)
        if attempt is not None and not self._is_settled(UUID(attempt)):
            self.recorded[UUID(attempt)] = Position(partition=record.partition, offset=record.offset)


def _end(replay: Replay, partition: int) -> int:
    """The offset in a partition of `captions` at which a replay's own list ends."""
    ends = replay.captions_ends
    return ends[partition] if partition < len(ends) else 0
