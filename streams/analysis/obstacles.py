"""What keeps Claude from being asked, and since when."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from streams.analysis.next_step import LineFull
from streams.analysis.prompt_faults import FaultyPrompts
from streams.analysis.queue import Line
from streams.analysis.state import AnalystState
from streams.budget.limits import Limits
from streams.bulletin import Trouble
from streams.clock import Clock
from streams.errors import EarmarkError
from streams.events.prompts import Prompt

# What is reserved and given back again within this time is no news.
FULL_AFTER = timedelta(seconds=10)


@dataclass
class Obstacles:
    """A pause that the provider named, an alarm, an outage (`state.breaker`), prompts at fault, no money, and what ended it all.

    `ended_before`: why the analyst before this one ended; it stands until Claude is seen to answer.
    """

    state: AnalystState
    limits: Limits
    now: Clock
    ended_before: Trouble | None = None
    faulty: FaultyPrompts = field(default_factory=FaultyPrompts)
    _pause: Trouble | None = None
    _prompts: dict[str, Trouble] = field(default_factory=dict)
    _full: dict[Line, tuple[datetime, LineFull]] = field(default_factory=dict)
    _alarm_seen: tuple[str, datetime] | None = None

    def stop_all(self) -> bool:
        """Whether no call may go at all."""
        return self._alarm() is not None or self._paused() is not None

    def pause(self, until: datetime, reason: str) -> None:
        """No call succeeds before `until`."""
        if (paused := self._paused()) is None:
            self._pause = Trouble("claude-paused", self.now(), f"no calls to Claude: {reason}", until=until)
        elif paused.until is not None and until > paused.until:
            self._pause = replace(paused, until=until)

    def prompt_fails(self, prompt: Prompt, reason: str) -> int:
        """Hold the live requests of a prompt; until when (ms since 1970)."""
        if self.faulty.add(prompt.prompt_id, self._now_ms()):
            self._prompts[prompt.prompt_id] = Trouble(
                "prompt-fails",
                self.now(),
                f"prompt {prompt.name} cannot be asked ({reason}): live requests wait, everything else goes on",
                "register another one and activate it: `earmark prompts`",
                subject=prompt.name,
                needs_person=True,
            )
        return self.faulty.held_until_ms(prompt.prompt_id, self._now_ms())

    def prompt_works(self, prompt: Prompt) -> None:
        """A request with it is done."""
        self.ended_before = None
        if self.faulty.works(prompt.prompt_id):
            del self._prompts[prompt.prompt_id]

    def line_full(self, line: Line, full: LineFull) -> None:
        """The next request of a line waits for money."""
        since, _ = self._full.get(line, (self.now(), full))
        self._full[line] = (since, full)

    def line_flows(self, line: Line) -> None:
        """A request of a line got what it needed."""
        self._full.pop(line, None)

    def look(self) -> list[Trouble]:
        """What stands still now."""
        found = (self.ended_before, self._paused(), self._alarm(), self._outage())
        return [
            *(trouble for trouble in found if trouble is not None),
            *self._prompts.values(),
            *self._without_money(),
        ]

    def ended(self, error: EarmarkError) -> Trouble:
        """What ends the analyst; it stands until Claude is seen to answer another one."""
        before = self.ended_before
        since = before.since if before is not None and before.what == str(error) else self.now()
        return Trouble(
            "claude-refuses",
            since,
            str(error),
            "correct ANTHROPIC_API_KEY: .env is read again by itself, an environment when `up` starts anew",
            needs_person=True,
        )

    def _paused(self) -> Trouble | None:
        pause = self._pause
        return pause if pause is not None and pause.until is not None and self.now() < pause.until else None

    def _alarm(self) -> Trouble | None:
        """An alarm stops spending for the rest of a UTC day; the first record of the next day ends it."""
        ledger = self.state.ledger
        if ledger.alarm is None or self._now_ms() >= ledger.day_end_ms():
            return None
        if self._alarm_seen is None or self._alarm_seen[0] != ledger.alarm:
            self._alarm_seen = ledger.alarm, self.now()
        what = f"no calls to Claude until the UTC day ends: {ledger.alarm}"
        until = _moment(ledger.day_end_ms())
        return Trouble("ledger-alarm", self._alarm_seen[1], what, until=until, needs_person=True)

    def _outage(self) -> Trouble | None:
        breaker = self.state.breaker
        if not breaker.is_open:
            return None
        what = "Claude answers nobody: everything waits, nothing is lost, and one call at a time tries"
        return Trouble("claude-away", _moment(breaker.since_ms), what, until=_moment(breaker.until_ms))

    def _without_money(self) -> list[Trouble]:
        now, waiting = self.now(), self.state.queue.waiting
        until = datetime.combine(now.date(), time(), UTC) + timedelta(days=1)
        self._full = {line: full for line, full in self._full.items() if waiting[line]}
        lasting = {line: full for line, full in self._full.items() if now - full[0] >= FULL_AFTER}
        if capped := [since for since, full in lasting.values() if full.whole_day]:
            count = sum(waiting.values())
            return [
                Trouble(
                    "cap-used-up",
                    min(capped),
                    f"the cap of ${self.limits.cap_usd.normalize():f} a UTC day is used up: {count} requests wait",
                    "they go on with the next day's budget, or raise EARMARK_DAILY_CAP_USD",
                    until,
                )
            ]
        return [
            Trouble(
                "share-used-up",
                since,
                f"lane {lane} has used up its share of the day's cap: {waiting[lane, replay]} requests wait",
                f"they go on with the next day's budget, or raise {_SHARES[lane]}",
                until,
                subject=lane if replay is None else f"{lane} {replay}",
            )
            for (lane, replay), (since, _) in lasting.items()
        ]

    def _now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)


_SHARES = {
    "live": "EARMARK_DAILY_CAP_USD",
    "backfill": "EARMARK_BACKFILL_SHARE",
    "replay": "EARMARK_REPLAY_SHARE",
    "evaluation": "EARMARK_EVALUATION_SHARE",
}

Report = Callable[[list[Trouble], int], None]
"""Takes what keeps the analyst from its work and how many calls are in flight, again and again."""


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
