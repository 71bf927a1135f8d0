"""What a run of violence is made of, and the sizes that follow from it."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from streams.budget.breaker import OPENS_AFTER
from streams.budget.limits import Limits
from streams.events.prompts import Prompt

INPUT_USD = Decimal("0.00016")
"""About what a claim reserves for the prompt: its tokens written to the cache, with the margin for the estimate."""
OUTPUT_USD_A_TOKEN = Decimal("0.0000005")
# Two days at the cap and some: whatever the first day leaves, the last one has more work than money. There is more
# backfill than its share of a day, and more to do in the live lane than what the backfill leaves of both days.
WORK_OVER_CAP = Decimal("2.5")
BACKFILL = Decimal("0.4")
BACKFILL_SHARE = Decimal("0.5")
CALLS_IN_FLIGHT = (1, 2, 4)
PROBES_S = (1.0, 2.0)
# What an act cuts off, one call or two as a rule, is charged and not billed: with fewer claims between acts, 0.95 of the
# cap could not be billed.
CLAIMS_AN_ACT = 36
ENOUGH = Decimal("0.95")


@dataclass(frozen=True)
class Plan:
    """`kills` are SIGKILLs, `stops` SIGSTOPs past the deadline of every claim held; `fault` is planted in the analysts.

    `outage_s`: for so long Claude answers nobody, once, amid the work. `broker_kills`: so often a broker is killed.
    """

    analysts: int
    kills: int
    stops: int
    videos: int
    cap_usd: Decimal
    seed: int
    fault: str | None = None
    outage_s: float = 0.0
    broker_kills: int = 0

    def __post_init__(self) -> None:
        if self.max_tokens < 200:
            raise ValueError(
                f"${self.cap_usd} is too little for {self.videos} videos: an answer needs 200 tokens"
            )

    @property
    def video_ids(self) -> list[str]:
        """All of one length, so that every prompt has as many tokens."""
        return [f"video-{number:06}" for number in range(self.videos)]

    @property
    def backfill_ids(self) -> list[str]:
        return self.video_ids[: int(self.videos * BACKFILL)]

    @property
    def live_ids(self) -> list[str]:
        return self.video_ids[int(self.videos * BACKFILL) :]

    @property
    def live_at_once(self) -> int:
        """How many of the live videos are there from the start."""
        return len(self.live_ids) // 4

    @property
    def requests_at_once(self) -> int:
        """How many records the ledger has before any claim."""
        return len(self.backfill_ids) + self.live_at_once

    @property
    def call_usd(self) -> Decimal:
        """About what a claim reserves."""
        return self.cap_usd * WORK_OVER_CAP / self.videos

    @property
    def dearest_usd(self) -> Decimal:
        """More than any claim reserves: an answer that was cut is asked for again with room for twice as much."""
        return 2 * self.call_usd

    @property
    def max_tokens(self) -> int:
        return int((self.call_usd - INPUT_USD) / OUTPUT_USD_A_TOKEN)

    @property
    def prompt(self) -> Prompt:
        return Prompt(
            name="chaos",
            model="claude-haiku-5-5",
            max_tokens=self.max_tokens,
            effort="low",
            words="Say what was called.",
            schema_version=1,
        )

    @property
    def calls_in_flight(self) -> list[int]:
        """Of each analyst."""
        return [CALLS_IN_FLIGHT[slot % len(CALLS_IN_FLIGHT)] for slot in range(self.analysts)]

    @property
    def limits(self) -> Limits:
        """Of every analyst, but for its calls in flight. Short holds, so that claims expire."""
        return Limits(
            cap_usd=self.cap_usd,
            backfill_share=BACKFILL_SHARE,
            replay_share=Decimal(1),
            calls_in_flight=1,
            call_timeout_s=2.0,
            hold_slack_s=2.0,
            retry_delays_s=(0.2, 0.4),
            probe_delays_s=PROBES_S,
        )

    @property
    def calls_in_outage(self) -> int:
        """How many calls an outage may cost: those in flight as it begins, and probes at growing intervals.

        Two analysts may probe at once: the one has not read the other's claim.
        """
        probes, at_s, pause_s = 1, 0.0, PROBES_S[0]
        while at_s < self.outage_s:
            probes, at_s, pause_s = probes + 1, at_s + pause_s, min(2 * pause_s, PROBES_S[1])
        return sum(self.calls_in_flight) + OPENS_AFTER + probes + 2 * self.analysts

    @property
    def enough(self) -> Decimal:
        """The share of its cap that a day with more work than money must come to be billed.

        Every call in flight may outlive its claim while a broker is replaced: it is then charged in full.
        """
        in_flight = sum(self.calls_in_flight)
        return ENOUGH - self.broker_kills * in_flight * self.dearest_usd / self.cap_usd

    @property
    def calls_a_day(self) -> int:
        return int(self.cap_usd / self.call_usd)

    @property
    def claims_an_act(self) -> int:
        """How many claims lie between two acts: as many as spread them over both days, if that is not too few."""
        return max(CLAIMS_AN_ACT, 2 * self.calls_a_day // max(self.kills + self.stops, 1))

    @property
    def claims_before_midnight(self) -> int:
        """After how many claims the first day nears its end: with money left or, above 1, without, as the seed has it."""
        return int(self.calls_a_day * Random(self.seed).uniform(0.4, 1.2))
