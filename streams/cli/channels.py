"""The verbs that choose what Earmark listens to: follow, unfollow, channels, add."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

import click

from streams.app.connections import ytdlp_options
from streams.cli.estimate import ASK_ABOVE, forecast_of, is_worth_it
from streams.cli.log import open_log
from streams.cli.since import Since, since_option
from streams.cli.tables import Column, show_table
from streams.cli.terminal import printable, say
from streams.cli.video_ids import VideoIds
from streams.clock import utc_now
from streams.discovery import backfill
from streams.discovery.addresses import channel_url_of, video_id_of, watch_url
from streams.discovery.channels import Channels, Follow
from streams.discovery.known import Known
from streams.discovery.watch_state import WatchState, advice, read_state
from streams.discovery.youtube import Resolved, YouTube
from streams.errors import EarmarkError
from streams.events.channels import ChannelFollowed, ChannelUnfollowed, Tab
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.gaps import go_on
from streams.log.publish import publisher
from streams.log.topics import CHANNELS, VIDEOS, Topic
from streams.settings import Settings, load

COLUMNS = (
    Column("title"),
    Column("handle", "id"),
    Column("channel", "id"),
    Column("followed", "minute"),
    Column("since"),
    Column("covered"),
    Column("last look", "minute"),
    Column("last success", "minute"),
    Column("problem"),
)


@click.command()
@click.argument("channel", nargs=-1, required=True)
@since_option("Also take older videos, from a UTC date (2026-10-01) or an age (30d) on.")
@click.option("--yes", is_flag=True, help="Take the older videos without asking about their price.")
def follow(channel: tuple[str, ...], since: Since | None, *, yes: bool) -> None:
    """Follow each CHANNEL (id, @handle or address): take its new videos from now on.

    With --since, Earmark first prints what the older videos may cost. A later --since can reach further back.
    """
    urls, at = [channel_url_of(text) for text in channel], None if since is None else since.at
    asyncio.run(_follow(urls, at, load(), yes=yes))


async def _follow(urls: list[str], since: datetime | None, settings: Settings, *, yes: bool) -> None:
    connection = await open_log(settings)
    youtube = YouTube(ytdlp_options(settings))
    # The videos are thousands of times as many, and only what a look back would bring is compared with them.
    known = await _known(connection, CHANNELS, *([] if since is None else [VIDEOS]))
    async with publisher(connection) as out:
        for url in urls:
            found = await _who(url, known.channels, youtube)
            name = _name(found)
            followed = known.channels.follows.get(found.channel_id)
            if followed is not None and followed.reaches(since):
                say(f"{name} is followed already, {_reach(followed)}")
                continue
            if since is not None and not await _is_worth_it(
                found, since, known, youtube, connection, settings, yes=yes
            ):
                say(f"{name} is unchanged")
                continue
            await out.append(
                ChannelFollowed(
                    at=utc_now(),
                    channel_id=found.channel_id,
                    handle=found.handle,
                    title=found.title,
                    since=since,
                )
            )
            say(f"following {name}, {'from now on' if since is None else f'since {since:%Y-%m-%d}'}")


async def _is_worth_it(
    found: Resolved,
    since: datetime,
    known: Known,
    youtube: YouTube,
    connection: Connection,
    settings: Settings,
    *,
    yes: bool,
) -> bool:
    forecast = await forecast_of(connection)
    tabs = await asyncio.gather(
        *(youtube.tab(found.channel_id, tab, known=[], since=since) for tab in settings.tabs)
    )
    wish = Follow(found.channel_id, found.handle, found.title, utc_now(), since)
    size = backfill.size(tabs, wish, known.settled)
    what = (
        f"{_name(found)} has {size.videos} new videos since {since:%Y-%m-%d}, {size.seconds / 3600:.1f} hours"
    )
    return is_worth_it(what, size.videos, size.seconds, forecast, settings, yes=yes)


@click.command()
@click.argument("channel", nargs=-1, required=True)
def unfollow(channel: tuple[str, ...]) -> None:
    """Stop following each CHANNEL (id, @handle or address). Its records stay in the log."""
    asyncio.run(_unfollow([channel_url_of(text) for text in channel], load()))


async def _unfollow(urls: list[str], settings: Settings) -> None:
    connection = await open_log(settings)
    known = await _known(connection, CHANNELS)
    async with publisher(connection) as out:
        for url in urls:
            found = await _who(url, known.channels, YouTube(ytdlp_options(settings)))
            if found.channel_id not in known.channels.follows:
                raise EarmarkError(f"{url} is not followed: `earmark channels` lists those that are")
            await out.append(ChannelUnfollowed(at=utc_now(), channel_id=found.channel_id))
            say(f"{_name(found)} is no longer followed")


async def _who(url: str, channels: Channels, youtube: YouTube) -> Resolved:
    """The channel at `url`; YouTube is asked only for what the log does not know."""
    name = url.rpartition("/")[2].lower()
    for followed in channels.follows.values():
        if name in (followed.channel_id.lower(), (followed.handle or "").lower()):
            return Resolved(followed.channel_id, followed.handle, followed.title)
    return await youtube.resolve(url)


@click.command()
def channels() -> None:
    """List the followed channels: how far back, when they were looked at, and what pauses or fails.

    The looks are those of `earmark watch` with the same EARMARK_HOME.
    """
    settings = load()
    known = asyncio.run(_read_channels(settings))
    if not known.follows:
        say("no channel is followed: earmark follow CHANNEL")
        return
    state, now = read_state(settings.home), utc_now()
    for line in _watching(state, now):
        say(line, folds=True)
    show_table(COLUMNS, _rows(known, state, settings.tabs))


def _rows(channels: Channels, state: WatchState | None, tabs: Sequence[Tab]) -> Iterator[tuple[object, ...]]:
    for channel_id, followed in channels.follows.items():
        missing = channels.uncovered(channel_id, tabs)
        seen = None if state is None else state.channels.get(channel_id)
        yield (
            followed.title,
            followed.handle,
            channel_id,
            followed.at,
            "" if followed.since is None else f"{followed.since:%Y-%m-%d}",
            "" if followed.since is None else "not yet: " + ", ".join(missing) if missing else "yes",
            seen.last_look if seen else None,
            seen.last_success if seen else None,
            seen.problem if seen else None,
        )


def _watching(state: WatchState | None, now: datetime) -> Iterator[str]:
    """What pauses watch, since when and until when; and whether it runs."""
    if state is None:
        yield "no look is known here: start Earmark with `earmark up` or `earmark watch`"
        return
    if state.is_stale(now):
        yield f"watch last said something at {_minute(state.at)}: it does not run here now"
    if state.pause is not None:
        yield (
            f"YouTube refuses since {_minute(state.pause.since)}, the next try is at {_minute(state.pause.until)}:"
            f" {printable(state.pause.sentence)}; {advice(state.pause)}"
        )


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


@click.command(cls=VideoIds)
@click.argument("video", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Take the videos without asking about their price.")
def add(video: tuple[str, ...], *, yes: bool) -> None:
    """Take each VIDEO (id or address) once, of any channel. For more than ten new videos, print the price first."""
    asyncio.run(_add([video_id_of(text) for text in video], load(), yes=yes))


async def _add(video_ids: list[str], settings: Settings, *, yes: bool) -> None:
    connection = await open_log(settings)
    known = await _known(connection, VIDEOS)
    new: list[str] = []
    for video_id in dict.fromkeys(video_ids):
        if video_id in known.settled:
            say(f"{video_id} is in the log already")
        else:
            new.append(video_id)
    if len(new) > ASK_ABOVE:
        forecast = await forecast_of(connection)
        if not is_worth_it(f"{len(new)} new videos", len(new), None, forecast, settings, yes=yes):
            say("no video is taken")
            return
    async with publisher(connection) as out:
        videos = [Video(video_id=video_id, url=watch_url(video_id), origin="asked") for video_id in new]
        await out.append_all(VideoDiscovered(at=utc_now(), video=video) for video in videos)
    for video_id in new:
        say(f"{video_id} is requested")


async def _known(connection: Connection, *topics: Topic) -> Known:
    """What these topics say; of which videos there are, only where VIDEOS is one of them."""
    known = Known()
    await read(connection, topics, known.apply, on_gaps=go_on)
    return known


async def _read_channels(settings: Settings) -> Channels:
    return (await _known(await open_log(settings), CHANNELS)).channels


def _name(found: Resolved) -> str:
    """A channel as a person knows it: its title and its handle, or its id."""
    names = [name for name in (found.title, found.handle) if name] or [found.channel_id]
    return names[0] if len(names) == 1 else f"{names[0]} ({names[1]})"


def _reach(followed: Follow) -> str:
    return f"from {followed.at:%Y-%m-%d} on" if followed.since is None else f"since {followed.since:%Y-%m-%d}"
