"""The watch process: the valve on YouTube."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Never, assert_never

from streams.clock import Clock
from streams.discovery.channels import Follow
from streams.discovery.due import Backlog, Pace, Valve, next_due
from streams.discovery.known import TOPICS, Known, Retry
from streams.discovery.look import Scout
from streams.discovery.youtube import YouTube
from streams.errors import EarmarkError
from streams.events.captions import CaptionsRequested, CaptionsUnavailable
from streams.events.event import Event, Position
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.follow import follow
from streams.log.publish import Publisher, publisher
from streams.log.topics import CAPTIONS_UNAVAILABLE

log = logging.getLogger(__name__)

AFTER_A_FAILURE = timedelta(minutes=10)


async def watch(connection: Connection, *, youtube: YouTube, pace: Pace, now: Clock) -> Never:
    """Poll the followed channels and publish what is due, until cancelled.

    The log alone says what was published, so a restart continues where it stopped. Raises KafkaError or EarmarkError
    when the broker stays away. A failure of YouTube never ends it.
    """
    known, backlog = Known(), Backlog()
    scout = Scout(youtube, pace.tabs, known, backlog)
    looks = _Looks(scout, pace, now)
    valve = Valve(pace.per_minute, now())
    async with (
        follow(connection, TOPICS, known.apply) as follower,
        publisher(connection) as log_end,
        fetcher(connection) as bodies,
    ):
        try:
            while True:
                looks.start_due()
                backlog.prune(known)
                for scanned in backlog.covered(known, now()):
                    await _send(scanned, known, log_end)
                while (due := next_due(known, backlog, valve, now(), pace.throttle)) is not None:
                    if not (isinstance(due, Video) and due.origin == "poll"):
                        valve = valve.passed(now())
                    await _send(await _event(due, bodies, now), known, log_end)
                await follower.moved()
        finally:
            await looks.stop()


async def _event(due: Video | Retry, bodies: Fetcher, now: Clock) -> Event:
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
                cause="retry",
            )
        case _:
            assert_never(due)


async def _send(event: Event, known: Known, log_end: Publisher) -> None:
    appended = await log_end.append(event)
    # Applied at once: otherwise it would be due again until the follower has read it back.
    known.apply_event(event, Position(partition=appended.partition, offset=appended.offset))
    log.info("sent %s %s", type(event).__name__, event.key)


class _Looks:
    """Starts a look at each channel when it is time: at once when it is followed (further), else at the interval."""

    def __init__(self, scout: Scout, pace: Pace, now: Clock) -> None:
        self._scout = scout
        self._pace = pace
        self._now = now
        self._next: dict[str, tuple[Follow, datetime]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def start_due(self) -> None:
        """Start the looks that are due, unless YouTube throttles."""
        if self._scout.known.is_throttled(self._now(), self._pace.throttle):
            return
        for channel_id, wish in self._scout.known.channels.follows.items():
            seen, at = self._next.get(channel_id, (None, self._now()))
            if channel_id not in self._running and (seen != wish or at <= self._now()):
                self._running[channel_id] = asyncio.create_task(self._look(wish), name=f"look {channel_id}")

    async def _look(self, wish: Follow) -> None:
        wait = min(self._pace.poll_interval, AFTER_A_FAILURE)
        try:
            await self._scout.look(wish)
            wait = self._pace.poll_interval
        except EarmarkError as error:
            log.warning("%s: %s; the next look is in %s", wish.channel_id, error, wait)
        except Exception:  # whatever one channel does, the others are looked at
            log.exception("%s: the look failed; the next is in %s", wish.channel_id, wait)
        finally:
            del self._running[wish.channel_id]
        self._next[wish.channel_id] = (wish, self._now() + wait)

    async def stop(self) -> None:
        """End the looks that run."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
