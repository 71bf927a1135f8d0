"""What an analyst may do."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from streams.budget.prices import NANO
from streams.events.event import Lane


@dataclass(frozen=True)
class Limits:
    """What may be spent, in US dollars a UTC day and as shares of it, and how a call is bounded, in seconds.

    `hold_slack_s`: how much longer than a call its claim is held. `retry_delays_s`: the wait after each failed attempt.
    `probe_delays_s`: the first and the longest wait before one call tries whether Claude answers again.
    """

    cap_usd: Decimal
    backfill_share: Decimal
    replay_share: Decimal
    calls_in_flight: int
    call_timeout_s: float
    hold_slack_s: float = 30.0
    retry_delays_s: tuple[float, float] = (30.0, 300.0)
    probe_delays_s: tuple[float, float] = (30.0, 900.0)
    evaluation_share: Decimal = Decimal("0.2")

    def lane_cap_usd(self, lane: Lane) -> Decimal:
        """What a lane may be charged a day."""
        shares: dict[Lane, Decimal] = {
            "live": Decimal(1),
            "backfill": self.backfill_share,
            "replay": self.replay_share,
            "evaluation": self.evaluation_share,
        }
        return self.share_usd(shares[lane])

    def share_usd(self, share: Decimal) -> Decimal:
        """A share of the cap, rounded down to the billionth: a claim holds no finer amount."""
        return (self.cap_usd * share).quantize(NANO, rounding=ROUND_FLOOR)

    def calls_of(self, lane: Lane) -> int:
        """How many calls may be in flight for one more of a lane to begin: an eighth is kept free for the live one."""
        kept = 0 if lane == "live" or self.calls_in_flight == 1 else -(-self.calls_in_flight // 8)
        return self.calls_in_flight - kept

    @property
    def hold_s(self) -> int:
        """How long a claim stays open without a settlement."""
        return max(1, round(self.call_timeout_s + self.hold_slack_s))


def room_for_answer(max_tokens: int, model_limit: int | None, *, cuts: int) -> int:
    """How many tokens an answer may have: those of the prompt, twice as many after each answer that was cut (`cuts`).

    Never more than the model's own limit; where that is not known, no more than the prompt says.
    """
    if cuts == 0 or model_limit is None:
        return max_tokens
    return max(max_tokens, min(max_tokens << cuts, model_limit))
