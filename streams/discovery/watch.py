"""The watch process: the valve on YouTube."""

from collections.abc import Callable
from typing import Never, assert_never

from streams import metrics
from streams.clock import Clock
from streams.discovery.due import Backlog, Pace, Valve, next_due
from streams.discovery.feeds import open_feeds
from streams.discovery.known import TOPICS, Known, Retry
from streams.discovery.look import Scout
from streams.discovery.looks import Looks
from streams.discovery.watch_state import WatchState
from streams.discovery.youtube import YouTube
from streams.errors import EarmarkError
from streams.events.captions import CaptionsRequested, CaptionsUnavailable
from streams.events.event import Event, Position
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import follow
from streams.log.gaps import go_on
from streams.log.publish import Publisher, publisher
from streams.log.topics import CAPTIONS_UNAVAILABLE

Report = Callable[[WatchState], None]
"""Shows what watch does to whoever asks; called again and again."""


async def watch(
    connection: Connection,
    *,
    youtube: YouTube,
    pace: Pace,
    now: Clock,
    report: Report = lambda _: None,
    may_begin: Callable[[], bool] = lambda: True,
) -> Never:
    """Poll the followed channels and publish what is due, until cancelled; nothing while `may_begin` says no.

    The log alone says what was published, so a restart continues where it stopped. Raises KafkaError or EarmarkError
    when the broker stays away. A failure of YouTube never ends it.
    """
    known, backlog = Known(), Backlog()
    valve = Valve(pace.per_minute, now())
    async with (
        open_feeds(youtube.options.youtube_url) as feeds,
        follow(connection, TOPICS, known.apply, on_gaps=go_on) as follower,
        publisher(connection) as log_end,
        fetcher(connection) as bodies,
    ):
        looks = Looks(Scout(youtube, feeds.get, pace.tabs, known, backlog, now), pace, now)
        throttled = metrics.Stopwatch("youtube")

        def show() -> None:
            pause = known.pause or looks.pause
            throttled.note(is_on=pause is not None)
            metrics.RETRIES.labels("captions").set(len(known.retries))
            metrics.RETRIES_DUE.labels("captions").set(known.due_count(now()))
            report(
                WatchState(
                    at=now(),
                    pause=pause,
                    channels=looks.seen,
                    away=looks.away,
                    new_waiting=len(backlog.live),
                    old_waiting=len(backlog.old),
                )
            )

        try:
            while True:
                if not may_begin():
                    show()
                    await follower.moved()
                    continue
                looks.start_due()
                backlog.prune(known)
                for scanned in backlog.covered(known, now()):
                    await _send(scanned, known, log_end)
                while (due := next_due(known, backlog, valve, now())) is not None:
                    valve = valve.passed(now())
                    await _send(await _event(due, known, bodies, now), known, log_end)
                show()
                await follower.moved()
        finally:
            await looks.stop()


async def _event(due: Video | Retry, known: Known, bodies: Fetcher, now: Clock) -> Event:
    match due:
        case Video():
            return VideoDiscovered(at=now(), video=due)
        case Retry(failed=failed, position=at):
            record = await bodies.fetch(CAPTIONS_UNAVAILABLE, at.partition, at.offset)
            unavailable = record.event()
            if not isinstance(unavailable, CaptionsUnavailable):
                raise EarmarkError(f"{record.topic}[{at.partition}] offset {at.offset} has changed")
            return CaptionsRequested(
                at=now(),
                video=unavailable.video,
                revision=failed.revision,
                attempt=failed.attempt + 1,
                tries=unavailable.tries - known.is_excused(due),
                starts_at=unavailable.starts_at,
                cause="retry",
            )
        case _:
            assert_never(due)


async def _send(event: Event, known: Known, log_end: Publisher) -> None:
    appended = await log_end.append(event)
    # Applied at once: otherwise it would be due again until the follower has read it back.
    known.apply_event(event, Position(partition=appended.partition, offset=appended.offset))
