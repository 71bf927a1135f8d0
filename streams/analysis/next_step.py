"""What an attempt leaves to do."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Done:
    """Nothing: the request is answered, given up, or its replay has ended."""


@dataclass(frozen=True)
class Again:
    """The request waits on, not before a time (ms since 1970)."""

    not_before_ms: int = 0


@dataclass(frozen=True)
class LineFull:
    """The request waits, and with it its whole line, until a time (ms since 1970) or until a claim is settled.

    `whole_day`: the day's money is spent, rather than the lane's share of it.
    """

    until_ms: int
    whole_day: bool


@dataclass(frozen=True)
class Pause:
    """No call succeeds before `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True)
class PromptFails:
    """No request with this prompt succeeds: a replay ends, live requests wait for another prompt."""

    reason: str


@dataclass(frozen=True)
class Halt:
    """A person must fix something first."""

    reason: str


Next = Done | Again | LineFull | Pause | PromptFails | Halt
