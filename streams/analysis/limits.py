"""What an analyst may do."""

from dataclasses import dataclass
from decimal import Decimal

from streams.events.event import Lane


@dataclass(frozen=True)
class Limits:
    """What may be spent, in US dollars a UTC day and as shares of it, and how a call is bounded, in seconds.

    `hold_slack_s`: how much longer than a call its claim is held. `retry_delays_s`: the wait after each failed attempt.
    """

    cap_usd: Decimal
    backfill_share: Decimal
    replay_share: Decimal
    calls_in_flight: int
    call_timeout_s: float
    hold_slack_s: float = 30.0
    retry_delays_s: tuple[float, float] = (30.0, 300.0)

    def lane_cap_usd(self, lane: Lane) -> Decimal:
        """What a lane may be charged a day."""
        shares = {"live": Decimal(1), "backfill": self.backfill_share, "replay": self.replay_share}
        return self.cap_usd * shares[lane]

    def calls_of(self, lane: Lane) -> int:
        """How many calls may be in flight for one more of a lane to begin: some are kept free for the live one."""
        return self.calls_in_flight - (0 if lane == "live" else self.calls_in_flight // 8)

    @property
    def hold_s(self) -> int:
        """How long a claim stays open without a settlement."""
        return max(1, round(self.call_timeout_s + self.hold_slack_s))
