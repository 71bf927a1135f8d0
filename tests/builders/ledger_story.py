"""A ledger told in events, for tests of what folds it for replays."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from streams.events.event import Event, Lane, Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
    SettledOutcome,
    analysis_id,
    request_id,
)
from streams.log.topics import LEDGER
from streams.replay.progress import Listed, Listing, Progress, Replays
from tests.builders.histories import record

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REPLAY, OTHER = UUID(int=1), UUID(int=2)
PROMPT_ID = "candidate"
HOLD_S = 150
TOKEN_USD = Decimal("0.01")


def captions(number: int) -> UUID:
    return UUID(int=100 + number)


def listed(number: int, usd: str, replay: UUID = REPLAY) -> Listed:
    """Video `number` on the replay's list, with tokens for so many US dollars: a cent each."""
    return Listed(
        request_id(captions(number), PROMPT_ID, replay), captions(number), round(Decimal(usd) / TOKEN_USD)
    )


def started(max_usd: str, replay: UUID = REPLAY) -> ReplayStarted:
    return ReplayStarted(
        at=NOON,
        replay_id=replay,
        prompt_id=PROMPT_ID,
        filter=ReplayFilter(),
        seed=0,
        share=0.5,
        max_usd=Decimal(max_usd),
        follow=False,
        captions_ends=(0,) * 12,
    )


def cancelled(replay: UUID = REPLAY) -> ReplayCancelled:
    return ReplayCancelled(at=NOON, replay_id=replay)


def asked(number: int, replay: UUID | None = REPLAY) -> AnalysisRequested:
    return AnalysisRequested(
        at=NOON,
        request_id=request_id(captions(number), PROMPT_ID, replay),
        video_id=f"video-{number}",
        captions_id=captions(number),
        captions_at=Position(partition=0, offset=number),
        lane="live" if replay is None else "replay",
        prompt_id=PROMPT_ID,
        replay_id=replay,
    )


def claimed(number: int, usd: str, replay: UUID | None = REPLAY, attempt: int = 1) -> BudgetReserved:
    lane: Lane = "live" if replay is None else "replay"
    return BudgetReserved(
        at=NOON,
        attempt_id=uuid4(),
        request_id=request_id(captions(number), PROMPT_ID, replay),
        analysis_id=analysis_id(captions(number), PROMPT_ID),
        prompt_id=PROMPT_ID,
        model="model",
        max_tokens=100,
        attempt=attempt,
        lane=lane,
        replay_id=replay,
        usd=Decimal(usd),
        cap_usd=Decimal(50),
        lane_cap_usd=Decimal(50),
        hold_s=HOLD_S,
    )


def settled(claim: BudgetReserved, outcome: SettledOutcome, usd: str = "0") -> BudgetSettled:
    return BudgetSettled(
        at=NOON,
        attempt_id=claim.attempt_id,
        analysis_id=claim.analysis_id,
        outcome=outcome,
        usd=Decimal(usd),
        usage=None,
        retry_at=None,
    )


@dataclass
class Told:
    """The fold, told events a millisecond apart by the broker's clock, and asked at the same time."""

    listed: tuple[Listed, ...] = ()
    replays: Replays = field(default_factory=Replays)
    offset: int = 0

    def tell(self, *events: Event) -> Progress:
        """How far the replay is after the last of them."""
        for event in events:
            self.offset += 1
            at_ms = round(self.now.timestamp() * 1000)
            self.replays.apply(replace(record(event, self.offset, LEDGER), timestamp_ms=at_ms))
        return self.progress()

    def progress(self, replay: UUID = REPLAY, later_s: float = 0) -> Progress:
        listing = Listing(self.listed, lambda tokens: tokens * TOKEN_USD)
        return self.replays.progress(replay, self.now + timedelta(seconds=later_s), listing)

    @property
    def now(self) -> datetime:
        return NOON + timedelta(milliseconds=self.offset)
