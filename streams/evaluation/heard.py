"""What a prompt heard in a video: the part of an analysis that is scored, and how asking for it ended: pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from streams.events.analyses import Action, Mention, Rejection
from streams.events.ledger import Usage

State = Literal["answered", "cut", "refused", "failed", "not asked"]
"""cut: it broke off, and what is whole in it counts. refused: Claude would not. failed: no answer for another reason."""
STATES: tuple[State, ...] = ("answered", "cut", "refused", "failed", "not asked")


@dataclass(frozen=True)
class HeardCall:
    """A grounded mention: what becomes a signal. `second` from the video's beginning."""

    symbol: str
    said_as: str
    action: Action
    conviction: float
    quote: str
    second: float


@dataclass(frozen=True)
class RejectedCall:
    """A mention that never becomes a signal."""

    symbol: str
    reason: Rejection


@dataclass(frozen=True)
class Cost:
    """What calls were charged, in US dollars, and their tokens, as far as the bill is known."""

    usd: Decimal = Decimal(0)
    prompt_tokens: int = 0
    answer_tokens: int = 0

    def plus(self, usd: Decimal, usage: Usage | None) -> "Cost":
        """This and one call more."""
        if usage is None:
            return Cost(self.usd + usd, self.prompt_tokens, self.answer_tokens)
        return Cost(
            self.usd + usd,
            self.prompt_tokens + usage.prompt_tokens,
            self.answer_tokens + usage.output_tokens,
        )


@dataclass(frozen=True)
class Answer:
    """How asking about a video ended, and what was heard."""

    state: State
    calls: tuple[HeardCall, ...] = ()
    rejected: tuple[RejectedCall, ...] = ()
    cost: Cost = field(default_factory=Cost)


def heard_in(mentions: Iterable[Mention]) -> tuple[HeardCall, ...]:
    """The grounded ones, in the answer's order."""
    return tuple(
        HeardCall(said.symbol, said.said_as, said.action, said.conviction, said.quote, said.start_ms / 1000)
        for said in mentions
        if said.action is not None and said.conviction is not None and said.start_ms is not None
    )


def rejected_in(mentions: Iterable[Mention]) -> tuple[RejectedCall, ...]:
    """The others."""
    return tuple(RejectedCall(said.symbol, said.rejected) for said in mentions if said.rejected is not None)
