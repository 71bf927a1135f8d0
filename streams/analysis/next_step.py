"""What an attempt leaves to do."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Again:
    """The request waits on, not before a time (ms since 1970); `tight`: so does its line, or until a settlement."""

    not_before_ms: int = 0
    tight: bool = False


@dataclass(frozen=True)
class Pause:
    """No call succeeds before `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class Halt:
    """A person must mend something first."""

    reason: str


Next = Again | Pause | Halt | None
"""What an attempt leaves to do: nothing where its request is done."""
