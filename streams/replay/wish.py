"""A replay as it is asked for, and which of those in the ledger it is: pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from streams.events.event import derive_id
from streams.events.ledger import ReplayFilter, ReplayStarted
from streams.events.prompts import Prompt


@dataclass(frozen=True)
class Wish:
    """A replay as it is asked for. The same wish is the same replay: asked for again, it resumes.

    `since_typed`: how far back was typed where `which.since` comes from that, and so is another time tomorrow.
    """

    prompt: Prompt
    which: ReplayFilter
    seed: int
    share: Decimal
    max_usd: Decimal
    follow: bool
    since_typed: str | None = None

    @property
    def replay_id(self) -> UUID:
        """The id that a replay of this wish gets where none is found: of a date, the same on any day."""
        which = self.which
        since = None if which.since is None else which.since.isoformat()
        money = (self.share.normalize(), self.max_usd.normalize())
        return derive_id(
            "replay",
            self.prompt.prompt_id,
            since,
            which.channel_id,
            which.sample,
            self.seed,
            *money,
            self.follow,
        )

    def start(self, at: datetime, captions_ends: tuple[int, ...]) -> ReplayStarted:
        """The event that starts it, its list ending there."""
        return ReplayStarted(
            at=at,
            replay_id=self.replay_id,
            prompt_id=self.prompt.prompt_id,
            filter=self.which,
            seed=self.seed,
            share=float(self.share),
            max_usd=self.max_usd,
            follow=self.follow,
            captions_ends=captions_ends,
            since_typed=self.since_typed,
        )

    def found(
        self, started: Mapping[UUID, ReplayStarted], cancelled: Collection[UUID]
    ) -> ReplayStarted | None:
        """The replay of this wish among those `started`, in the ledger's order; None: there is none yet.

        How far back is held against what was typed, not against the date it came to then. Of several the newest counts
        that is not cancelled.
        """
        typed = [start for start in started.values() if self._typed_the_same(start)]
        going = [start for start in typed if start.replay_id not in cancelled]
        return (going or typed)[-1] if typed else started.get(self.replay_id)

    def _typed_the_same(self, start: ReplayStarted) -> bool:
        return (
            self.since_typed is not None
            and (start.prompt_id, start.since_typed) == (self.prompt.prompt_id, self.since_typed)
            and (start.filter.channel_id, start.filter.sample) == (self.which.channel_id, self.which.sample)
            and (start.seed, start.follow) == (self.seed, self.follow)
            and (start.share, start.max_usd) == (float(self.share), self.max_usd)
        )


def resumption_id(replay_id: UUID) -> UUID:
    """The id of the replay that goes on with a cancelled one: there is one at most, whoever resumes it."""
    return derive_id("replay", "resumes", replay_id)


def resumption(
    of: ReplayStarted, spent_usd: Decimal, at: datetime, captions_ends: tuple[int, ...]
) -> ReplayStarted:
    """The event that goes on with a cancelled replay, which was charged `spent_usd`; `captions_ends`: now.

    It is a replay of its own, for a cancelled one is over for every version's ledger. Its list is the old one; one that
    follows takes what has come in meanwhile, too, but for a sample, which would be drawn anew.
    """
    ends = captions_ends if of.follow and of.filter.sample is None else of.captions_ends
    return of.model_copy(
        update={
            "at": at,
            "replay_id": resumption_id(of.replay_id),
            "max_usd": max(of.max_usd - spent_usd, Decimal(0)),
            "captions_ends": ends,
            "since_typed": None,
            "resumes": of.replay_id,
        }
    )


def newest(started: Mapping[UUID, ReplayStarted], of: ReplayStarted) -> ReplayStarted:
    """The last of those that went on with a replay, or the replay itself."""
    while (after := started.get(resumption_id(of.replay_id))) is not None:
        of = after
    return of
