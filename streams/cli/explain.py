"""`earmark explain`: what became of one video, and why."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import click
from pydantic import TypeAdapter

from projections.places import Snapshot, places_of
from projections.sql import SqlError
from streams.app.connections import ytdlp_options
from streams.bulletin import boards, together
from streams.cli.log import open_log
from streams.cli.terminal import say, window
from streams.cli.video_ids import VideoIds
from streams.clock import utc_now
from streams.discovery.addresses import video_id_of, watch_url
from streams.discovery.due import Pace
from streams.discovery.watch_state import read_state
from streams.discovery.youtube import Shown, YouTube
from streams.errors import EarmarkError
from streams.events.channels import ChannelUnfollowed
from streams.log.publish import partition_of
from streams.log.topics import VIDEOS
from streams.settings import Settings, load
from streams.story.absence import Surroundings, of_watch, why_absent
from streams.story.explanation import Explanation, as_text, held_up
from streams.story.explanation import explain as explain_story
from streams.story.gather import Found, gather
from streams.story.record import Story, in_order
from streams.story.standing import Standing
from streams.story.words import count, minute

PIPED = 100_000
"""Columns where no terminal reads: nothing is folded."""
LONG = 100_000
"""Records behind the read model that are read within seconds."""
FORM = TypeAdapter(Explanation)


@click.command(cls=VideoIds)
@click.argument("video")
@click.option("--json", "json", is_flag=True, help="Print one JSON object.")
def explain(video: str, *, json: bool) -> None:
    """Say what became of VIDEO (id or address): every record of it in order, what it waits for and until when.

    The log is read, and the read model only tells where to look. Of a video that is not in the log YouTube is asked whose
    it is, and Earmark says why it has none of it. Times are UTC.
    """
    video_id, settings = video_id_of(video), load()
    found = asyncio.run(_explain(video_id, settings))
    if json:
        say(FORM.dump_json(found, indent=2).decode())
    else:
        say(as_text(found, window() or PIPED, utc_now()))


@dataclass(frozen=True)
class _Asked:
    """What the log and the read model answer; `problem`: why the read model does not."""

    found: Found
    snapshot: Snapshot | None
    problem: str | None


async def _explain(video_id: str, settings: Settings) -> Explanation:
    asked = await _ask(video_id, settings)
    story = _story(video_id, asked.found)
    now = utc_now()
    pace = Pace(
        poll_interval=timedelta(seconds=settings.poll_interval),
        per_minute=settings.youtube_per_minute,
        tabs=settings.tabs,
    )
    events = asked.found.channel_events
    unfollowed = [event for record in events if isinstance(event := record.event(), ChannelUnfollowed)]
    around = Surroundings(asked.found.channels, unfollowed, pace, read_state(settings.home))
    if not story.is_known:
        shown = await _shown(video_id, settings)
        absent = explain_story(
            story, None, why_absent(video_id, shown, around, now), watch_url(video_id), now
        )
        return absent if isinstance(shown, str) else _named(absent, shown)
    known = explain_story(story, _row(asked), [], watch_url(video_id), now)
    troubles = together(board for board in boards(settings.home) if not board.is_stale(now))
    held = held_up(known.waits_for, troubles, now)
    return replace(known, notes=[*held, *_watched(known, around, now), *_read_model(asked)])


async def _ask(video_id: str, settings: Settings) -> _Asked:
    connection = await open_log(settings)
    snapshot, problem = None, None
    try:
        snapshot = places_of(settings.home, video_id, partition_of(video_id, VIDEOS.partitions))
    except SqlError as error:
        problem = str(error)
    return _Asked(await gather(connection, video_id, snapshot, _announce), snapshot, problem)


def _announce(behind: int) -> None:
    if behind > LONG:
        say(
            f"the read model does not cover {behind:,} records: some of them are read, which takes a while",
            err=True,
        )


def _story(video_id: str, found: Found) -> Story:
    """The records of the video, with the follows of its channel."""
    story = Story(video_id, in_order(found.records), found.prompts)
    channel_id = None if story.video is None else story.video.channel_id
    if channel_id is None:
        return story
    of_channel = [record for record in found.channel_events if record.key == channel_id.encode()]
    return Story(video_id, in_order([*found.records, *of_channel]), found.prompts)


def _row(asked: _Asked) -> Standing | None:
    """Where the read model says that it stands, if that has read all of it."""
    if asked.snapshot is None or asked.snapshot.status is None or not asked.found.status_is_current:
        return None
    row = asked.snapshot.status
    return Standing(row.status, row.waits_for, row.reason, row.next_try_at, row.next_step)


async def _shown(video_id: str, settings: Settings) -> Shown | str:
    try:
        return await YouTube(ytdlp_options(settings)).video(video_id)
    except EarmarkError as error:
        return str(error)


def _named(absent: Explanation, shown: Shown) -> Explanation:
    return replace(
        absent,
        title=shown.title,
        channel_id=shown.channel_id,
        channel=shown.channel,
        published_at=shown.published_at,
    )


def _watched(known: Explanation, around: Surroundings, now: datetime) -> Iterator[str]:
    """What watch says, where the video waits for it or for YouTube."""
    if known.waits_for in {"captions", "youtube"}:
        yield from of_watch(around, now)


def _read_model(asked: _Asked) -> Iterator[str]:
    """How far the read model is behind the log, and what that means here."""
    if asked.problem is not None:
        yield f"the read model cannot be asked, so the log was read: {asked.problem}"
    elif asked.found.behind is None:
        yield "there is no read model of this log, so the log was read; `earmark up` keeps one"
    elif asked.found.behind and asked.snapshot is not None:
        behind = count(asked.found.behind, "record")
        yield f"the read model, of {minute(asked.snapshot.taken_at)}, is behind by {behind}, which were read in the log"
    if not asked.found.status_is_current:
        yield "where it stands is said by its own records: whether the day's money holds it up, they do not tell"
