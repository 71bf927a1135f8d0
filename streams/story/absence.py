"""Why a video is not in the log: pure, from what YouTube shows of it, whom Earmark follows, and what watch does."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from streams.discovery.channels import Channels, Follow
from streams.discovery.due import Pace
from streams.discovery.seen import Seen
from streams.discovery.watch_state import WatchState
from streams.discovery.youtube import Shown
from streams.events.channels import ChannelUnfollowed, Tab
from streams.story.words import count, minute, sentence, span
from streams.ytdlp.refusals import Owner, owner_of

# A feed may show a video some minutes late; what is still missing then is held back or was passed over.
FEED_DELAY = timedelta(minutes=30)
_OWNERS: dict[Owner, str] = {
    "permanent": "so there is nothing to take",
    "slow": "so its captions cannot be taken; such videos open up at times",
    "later": "so its captions cannot be taken now",
    "not_yet": "so it has no words yet",
    "soon": "which says nothing of the video",
    "unknown": "a sentence that Earmark does not know",
}
_TAB: dict[str, Tab] = {"short": "shorts", "livestream": "streams", "video": "videos"}


@dataclass(frozen=True)
class Surroundings:
    """What is known without the video: follows, unfollows in the log's order, how watch goes about, what it last said."""

    channels: Channels
    unfollowed: Sequence[ChannelUnfollowed]
    pace: Pace
    watch: WatchState | None


def why_absent(video_id: str, shown: Shown | str, around: Surroundings, now: datetime) -> list[str]:
    """The sentences; `shown`: what YouTube shows, or why it could not be asked."""
    if isinstance(shown, str):
        return list(_unasked(video_id, shown, around, now))
    found = list(_what_it_is(shown))
    if shown.instead is not None:
        found.append(
            f"YouTube shows instead of it: {sentence(shown.instead)}, {_OWNERS[owner_of(shown.instead)]}"
        )
    if shown.channel_id is None:
        found.append(
            "YouTube does not say whose it is, or there is no such video: whether its channel is followed cannot be told"
        )
    else:
        found += _of_channel(video_id, shown, shown.channel_id, around, now)
    return found


def _unasked(video_id: str, problem: str, around: Surroundings, now: datetime) -> Iterator[str]:
    yield f"YouTube does not say whose it is, so why it is not here cannot be told: {sentence(problem)}"
    follows = around.channels.follows.values()
    if not follows:
        yield f"no channel is followed, so only `earmark add {video_id}` would have brought it"
        return
    names = ", ".join(sorted(follow.title or follow.channel_id for follow in follows))
    yield f"followed are {names}: if it is of one of them, watch has not sent it yet or passed it over"
    if "shorts" not in around.pace.tabs:
        yield "if it is a short, EARMARK_TABS leaves it out"
    yield from of_watch(around, now)


def _what_it_is(shown: Shown) -> Iterator[str]:
    kind = {"short": "a short", "livestream": "a live stream"}.get(shown.kind, "a video")
    channel = "" if shown.channel_id is None else f" of {shown.channel or shown.channel_id}"
    published = "" if shown.published_at is None else f", published {_when(shown)}"
    title = "" if shown.title is None else f": “{shown.title}”"
    if channel or published or title:
        yield f"YouTube shows {kind}{channel}{published}{title}"


def _when(shown: Shown) -> str:
    if shown.published_at is None:
        return "at an unknown time"
    return f"{shown.published_at:%Y-%m-%d}" if shown.day_only else minute(shown.published_at)


