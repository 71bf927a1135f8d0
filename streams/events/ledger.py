"""The analysis ledger: requests, claims and settlements.

Every reader folds the same records in the same order to the same verdicts.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field

from streams.events.event import Event, Lane, Part, Position, Usd, Utc, derive_id

SettledOutcome = Literal["completed", "retry", "failed", "not_called"]


def request_id(
    captions: UUID, prompt_id: str | None, replay_id: UUID | None, again: int | None = None
) -> UUID:
    """The id of a request to analyse `captions` under a prompt (null = the active one), for a replay or none.

    `again`: the how-many-th repetition it is, null where it is none.
    """
    return derive_id("request", captions, prompt_id or "active", replay_id or "", *_repetition(again))


def analysis_id(captions: UUID, prompt_id: str, again: int | None = None) -> UUID:
    """The id of the analysis of `captions` under a prompt, the same for every request but a repetition."""
    return derive_id("analysis", captions, prompt_id, *_repetition(again))


def _repetition(again: int | None) -> tuple[int, ...]:
    return () if again is None else (again,)


class Usage(Part):
    """Tokens as the provider bills them; the whole prompt is input + cache_creation + cache_read."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cache_creation_input_tokens: int = Field(default=0, ge=0)
    cache_read_input_tokens: int = Field(default=0, ge=0)

    @property
    def prompt_tokens(self) -> int:
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens


class AnalysisRequested(Event):
    """A command: analyse these captions. `prompt_id` null: the prompt active when it is claimed.

    `again`: the how-many-th repetition (from 1) of a request that failed for good; left out if it is none.
    """

    request_id: UUID
    video_id: str
    captions_id: UUID
    captions_at: Position
    lane: Lane
    prompt_id: str | None
    replay_id: UUID | None
    again: int | None = Field(default=None, ge=1, exclude_if=lambda number: number is None)

    @property
    def key(self) -> str:
        return str(self.request_id)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.request_id,)


class BudgetReserved(Event):
    """A claim: a call's worst case in US dollars. The fold of the ledger says whether it is granted.

    `hold_s` seconds after the broker took the record, an unsettled claim expires, charged in full for good.
    """

    attempt_id: UUID
    request_id: UUID
    analysis_id: UUID
    prompt_id: str
    model: str
    max_tokens: int = Field(ge=1)
    attempt: int = Field(ge=1)
    lane: Lane
    replay_id: UUID | None
    usd: Usd = Field(ge=0)
    cap_usd: Usd = Field(ge=0)
    lane_cap_usd: Usd = Field(ge=0)
    hold_s: int = Field(ge=1)

    @property
    def key(self) -> str:
        return str(self.analysis_id)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.attempt_id,)


class BudgetSettled(Event):
    """What a claim cost in the end. `usage` null with `usd` above 0: the bill is unknown, the reservation stays charged.

    `granted`: whether the ledger granted the claim, for readers that do not fold it; null: an older version wrote this.
    """

    attempt_id: UUID
    analysis_id: UUID
    outcome: SettledOutcome
    usd: Usd = Field(ge=0)
    usage: Usage | None
    retry_at: Utc | None
    granted: bool | None = None

    @property
    def key(self) -> str:
        return str(self.analysis_id)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.attempt_id,)


class ReplayFilter(Part):
    """Which videos a replay takes."""

    since: Utc | None = None
    channel_id: str | None = None
    sample: int | None = Field(default=None, ge=1)


class _OfReplay(Event):
    replay_id: UUID

    @property
    def key(self) -> str:
        return str(self.replay_id)

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.replay_id,)


class ReplayStarted(_OfReplay):
    """A replay of history under a candidate prompt: its list is frozen by filter, seed and the captions' end offsets.

    `since_typed`: the age that was typed, if the filter's `since` follows from one; left out if a date was typed.
    `resumes`: the cancelled replay that this one continues, within what it left of its limit; left out if none.
    """

    prompt_id: str
    filter: ReplayFilter
    seed: int
    share: float = Field(gt=0, le=1)
    max_usd: Usd = Field(ge=0)
    follow: bool
    captions_ends: tuple[int, ...]
    since_typed: str | None = Field(default=None, exclude_if=lambda typed: typed is None)
    resumes: UUID | None = Field(default=None, exclude_if=lambda replay_id: replay_id is None)


class ReplayCancelled(_OfReplay):
    """No further claim of this replay is granted."""
