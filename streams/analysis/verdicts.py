"""What the fold of the ledger says of the claims that are under way here."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from uuid import UUID

from streams.budget.ledger import Verdict
from streams.errors import EarmarkError

NO_MORE = "the ledger is read no further, so no verdict comes"


class Verdicts:
    """The claims under way here, each with the task that waits for its verdict.

    `orphans`: claims whose append ended in an error. They are never called; they may be in the log all the same.
    """

    def __init__(self) -> None:
        self.orphans: set[UUID] = set()
        self._waiting: dict[UUID, asyncio.Future[Verdict]] = {}
        self._are_over = False

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, attempt_id: UUID) -> bool:
        return attempt_id in self._waiting

    @contextmanager
    def expected(self, attempt_id: UUID) -> Iterator[Awaitable[Verdict]]:
        """The verdict on a claim that is appended within the block; the claim is under way until the block ends.

        Raises EarmarkError where none can come any more.
        """
        if self._are_over:
            raise EarmarkError(NO_MORE)
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting[attempt_id] = verdict
        try:
            yield verdict
        finally:
            del self._waiting[attempt_id]

    def hear(self, attempt_id: UUID, verdict: Verdict) -> None:
        """Take the verdict on a folded claim, of this analyst or another."""
        waiting = self._waiting.get(attempt_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(verdict)

    def hear_no_more(self) -> None:
        """The ledger is read no further: waiting tasks get no verdict and call nothing."""
        self._are_over = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(EarmarkError(NO_MORE))
