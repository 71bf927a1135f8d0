"""The progress of each replay, by the ledger and the replay's own frozen list: pure.

The ledger says what was asked for, claimed and settled. Which videos are yet to be asked for, and what a claim for one
would reserve, the list says; without it, what the replay's own claims reserved must do. Therein lie the limits:

- "spent" may come a call too early where the list reckons a claim higher than the provider will count it.
- After a cut answer the next attempt reserves more than the list says: while it alone waits, "running" may stay.
- Where the provider counts more tokens than the list reckons, or no share of the cap pays for a call, "running" may stay.
- Without the list nobody knows that videos are missing, and no claim yet means that any may fit.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from streams.budget.books import Books
from streams.budget.ledger import Ledger
from streams.budget.money import usd
from streams.events.ledger import ReplayStarted, analysis_id
from streams.events.record import Record
from streams.replay.wish import resumption_id

State = Literal["running", "incomplete", "spent", "done", "cancelled"]
"""`incomplete`: what was asked for is done, and more is to be asked for. `spent`: what is left pays for none that waits."""


class Listed(NamedTuple):
    """A video of a replay's list: its request's id, its captions, and how many tokens the request has at most."""

    request_id: UUID
    captions_id: UUID
    most_tokens: int


@dataclass(frozen=True)
class Listing:
    """A replay's list, less what is analysed; `claim`: the US dollars reserved for so many tokens, more for more."""

    videos: tuple[Listed, ...]
    claim: Callable[[int], Decimal]


UNKNOWN = Listing((), Decimal)
"""What is known of a list where nobody can tell."""


@dataclass(frozen=True)
class Progress:
    """A replay: of `requested` videos so many were completed, failed, or wait; `unasked` are on its list besides.

    US dollars charged so far, open claims in full. `reason`: why Earmark itself ended it. `resumed_as`: the replay that goes on with it once it was cancelled.
    """

    started: ReplayStarted
    resumed_as: UUID | None
    state: State
    requested: int
    unasked: int
    completed: int
    failed: int
    waiting: int
    spent_usd: Decimal
    reason: str | None = None


@dataclass
class Replays:
    """The replays as the books have them: give it every record of the ledger, then ask."""

    books: Books = field(default_factory=Books)

    def apply(self, record: Record) -> None:
        """Fold a record of the ledger. Raises LedgerError."""
        self.books.apply(record)

    @property
    def ledger(self) -> Ledger:
        """The state that the rules of the budget speak of."""
        return self.books.ledger

    @property
    def started(self) -> Mapping[UUID, ReplayStarted]:
        """Every replay by its id, the first to be started first."""
        return self.books.rounds.started

    def progress(self, replay_id: UUID, now: datetime, listing: Listing = UNKNOWN) -> Progress:
        """How far that replay is; `listing`: its list, where it is known. Raises KeyError for an unknown replay."""
        started, asked = self.started[replay_id], self.books.rounds.of(replay_id)
        waiting = [
            pending.request.request_id
            for pending in self.ledger.pending.values()
            if pending.request.replay_id == replay_id
            and not self.ledger.is_done(pending.request.analysis_id(started.prompt_id))
        ]
        unasked = [
            video.request_id
            for video in listing.videos
            if not self.ledger.is_requested(video.request_id)
            and not self.ledger.is_done(analysis_id(video.captions_id, started.prompt_id))
        ]
        after = self.started.get(resumption_id(replay_id))
        return Progress(
            started=started,
            resumed_as=None if after is None else after.replay_id,
            state=self._state(replay_id, now, waiting, unasked, listing),
            requested=asked.requested,
            unasked=len(unasked),
            completed=asked.requested - len(waiting) - asked.failed,
            failed=asked.failed,
            waiting=len(waiting),
            spent_usd=self.ledger.replay_charged(replay_id),
            reason=self.books.rounds.reasons.get(replay_id),
        )

    def _state(
        self,
        replay_id: UUID,
        now: datetime,
        waiting: Collection[UUID],
        unasked: Collection[UUID],
        listing: Listing,
    ) -> State:
        room = self.ledger.replay_room(replay_id)
        usual = self.books.rounds.of(replay_id).least_usd
        tokens = {video.request_id: video.most_tokens for video in listing.videos}

        def any_fits(requests: Collection[UUID]) -> bool:
            known = [tokens[request] for request in requests if request in tokens]
            needs = [listing.claim(min(known))] if known else []
            needs += [usual] if len(known) < len(requests) else []
            return any(0 < room >= usd for usd in needs)

        if replay_id in self.ledger.cancelled:
            return "cancelled"
        if self._is_calling(replay_id, now) or any_fits(waiting):
            return "running"
        if any_fits(unasked):
            return "incomplete"
        return "spent" if waiting or unasked else "done"

    def _is_calling(self, replay_id: UUID, now: datetime) -> bool:
        """Whether an open claim of the replay may yet be settled for less. One past its deadline stays charged in full."""
        now_ms = now.timestamp() * 1000
        return any(
            held.claim.replay_id == replay_id and held.deadline_ms > now_ms
            for held in self.ledger.open.values()
        )


def sentence(progress: Progress, prompt: str) -> str:
    """How far a replay is whose prompt has this name, in a line, and what helps where it does not go on by itself."""
    started, total = progress.started, progress.requested + progress.unasked
    resumes = "" if started.resumes is None else f", which goes on with {started.resumes}"
    line = (
        f"replay {started.replay_id} of {prompt} ({started.prompt_id}){resumes}: {progress.state}, {progress.completed} of"
        f" {progress.requested} videos analysed, {progress.failed} failed, {progress.waiting} wait;"
        f" ${usd(progress.spent_usd)} of ${started.max_usd:f} charged"
    )
    if progress.reason is not None:
        line = f"{line}; it was ended: {progress.reason}"
    if progress.resumed_as is not None:
        return f"{line}; replay {progress.resumed_as} goes on with it"
    if progress.state == "spent":
        return (
            f"{line}; what is left pays for no other: with a higher --max-usd another replay takes the rest"
        )
    if progress.unasked and progress.state != "cancelled":
        return f"{line}; {progress.requested} of {total} are requested: run it again, unless it runs still"
    return line
