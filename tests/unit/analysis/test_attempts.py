"""What an attempt does with a state that lags behind the log."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from streams.analysis.attempt import Attempts
from streams.analysis.calls import Calls
from streams.analysis.claude import Claude, client
from streams.analysis.entries import Claim, Place, Request
from streams.analysis.ledger import Pending
from streams.analysis.limits import Limits
from streams.analysis.next_step import Again
from streams.analysis.state import State
from streams.events.captions import CaptionsExtracted
from streams.events.event import Event
from streams.events.ledger import analysis_id
from streams.events.prompts import Prompt
from streams.log.publish import Appended

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PROMPT = Prompt(
    name="test", model="claude-haiku-5-5", max_tokens=1000, effort="low", words="Say.", schema_version=1
)
LIMITS = Limits(
    cap_usd=Decimal(5),
    backfill_share=Decimal("0.5"),
    replay_share=Decimal("0.5"),
    calls_in_flight=8,
    call_timeout_s=120.0,
)
REQUEST = Request(
    request_id=uuid4(),
    video_id="a",
    captions_id=uuid4(),
    captions_at=Place(0, 0),
    lane="live",
    prompt_id=PROMPT.prompt_id,
    replay_id=None,
)
CLAIM = Claim(
    attempt_id=uuid4(),
    request_id=REQUEST.request_id,
    analysis_id=analysis_id(REQUEST.captions_id, PROMPT.prompt_id),
    prompt_id=PROMPT.prompt_id,
    model=PROMPT.model,
    max_tokens=PROMPT.max_tokens,
    attempt=1,
    lane="live",
    replay_id=None,
    usd=Decimal("0.01"),
    cap_usd=Decimal(5),
    lane_cap_usd=Decimal(5),
    hold_s=150,
)


async def nothing_is_fetched(_pending: Pending) -> CaptionsExtracted:
    raise AssertionError


async def nothing_is_appended(_event: Event) -> Appended:
    raise AssertionError


async def nothing_is_read(_partition: int) -> None:
    raise AssertionError


async def test_a_claim_that_is_settled_but_not_yet_read_so_holds_a_retry_up_for_a_moment_only() -> None:
    """Not until its deadline: the settlement, perhaps one of our own, is on its way to our fold."""
    state = State()
    state.prompts.by_id[PROMPT.prompt_id] = PROMPT
    state.ledger.apply(REQUEST, 0, int(NOW.timestamp() * 1000))
    assert state.ledger.apply(CLAIM, 1, int(NOW.timestamp() * 1000)) == "granted"
    async with client("key", "http://127.0.0.1:1", 1) as sdk:
        calls = Calls(Claude(sdk, lambda: NOW), LIMITS.call_timeout_s, lambda: 0.5, lambda: NOW)
        attempts = Attempts(
            state=state,
            limits=LIMITS,
            calls=calls,
            append=nothing_is_appended,
            fetch_captions=nothing_is_fetched,
            reach=nothing_is_read,
            listed=None,
            now=lambda: NOW,
        )
        pending, permit = state.ledger.pending[REQUEST.request_id], calls.begin(PROMPT.model)
        todo = await attempts.make(pending, PROMPT, permit)
    assert isinstance(todo, Again)
    assert NOW < datetime.fromtimestamp(todo.not_before_ms / 1000, UTC) < NOW + timedelta(seconds=1)
    assert not todo.tight
