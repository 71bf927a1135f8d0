"""What keeps Claude from being asked, told to the operator when it begins and when it ends."""

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from streams.analysis.prompt_faults import FaultyPrompts
from streams.analysis.standstill import Standstill
from streams.analysis.state import AnalystState
from streams.clock import Clock
from streams.events.prompts import Prompt

log = logging.getLogger(__name__)


@dataclass
class Obstacles:
    """A pause that the provider named, an alarm, an outage (`state.breaker`), prompts at fault, and what ended it all."""

    state: AnalystState
    now: Clock
    faulty: FaultyPrompts = field(default_factory=FaultyPrompts)
    halted: Exception | None = None
    _pause: Standstill | None = None
    _alarm: Standstill | None = None
    _outage: Standstill | None = None
    _prompts: dict[str, Standstill] = field(default_factory=dict)

    def stop_all(self) -> bool:
        """Whether no call may go at all."""
        return self._alarm is not None or (self._pause is not None and self._lasts(self._pause))

    def pause(self, until: datetime, reason: str) -> None:
        """No call succeeds before `until`."""
        if self._pause is None or not self._lasts(self._pause):
            log.error("no calls before %s: %s", until.isoformat(), reason)
            self._pause = Standstill(self.now(), reason, until)
        elif self._pause.until is not None and until > self._pause.until:
            self._pause = replace(self._pause, until=until)

    def prompt_fails(self, prompt: Prompt, reason: str) -> int:
        """Hold the live requests of a prompt; until when (ms since 1970)."""
        said = (
            f"prompt {prompt.name} cannot be asked ({reason}): live requests wait until another one is registered and"
            " activated (`earmark prompts`); everything else goes on"
        )
        if self.faulty.add(prompt.prompt_id, self._now_ms()):
            log.error("%s", said)
            self._prompts[prompt.prompt_id] = Standstill(self.now(), said)
        return self.faulty.held_until_ms(prompt.prompt_id, self._now_ms())

    def prompt_works(self, prompt: Prompt) -> None:
        """A request with it is done."""
        if self.faulty.works(prompt.prompt_id):
            del self._prompts[prompt.prompt_id]
            log.error("prompt %s can be asked again", prompt.name)

    def look(self) -> list[Standstill]:
        """What stands still now."""
        self._look_at_alarm()
        self._look_at_breaker()
        pause = self._pause if self._pause is not None and self._lasts(self._pause) else None
        halted = None if self.halted is None else Standstill(self.now(), str(self.halted))
        found = (halted, pause, self._alarm, self._outage, *self._prompts.values())
        return [standing for standing in found if standing is not None]

    def _look_at_alarm(self) -> None:
        """An alarm stops spending for the rest of a UTC day; the first record of the next day ends it."""
        ledger = self.state.ledger
        alarm = ledger.alarm if self._now_ms() < ledger.day_end_ms() else None
        if alarm is None:
            self._alarm = None
        elif self._alarm is None or self._alarm.reason != alarm:
            log.error("no calls until the UTC day ends: %s", alarm)
            self._alarm = Standstill(self.now(), alarm, _moment(ledger.day_end_ms()))

    def _look_at_breaker(self) -> None:
        breaker = self.state.breaker
        if breaker.is_open:
            if self._outage is None:
                log.error(
                    "Claude answers nobody: everything waits, nothing is lost, and one call at a time tries"
                )
            reason = "Claude answers nobody: everything waits and nothing is lost"
            self._outage = Standstill(_moment(breaker.since_ms), reason, _moment(breaker.until_ms))
        elif self._outage is not None:
            log.error("Claude answers again; it did not since %s", f"{self._outage.since:%Y-%m-%d %H:%M}")
            self._outage = None

    def _lasts(self, standing: Standstill) -> bool:
        return standing.until is not None and self.now() < standing.until

    def _now_ms(self) -> int:
        return int(self.now().timestamp() * 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
