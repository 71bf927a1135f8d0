"""One question after the other, each as far as it goes: what an attempt leaves to do decides whether it is made again."""

import asyncio
import logging
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from streams.analysis.attempt import Attempts
from streams.analysis.next_step import Again, Done, Halt, LineFull, Next, Pause, PromptFails
from streams.analysis.state import AnalystState
from streams.budget.limits import Limits
from streams.errors import EarmarkError, TransientError
from streams.evaluation.purse import Purse, SpentError
from streams.evaluation.questions import Question

LONGEST_WAIT_S = 600.0
"""What would have to wait for longer is not asked: whoever typed it runs it again."""
LOOK_AGAIN_S = 0.3
LOG_AWAY_S = 5.0

log = logging.getLogger(__name__)


@dataclass
class Asking:
    """Asks questions within the ledger's limits and the purse's. `why_stopped`: why some are not asked.

    `failed`: what a person must fix first.
    """

    state: AnalystState
    attempts: Attempts
    purse: Purse
    limits: Limits
    why_stopped: str | None = None
    failed: EarmarkError | None = None
    room: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """As many at a time as the lane may have calls in flight."""
        self.room = asyncio.Semaphore(self.limits.calls_of("evaluation"))

    def stop(self, why: str) -> None:
        """Claim nothing more; what is claimed goes on."""
        self.why_stopped = self.why_stopped or why
        self.attempts.claim_no_more()

    async def ask(self, question: Question) -> None:
        """Ask until there is an answer, or none can be had now."""
        async with self.room:
            # Each wait has its own length; only a stop could end one early.
            while self.why_stopped is None and not self.state.ledger.is_done(question.analysis_id):  # noqa: ASYNC110
                await asyncio.sleep(await self._step(question))

    async def _step(self, question: Question) -> float:
        """One attempt; seconds until the next may be made."""
        try:
            return self._wait_s(await self._attempt(question))
        except SpentError as spent:
            # What is under way may be settled for less.
            return LOOK_AGAIN_S if self.purse.is_open else self._never(str(spent))
        except (KafkaError, TransientError) as error:
            log.warning("a question about %s waits for the log: %r", question.video_id, error)
            return LOG_AWAY_S
        except EarmarkError as error:
            self.failed = self.failed or error
            return self._never(str(error))

    async def _attempt(self, question: Question) -> Next:
        calls, model = self.attempts.calls, question.prompt.model
        pending = self.state.ledger.pending[question.request_id]
        if held_until_ms := self.attempts.held_until_ms(pending, question.prompt):
            return Again(held_until_ms)
        if not calls.may_begin(model, "evaluation"):
            return Again(self._now_ms() + int(1000 * max(calls.opens_in_s(), 0.01)))
        permit = calls.begin(model)
        try:
            return await self.attempts.make(pending, question.prompt, permit)
        finally:
            calls.give_back(model, permit)

    def _wait_s(self, todo: Next) -> float:
        match todo:
            case Done():
                return 0.0
            case Again(not_before_ms):
                wait_s = max(not_before_ms - self._now_ms(), 0) / 1000
                return (
                    wait_s
                    if wait_s <= LONGEST_WAIT_S
                    else self._never(
                        "a question would have to wait: see the log; a call above EARMARK_EVALUATION_SHARE waits for ever"
                    )
                )
            case LineFull(whole_day=whole_day):
                if any(held.claim.lane == "evaluation" for held in self.state.ledger.open.values()):
                    return LOOK_AGAIN_S
                what = "EARMARK_DAILY_CAP_USD" if whole_day else "EARMARK_EVALUATION_SHARE"
                return self._never(f"the day's limit is reached: raise {what}, or run it again tomorrow")
            case Pause(until, reason):
                return self._never(f"Claude takes no call before {until:%Y-%m-%d %H:%M} UTC: {reason}")
            case PromptFails(reason) | Halt(reason):
                self.failed = self.failed or EarmarkError(f"Claude cannot be asked: {reason}")
                return self._never(reason)

    def _never(self, why: str) -> float:
        self.stop(why)
        return 0.0

    def _now_ms(self) -> int:
        return int(self.attempts.now().timestamp() * 1000)
