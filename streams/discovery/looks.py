"""When each channel is looked at: at once when it is followed (further), else at the interval, spread evenly."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from streams import metrics
from streams.clock import Clock
from streams.discovery.channels import Follow
from streams.discovery.due import Pace
from streams.discovery.look import Scout
from streams.discovery.seen import Away, Seen
from streams.discovery.throttle import MEMORY, Pause, Refusal, Throttle, fraction
from streams.discovery.youtube import RefusedError
from streams.errors import EarmarkError
from streams.journal import journal

log = journal(__name__)

AFTER_A_FAILURE = timedelta(minutes=10)
JITTER = 0.1
FAILING = 3


class Looks:
    """Starts a look at each channel when it is time, and keeps what became of them."""

    def __init__(self, scout: Scout, pace: Pace, now: Clock) -> None:
        self.seen: dict[str, Seen] = {}
        self._scout = scout
        self._pace = pace
        self._now = now
        self._throttle = Throttle()
        self._next: dict[str, tuple[Follow, datetime]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._next_start = now()
        self._count = 0
        self._failing: dict[str, datetime] = {}

    @property
    def pause(self) -> Pause | None:
        """Since when YouTube refuses to show channels, and when one may be tried."""
        return self._throttle.verdict().pause

    @property
    def away(self) -> Away | None:
        """Since when no look at any channel brings anything, for another reason than a refusal.

        One channel that fails says nothing of YouTube, unless there is no other.
        """
        channel_id = next(reversed(self._failing), "")
        problem = self.seen[channel_id].problem if channel_id in self.seen else None
        if problem is None or len(self._failing) < min(FAILING, len(self._scout.known.channels.follows)):
            return None
        return Away(min(self._failing.values()), problem)

    def start_due(self) -> None:
        """Start the looks that are due: none while YouTube refuses captions, and one at a time while it refuses these."""
        now = self._now()
        for follow in self._due(now):
            if now < self._next_start or not self._may_start(now):
                return
            # Late by no more than a gap: a slow loop must not lower the rate.
            self._next_start = max(self._next_start, now - self._pace.look_gap) + self._pace.look_gap
            look = asyncio.create_task(self._look(follow), name=f"look {follow.channel_id}")
            self._running[follow.channel_id] = look

    def _may_start(self, now: datetime) -> bool:
        known = self._scout.known
        if known.pause is not None and (not known.may_probe(known.pause, now) or known.first_probe(now)):
            return False
        return self.pause is None or (now >= self.pause.until and not self._running)

    def _due(self, now: datetime) -> list[Follow]:
        """The follows that are due, the one that has waited longest first."""
        due: list[tuple[datetime, Follow]] = []
        for channel_id, follow in self._scout.known.channels.follows.items():
            seen, at = self._next.get(channel_id, (None, now))
            if channel_id not in self._running and (seen != follow or at <= now):
                due.append((at, follow))
        return [follow for _, follow in sorted(due, key=lambda item: item[0])]

    async def _look(self, follow: Follow) -> None:
        channel_id, problem = follow.channel_id, None
        wait = min(self._pace.poll_interval, AFTER_A_FAILURE)
        try:
            await self._scout.look(follow)
            wait = self._pace.poll_interval
        except RefusedError as error:
            problem, wait = str(error), timedelta()  # due as soon as the pause allows
            self._count += 1
            self._throttle.refused(Refusal(self._now(), channel_id, (0, self._count), problem, unknown=False))
            if channel_id in self._throttle.verdict().alone:
                wait = AFTER_A_FAILURE
            metrics.REFUSALS.labels("youtube", "look").inc()
            log.warning("refused", by="youtube", kind="look", channel=channel_id, reason=problem)
        except EarmarkError as error:
            problem = str(error)
            self._failing.setdefault(channel_id, self._now())
            log.warning("the look failed; the next is in %s", wait, channel=channel_id, reason=problem)
        except Exception as error:  # whatever one channel does, the others are looked at
            problem = f"{type(error).__name__}: {error}"
            log.exception("the look failed; the next is in %s", wait, channel=channel_id)
        finally:
            del self._running[channel_id]
        now = self._now()
        last = self.seen.get(channel_id, Seen(now))
        if problem is None:
            self._throttle.forget(now - MEMORY)
            self._throttle.served(now)
            self._failing.clear()
            last = replace(last, last_success=now)
        self.seen[channel_id] = replace(last, last_look=now, problem=problem)
        jitter = 1 + JITTER * (2 * fraction(channel_id, now) - 1)
        self._next[channel_id] = (follow, now + wait * jitter)

    async def stop(self) -> None:
        """End the looks that run."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
