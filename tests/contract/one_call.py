"""One call to a loopback Claude through the real SDK, and what it costs."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from streams.analysis.results import charge
from streams.budget.prices import worst_case
from streams.claude.client import Claude, client
from streams.claude.outcomes import Answered, Failed, Outcome
from streams.events.ledger import BudgetReserved
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Step

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANSWER = (
    '{"market_outlook": {"direction": "BULLISH", "reasoning": "r"}, "macro_themes": [], "key_risks": [],'
    ' "summary": "s", "mentions": [{"symbol": "X", "said_as": "ex", "action": " Buy", "conviction": 0.5,'
    ' "time_horizon": "Weeks", "quote": "q", "line": 1}]}'
)
REQUEST: dict[str, Any] = {
    "model": "claude-haiku-5-5",
    "max_tokens": 1000,
    "system": [
        {"type": "text", "text": "Read this. " * 300, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    ],
    "messages": [{"role": "user", "content": "[1] a kettle boils"}],
    "output_config": {"effort": "low"},
}


async def asked(step: Step, time_limit_s: float = 30) -> tuple[Outcome, Decimal, Decimal]:
    """The outcome of one call that goes as `step` says; its charge and the bill, as shares of what was reserved."""
    async with (
        LoopbackClaude({}, improvise=lambda _: step) as server,
        client("key", server.base_url, 1) as sdk,
    ):
        claude = Claude(sdk, lambda: NOW)
        counted = await claude.count(REQUEST, time_limit_s)
        assert isinstance(counted, int)
        outcome = (await claude.call(REQUEST, time_limit_s)).outcome
        assert len(server.calls) == 1, "no retry but our own"
        reserved = worst_case(REQUEST["model"], counted, REQUEST["max_tokens"])
        return outcome, charged(outcome, reserved) / reserved, server.bill() / reserved


def charged(outcome: Outcome, reserved: Decimal) -> Decimal:
    match outcome:
        case Answered() | Failed():
            return charge(claim_of(reserved), outcome)[0]
        case _:
            return Decimal(0)


def claim_of(usd: Decimal) -> BudgetReserved:
    return BudgetReserved(
        at=NOW,
        attempt_id=uuid4(),
        request_id=uuid4(),
        analysis_id=uuid4(),
        prompt_id="p",
        model=REQUEST["model"],
        max_tokens=REQUEST["max_tokens"],
        attempt=1,
        lane="live",
        replay_id=None,
        usd=usd,
        cap_usd=Decimal(5),
        lane_cap_usd=Decimal(5),
        hold_s=150,
    )