def _of_channel(
    video_id: str, shown: Shown, channel_id: str, around: Surroundings, now: datetime
) -> Iterator[str]:
    follow = around.channels.follows.get(channel_id)
    by_name = f"`earmark add {video_id}` takes it all the same"
    if follow is None:
        left = [event.at for event in around.unfollowed if event.channel_id == channel_id]
        if left:
            yield f"its channel was unfollowed at {minute(left[-1])}: `earmark follow {channel_id}`; {by_name}"
        else:
            yield f"its channel was never followed: `earmark follow {channel_id}`; {by_name}"
        return
    if shown.kind == "short" and "shorts" not in around.pace.tabs:
        yield f"shorts are left out: EARMARK_TABS is {','.join(around.pace.tabs)}; {by_name}"
        return
    is_airing = shown.live_status in {"is_upcoming", "is_live"}
    latest = None if shown.published_at is None else _latest(shown.published_at, day_only=shown.day_only)
    if latest is not None and not is_airing and latest < (follow.since or follow.at):
        yield from _too_old(shown, channel_id, follow, by_name)
        return
    yield from _wanted(shown, follow, around, now, is_live=is_airing or latest is None or latest >= follow.at)


def _latest(published_at: datetime, *, day_only: bool) -> datetime:
    return datetime.combine(published_at, time.max, UTC) if day_only else published_at


def _too_old(shown: Shown, channel_id: str, follow: Follow, by_name: str) -> Iterator[str]:
    reach = (
        f"which is followed from {minute(follow.at)} on"
        if follow.since is None
        else f"whose videos are taken since {follow.since:%Y-%m-%d}"
    )
    yield (
        f"it is older than what is taken of its channel, {reach}:"
        f" `earmark follow {channel_id} --since {shown.published_at:%Y-%m-%d}` reaches it; {by_name}"
    )


def _wanted(
    shown: Shown, follow: Follow, around: Surroundings, now: datetime, *, is_live: bool
) -> Iterator[str]:
    """The video is one that watch is to send: what holds it up."""
    tab = _TAB.get(shown.kind, "videos")
    seen = None if around.watch is None else around.watch.channels.get(follow.channel_id)
    yield "it is one that Earmark takes, and watch has not sent it yet"
    if seen is not None and seen.problem is not None:
        yield f"the last look at its channel, at {minute(seen.last_look)}, failed: {sentence(seen.problem)}"
    if not is_live and tab not in around.pace.tabs:
        yield (
            f"older videos are found on the tabs of EARMARK_TABS ({','.join(around.pace.tabs)}) alone, and it is of the"
            f" {tab} tab"
        )
    elif not is_live and tab in around.channels.uncovered(follow.channel_id, around.pace.tabs):
        yield f"the walk back over the {tab} tab is not over: old videos go behind new ones and retries"
    elif is_live:
        yield _polled(shown, seen, around, now)
    yield from of_watch(around, now)


def _polled(shown: Shown, seen: Seen | None, around: Surroundings, now: datetime) -> str:
    interval = span(around.pace.poll_interval)
    if seen is None or seen.last_success is None:
        return f"its channel's feed was not read here yet; it is read every {interval}"
    since = shown.published_at or now
    if seen.last_success < since:
        return f"its channel's feed was last read at {minute(seen.last_success)}, before it was published; it is read every {interval}"
    if seen.last_success < since + FEED_DELAY:
        return (
            f"its channel's feed was last read at {minute(seen.last_success)}, and may not have shown it by then;"
            f" it is read every {interval}"
        )
    return f"its channel's feed was read since, at {minute(seen.last_success)}: it waits for its turn, or the feed passed it over"


def of_watch(around: Surroundings, now: datetime) -> Iterator[str]:
    """What holds up every video that is to be asked for."""
    state = around.watch
    if state is None:
        yield "watch has never run here, so nothing is found: `earmark up`"
        return
    if state.is_stale(now):
        yield f"watch does not run here now, it last said something at {minute(state.at)}: `earmark up`"
    yield from (trouble.sentence(now) for trouble in state.troubles())
    waiting = state.new_waiting + state.old_waiting
    if waiting:
        minutes = timedelta(minutes=waiting / around.pace.per_minute)
        yield (
            f"{count(waiting, 'video')} found and not asked for yet ({state.old_waiting:,} old): at"
            f" {around.pace.per_minute:g} a minute (EARMARK_YOUTUBE_PER_MINUTE) that takes {span(minutes)}"
        )
