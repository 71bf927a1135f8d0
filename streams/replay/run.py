"""Starting a replay: its list frozen in the log, then one request a video."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from projections.sql import SqlError
from streams.budget.prices import UnknownPriceError
from streams.clock import Clock
from streams.errors import EarmarkError, RefusedError
from streams.events.ledger import (
    AnalysisRequested,
    ReplayCancelled,
    ReplayStarted,
    analysis_id,
    request_id,
)
from streams.events.prompts import Prompt
from streams.log.connection import Connection
from streams.log.follow import ends_of, follow, read
from streams.log.publish import Publisher
from streams.log.topics import CAPTIONS, LEDGER
from streams.replay.catch_up import catch_up, is_behind, up_to
from streams.replay.plan import first_claim
from streams.replay.progress import Listed, Progress, Replays
from streams.replay.selection import Selection, select
from streams.replay.wish import Wish


@dataclass(frozen=True)
class Begun:
    """A replay whose requests are all in the log: how far it is, and its list, less what is analysed."""

    progress: Progress
    listed: tuple[Listed, ...]


async def start(
    connection: Connection, publisher: Publisher, home: Path, wish: Wish, now: Clock, cap_usd: Decimal
) -> Begun:
    """Start the replay of `wish`, or go on with it, until all its requests are in the log.

    Raises RefusedError where its share of the daily cap pays for no call on some video, EarmarkError where the read
    model does not come up to the log.
    """
    replays, selection = await replays_of(connection), None
    started = wish.found(replays.started, replays.ledger.cancelled)
    if started is None:
        ends = await ends_of(connection, CAPTIONS)
        await catch_up(home, up_to(ends))
        selection = select(home, wish.prompt, wish.which, wish.seed, ends)
        _refuse_too_large(selection, wish, cap_usd)
        await publisher.append(
            ReplayStarted(
                at=now(),
                replay_id=wish.replay_id,
                prompt_id=wish.prompt.prompt_id,
                filter=wish.which,
                seed=wish.seed,
                share=float(wish.share),
                max_usd=wish.max_usd,
                follow=wish.follow,
                captions_ends=ends,
                since_typed=wish.since_typed,
            )
        )
        replays = await replays_of(connection)
        started = replays.started[wish.replay_id]
        if started.captions_ends != ends:  # somebody else has started it meanwhile, and froze another list
            selection = None
    if selection is None:
        await catch_up(home, up_to(started.captions_ends))
        selection = _selection(home, wish.prompt, started)
    replay_id = started.replay_id
    for chosen in selection.to_do:
        request = request_id(chosen.captions_id, started.prompt_id, replay_id)
        if request in replays.requests.get(replay_id, {}):
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
    frozen = _listed(selection, wish.prompt, replay_id)
    return Begun((await replays_of(connection)).progress(replay_id, now(), frozen), frozen)


def _refuse_too_large(selection: Selection, wish: Wish, cap_usd: Decimal) -> None:
    share_usd = cap_usd * wish.share
    for chosen in selection.to_do:
        usd = first_claim(chosen, wish.prompt)
        if usd > share_usd > 0:
            raise RefusedError(
                f"a call on video {chosen.video_id} may cost ${usd:f}, and {wish.share:f} of the daily cap is ${share_usd:f}:"
                " raise --share or EARMARK_DAILY_CAP_USD, or name a prompt with fewer max_tokens"
            )


def listed(home: Path, prompt: Prompt, started: ReplayStarted) -> tuple[Listed, ...]:
    """The list that `started` froze, less what is analysed; empty where this machine cannot tell."""
    try:
        if is_behind(home, up_to(started.captions_ends)):
            return ()
        return _listed(_selection(home, prompt, started), prompt, started.replay_id)
    except (SqlError, UnknownPriceError):  # this machine keeps no read model, or knows no price for the model
        return ()


def _selection(home: Path, prompt: Prompt, started: ReplayStarted) -> Selection:
    return select(home, prompt, started.filter, started.seed, started.captions_ends)


def _listed(selection: Selection, prompt: Prompt, replay_id: UUID) -> tuple[Listed, ...]:
    return tuple(
        Listed(
            request_id=request_id(chosen.captions_id, prompt.prompt_id, replay_id),
            analysis_id=analysis_id(chosen.captions_id, prompt.prompt_id),
            usd=first_claim(chosen, prompt),
        )
        for chosen in selection.to_do
    )


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
    return (await replays_of(connection)).progress(found[0], now())


async def replays_of(connection: Connection) -> Replays:
    """Every replay as the ledger has it now."""
    replays = Replays()
    await read(connection, [LEDGER], replays.apply)
    return replays


@asynccontextmanager
async def watching(
    connection: Connection, replay_id: UUID, of: Iterable[Listed], now: Clock
) -> AsyncIterator[AsyncIterator[Progress]]:
    """How far a replay is, whose list is `of`, again each time that the ledger moves, and every half a second."""
    replays, known = Replays(), tuple(of)

    async with follow(connection, [LEDGER], replays.apply) as follower:

        async def each() -> AsyncIterator[Progress]:
            while True:
                yield replays.progress(replay_id, now(), known)
                await follower.moved()

        yield each()
