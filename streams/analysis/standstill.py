"""Why Claude is not asked, for `earmark budget` and others to say: `EARMARK_HOME/analyst.json`."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter

from streams.bulletin import put_up, read

NAME = "analyst.json"


@dataclass(frozen=True)
class Standstill:
    """Since `since` no call is made, or only some to try; `until`: when it goes on or tries again, null: when it is fixed."""

    since: datetime
    reason: str
    until: datetime | None = None


_FORM: TypeAdapter[list[Standstill]] = TypeAdapter(list[Standstill])


class StandstillFile:
    """Writes what stands still to `home`, at each change."""

    def __init__(self, home: Path) -> None:
        self._path = home / NAME
        self._last: list[Standstill] | None = None

    def __call__(self, standing: list[Standstill]) -> None:
        """Write it, if it is news."""
        if standing != self._last:
            put_up(self._path, _FORM, standing)
            self._last = standing


def read_standstills(home: Path) -> list[Standstill]:
    """What the analyst last wrote; empty where it works."""
    return read(home / NAME, _FORM) or []
