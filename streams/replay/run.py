"""Starting a replay: its list frozen in the log, then one request a video."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from projections.sql import SqlError
from streams.budget.prices import UnknownPriceError
from streams.clock import Clock
from streams.errors import EarmarkError, RefusedError
from streams.events.event import Position
from streams.events.ledger import (
    AnalysisRequested,
    ReplayCancelled,
    ReplayStarted,
    request_id,
)
from streams.events.prompts import Prompt
from streams.log.books import following_books, read_books
from streams.log.connection import Connection
from streams.log.follow import ends_of
from streams.log.publish import Publisher
from streams.log.topics import CAPTIONS
from streams.prompts.registry import Prompts, read_prompts
from streams.replay.catch_up import catch_up, is_behind, up_to
from streams.replay.plan import first_claim
from streams.replay.progress import UNKNOWN, Listed, Listing, Progress, Replays, sentence
from streams.replay.selection import Selection, select
from streams.replay.wish import Wish, newest, resumption


@dataclass(frozen=True)
class Begun:
    """A replay whose requests are all in the log: how far it is, and its list, less what is analysed."""

    progress: Progress
    listing: Listing


async def start(
    connection: Connection,
    publisher: Publisher,
    home: Path,
    wish: Wish,
    now: Clock,
    cap_usd: Decimal,
    *,
    resume: bool = False,
) -> Begun:
    """Start the replay of `wish`, or go on with it, until all its requests are in the log.

    `resume`: although it was cancelled. Raises RefusedError where its share of the daily cap pays for no call on some
    video, EarmarkError where it was cancelled, or the read model does not come up to the log.
    """
    replays, selection = await replays_of(connection, home), None
    started = wish.found(replays.started, replays.ledger.cancelled)
    started = None if started is None else newest(replays.started, started)
    if started is None or started.replay_id in replays.ledger.cancelled:
        ends = await ends_of(connection, CAPTIONS)
        if started is None:
            begins = wish.start(now(), ends)
        else:
            begins = _resumption(replays, started, now(), ends, may=resume)
        await catch_up(home, up_to(begins.captions_ends))
        selection = _selection(home, wish.prompt, begins)
        _refuse_too_large(selection, wish, cap_usd)
        await publisher.append(begins)
        replays = await replays_of(connection, home)
        started = replays.started[begins.replay_id]
        if started.captions_ends != begins.captions_ends:  # somebody else was first, and froze another list
            selection = None
    if selection is None:
        await catch_up(home, up_to(started.captions_ends))
        selection = _selection(home, wish.prompt, started)
    replay_id = started.replay_id
    await publisher.append_all(
        AnalysisRequested(
            at=now(),
            request_id=request,
            video_id=chosen.video_id,
            captions_id=chosen.captions_id,
            captions_at=Position(partition=chosen.partition, offset=chosen.offset),
            lane="replay",
            prompt_id=started.prompt_id,
            replay_id=replay_id,
        )
        for chosen in selection.to_do
        if not replays.ledger.is_requested(
            request := request_id(chosen.captions_id, started.prompt_id, replay_id)
        )
    )
    frozen = _listing(selection, wish.prompt, replay_id)
    return Begun((await replays_of(connection, home)).progress(replay_id, now(), frozen), frozen)


def _resumption(
    replays: Replays, cancelled: ReplayStarted, at: datetime, captions_ends: tuple[int, ...], *, may: bool
) -> ReplayStarted:
    """The event that goes on with a cancelled replay. Raises EarmarkError where it may not, or cannot."""
    if not may:
        raise EarmarkError(
            f"replay {cancelled.replay_id} was cancelled: --resume goes on with it, within what it left of its --max-usd"
        )
    begins = resumption(cancelled, replays.ledger.replay_charged(cancelled.replay_id), at, captions_ends)
    if begins.max_usd == 0:
        raise EarmarkError(
            f"replay {cancelled.replay_id} was cancelled when it had spent its ${cancelled.max_usd:f}: with another"
            " --max-usd another replay takes the rest"
        )
    return begins


def _refuse_too_large(selection: Selection, wish: Wish, cap_usd: Decimal) -> None:
    if not selection.to_do:
        return
    share_usd = cap_usd * wish.share
    largest = max(selection.to_do, key=lambda chosen: chosen.most_tokens)
    usd = first_claim(wish.prompt)(largest.most_tokens)
    if usd > share_usd > 0:
        raise RefusedError(
            f"a call on video {largest.video_id} may cost ${usd:f}, and {wish.share:f} of the daily cap is ${share_usd:f}:"
            " raise --share or EARMARK_DAILY_CAP_USD, or name a prompt with fewer max_tokens"
        )


def listing(home: Path, prompt: Prompt, started: ReplayStarted) -> Listing:
    """The list that `started` froze, less what is analysed; UNKNOWN where this machine cannot tell."""
    try:
        if is_behind(home, up_to(started.captions_ends)):
            return UNKNOWN
        found = _listing(_selection(home, prompt, started), prompt, started.replay_id)
        found.claim(0)
    except (SqlError, UnknownPriceError):  # this machine keeps no read model, or knows no price for the model
        return UNKNOWN
    return found


def _selection(home: Path, prompt: Prompt, started: ReplayStarted) -> Selection:
    return select(home, prompt, started.filter, started.seed, started.captions_ends)


def _listing(selection: Selection, prompt: Prompt, replay_id: UUID) -> Listing:
    prompt_id = prompt.prompt_id
    return Listing(
        tuple(
            Listed(
                request_id(chosen.captions_id, prompt_id, replay_id), chosen.captions_id, chosen.most_tokens
            )
            for chosen in selection.to_do
        ),
        first_claim(prompt),
    )


async def cancel(connection: Connection, publisher: Publisher, home: Path, replay: str, now: Clock) -> str:
    """Cancel the replay whose id begins with `replay`, so that no further claim of it is granted, and say how far it is.

    Raises EarmarkError where it is finished, or where it is not one.
    """
    replays, prompts = await replays_of(connection, home), await read_prompts(connection)
    started = _named(replays, prompts, replay, now())
    prompt = prompts.by_id[started.prompt_id]
    frozen = listing(home, prompt, started)
    before = replays.progress(started.replay_id, now(), frozen)
    # One that follows is done for the moment only.
    if before.state == "done" and not started.follow:
        raise EarmarkError(f"it is finished, so there is nothing to cancel: {sentence(before, prompt.name)}")
    if before.state != "cancelled":
        await publisher.append(ReplayCancelled(at=now(), replay_id=started.replay_id))
    after = (await replays_of(connection, home)).progress(started.replay_id, now(), frozen)
    return sentence(after, prompt.name)


def _named(replays: Replays, prompts: Prompts, beginning: str, now: datetime) -> ReplayStarted:
    """The one replay whose id begins so. Raises EarmarkError, with those it may be."""
    found = [start for start in replays.started.values() if str(start.replay_id).startswith(beginning)]
    if beginning and len(found) == 1:
        return found[0]
    candidates = "".join(
        f"\n  {sentence(replays.progress(start.replay_id, now), prompts.by_id[start.prompt_id].name)}"
        for start in found
    )
    raise EarmarkError(
        f"{beginning!r} begins the id of {len(found)} replays:"
        f"{candidates or ' `earmark replay status` lists them all'}"
    )


async def replays_of(connection: Connection, home: Path, *, from_log: bool = False) -> Replays:
    """Every replay as the ledger has it now; `from_log`: every record of it is folded, whatever was kept."""
    return Replays(await read_books(connection, home, from_log=from_log))


@asynccontextmanager
async def watching(
    connection: Connection, home: Path, replay_id: UUID, of: Listing, now: Clock
) -> AsyncIterator[AsyncIterator[Progress]]:
    """How far a replay is, whose list is `of`, again each time that the ledger moves, and every half a second."""
    async with following_books(connection, home) as (books, follower):
        replays = Replays(books)

        async def each() -> AsyncIterator[Progress]:
            while True:
                yield replays.progress(replay_id, now(), of)
                await follower.moved()

        yield each()
