"""Starting a replay: its list frozen in the log, then one request a video."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from streams.clock import Clock
from streams.errors import EarmarkError
from streams.events.event import derive_id
from streams.events.ledger import (
    AnalysisRequested,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
    request_id,
)
from streams.events.prompts import Prompt
from streams.log.connection import Connection
from streams.log.fold import ends_of, follow, read
from streams.log.publish import Publisher
from streams.log.topics import CAPTIONS, LEDGER
from streams.replay.progress import Progress, Replays
from streams.replay.selection import captions_ends_read, select

CATCH_UP_S = 60.0


@dataclass(frozen=True)
class Wish:
    """A replay as it is asked for. The same wish is the same replay: asked for again, it resumes."""

    prompt: Prompt
    which: ReplayFilter
    seed: int
    share: Decimal
    max_usd: Decimal
    follow: bool

    @property
    def replay_id(self) -> UUID:
        """The id that every asking gives."""
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


async def start(connection: Connection, publisher: Publisher, home: Path, wish: Wish, now: Clock) -> Progress:
    """Start the replay of `wish`, or go on with it, and return how far it is once all its requests are in the log.

    Raises EarmarkError where the read model does not come up to the log.
    """
    replays = await replays_of(connection)
    replay_id = wish.replay_id
    started = replays.started.get(replay_id)
    if started is None:
        started = ReplayStarted(
            at=now(),
            replay_id=replay_id,
            prompt_id=wish.prompt.prompt_id,
            filter=wish.which,
            seed=wish.seed,
            share=float(wish.share),
            max_usd=wish.max_usd,
            follow=wish.follow,
            captions_ends=await ends_of(connection, CAPTIONS),
        )
        await publisher.append(started)
    await _caught_up(home, started.captions_ends)
    selection = select(home, wish.prompt, started.filter, started.seed, started.captions_ends)
    for chosen in selection.to_do:
        request = request_id(chosen.captions_id, started.prompt_id, replay_id)
        if request in replays.requests:
            continue
        await publisher.append(
            AnalysisRequested(
                at=now(),
                request_id=request,
                video_id=chosen.video_id,
                captions_id=chosen.captions_id,
                captions_at=chosen.captions_at,
                lane="replay",
                prompt_id=started.prompt_id,
                replay_id=replay_id,
            )
        )
    return (await replays_of(connection)).progress(replay_id)


async def cancel(connection: Connection, publisher: Publisher, replay: str, now: Clock) -> Progress:
    """Cancel the replay whose id begins with `replay`: no further claim of it is granted. Raises EarmarkError."""
    replays = await replays_of(connection)
    found = [replay_id for replay_id in replays.started if str(replay_id).startswith(replay)]
    if len(found) != 1:
        raise EarmarkError(
            f"{replay!r} begins the id of {len(found)} replays: `earmark replay status` lists them all"
        )
    if found[0] not in replays.ledger.cancelled:
        await publisher.append(ReplayCancelled(at=now(), replay_id=found[0]))
    return (await replays_of(connection)).progress(found[0])


async def replays_of(connection: Connection) -> Replays:
    """Every replay as the ledger has it now."""
    replays = Replays()
    await read(connection, [LEDGER], replays.apply)
    return replays


@asynccontextmanager
async def watching(connection: Connection, replay_id: UUID) -> AsyncIterator[AsyncIterator[Progress]]:
    """How far a replay is, again each time that the ledger moves."""
    replays = Replays()

    async with follow(connection, [LEDGER], replays.apply) as follower:

        async def each() -> AsyncIterator[Progress]:
            while True:
                yield replays.progress(replay_id)
                await follower.moved()

        yield each()


async def _caught_up(home: Path, ends: tuple[int, ...]) -> None:
    try:
        async with asyncio.timeout(CATCH_UP_S):
            while any(read < end for read, end in zip(captions_ends_read(home), ends, strict=True)):  # noqa: ASYNC110  a file tells nobody
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise EarmarkError(
            f"the read model in {home} did not come up to the log within {CATCH_UP_S:g} s: is the projector running?"
            " Nothing is lost: run it again"
        ) from None
