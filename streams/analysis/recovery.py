"""What analysts that died left behind: claims whose outcome is known are settled, requests that are owed are asked.

A claim of which nothing is known stays charged in full, and expires.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from uuid import UUID

from aiokafka.errors import KafkaError

from streams.analysis.recorder import Recorder
from streams.analysis.state import AnalystState
from streams.analysis.verdicts import Verdicts
from streams.budget.entries import Claim
from streams.errors import TransientError
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.event import Event, Position
from streams.journal import about, journal
from streams.log.fetch import Fetcher
from streams.log.topics import ANALYSES

EVERY_S = 5.0

log = journal(__name__)


class Recovery:
    """Looks after the claims that no attempt under way here holds."""

    def __init__(
        self,
        state: AnalystState,
        recorder: Recorder,
        verdicts: Verdicts,
        fetch: Fetcher,
        append_all: Callable[[Iterable[Event]], Awaitable[None]],
        retry_delays_s: tuple[float, float],
    ) -> None:
        self._state = state
        self._settle = recorder.settle
        self._verdicts = verdicts
        self._fetch = fetch
        self._append_all = append_all
        self._retry_delays_s = retry_delays_s
        self._suspects: set[UUID] = set()

    async def for_ever(self) -> None:
        """Look again and again. Raises EarmarkError where the log lacks what it must hold."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.once(patient=True)
            except (KafkaError, TransientError) as error:
                log.warning("claims of dead analysts are looked for again later: %r", error)

    async def once(self, *, patient: bool) -> None:
        """Settle what another analyst (or this one, before) left unsettled and what is known of; ask what is owed.

        `patient`: only what stood there a round ago too, for a living analyst settles its own within moments.
        """
        suspects = {
            attempt_id for attempt_id in self._state.ledger.unsettled if attempt_id not in self._verdicts
        }
        for attempt_id in suspects & self._suspects if patient else suspects:
            claim = self._state.ledger.unsettled.get(attempt_id)
            if claim is not None:
                await self._settle_for(claim)
        self._suspects = suspects
        await self._append_all(self._state.owed_now())

    async def _settle_for(self, claim: Claim) -> None:
        with about(attempt=claim.attempt, lane=claim.lane):
            await self._settle_known(claim)

    async def _settle_known(self, claim: Claim) -> None:
        recorded = self._state.recorded.get(claim.attempt_id)
        if recorded is not None:
            await self._settle_recorded(claim, recorded)
        elif claim.attempt_id in self._state.ledger.denied or claim.attempt_id in self._verdicts.orphans:
            await self._settle(claim, "not_called")
            self._verdicts.orphans.discard(claim.attempt_id)

    async def _settle_recorded(self, claim: Claim, recorded: Position) -> None:
        record = await self._fetch.fetch(ANALYSES, recorded.partition, recorded.offset)
        match record.event():
            case AnalysisCompleted() as done:
                await self._settle(claim, "completed", done.usd, done.usage)
            case AnalysisFailed() as failed:
                await self._settle(claim, "failed", failed.usd, failed.usage)
            case AttemptFailed(unanswered=True) as failed:
                retry_at = failed.at + timedelta(seconds=self._retry_delays_s[0])
                await self._settle(claim, "not_called", failed.usd, None, retry_at, unanswered=True)
            case AttemptFailed() as failed:
                delay_s = self._retry_delays_s[min(claim.attempt, 2) - 1]
                retry_at = failed.at + timedelta(seconds=delay_s)
                await self._settle(claim, "retry", failed.usd, failed.usage, retry_at)
