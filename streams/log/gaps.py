"""Partitions of the log that do not begin at 0: each reader either stops, or goes on from what is left and says so."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streams.errors import EarmarkError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """A partition (of a topic's full name) that begins at `start`, though `wanted` was to be read next."""

    topic: str
    partition: int
    wanted: int
    start: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] begins at offset {self.start} and not at {self.wanted}"


CAUSE = "a retention was set on the cluster, or records were deleted"


class GapError(EarmarkError):
    """The log lacks records without which nothing may be done."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(
            f"{gap}: {CAUSE} (`earmark topics plan` shows a retention); nothing is guessed about money: add what is left"
            " to its archive with `earmark backup` and bring that back with `earmark restore` under another"
            " EARMARK_TOPIC_PREFIX, or begin a new log there"
        )
        self.gap = gap


OnGaps = Callable[[Sequence[Gap]], None]
"""What a reader does about gaps: raise, or return and have it go on from where each partition begins."""


def refuse(gaps: Sequence[Gap]) -> None:
    """Stop at the first gap. Raises GapError."""
    raise GapError(gaps[0])


def go_on(gaps: Sequence[Gap]) -> None:
    """Say what is gone, and go on."""
    log.warning("%s: %s; going on with what is left", ", ".join(map(str, gaps)), CAUSE)
