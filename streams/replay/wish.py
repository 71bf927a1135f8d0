"""A replay as it is asked for, and which of those in the ledger it is: pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
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
