"""Every event type there is, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import (
    CaptionsExtracted,
    CaptionsRequested,
    CaptionsUnavailable,
    unavailable_of_version_1,
)
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.evaluations import EvaluationAttempted, TranscriptGiven
from streams.events.event import Event
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayStarted,
)
from streams.events.prompts import PromptActivated, PromptRegistered
from streams.events.signals import SIGNALS
from streams.events.videos import VideoDiscovered

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a body of one version into a body of the next."""


Upcasters = Mapping[tuple[str, int], Upcaster]
"""By an event type's name and the version that is turned into the next."""


def unchanged(version: int, *types: type[Event]) -> Upcasters:
    """For a next version that only says more: bodies of `version` are read there as they are."""
    return {(event_type.__name__, version): dict for event_type in types}


@dataclass(frozen=True)
class Catalogue:
    """The language: its types by name, and the upcasters of every version that any of them had.

    Raises ValueError where one is missing: a process that cannot read old logs must not start.
    """

    types: Mapping[str, type[Event]]
    upcasters: Upcasters = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, event_type in self.types.items():
            for version in range(1, event_type.version):
                if (name, version) not in self.upcasters:
                    raise ValueError(
                        f"{name} is of version {event_type.version} and nothing reads its version {version}:"
                        f" put an upcaster, or unchanged({version}, {name}), into UPCASTERS in {__name__}"
                    )


EVENT_TYPES: tuple[type[Event], ...] = (
    ChannelFollowed,
    ChannelScanned,
    ChannelUnfollowed,
    VideoDiscovered,
    CaptionsRequested,
    CaptionsExtracted,
    CaptionsUnavailable,
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayStarted,
    ReplayCancelled,
    AnalysisCompleted,
    AttemptFailed,
    AnalysisFailed,
    TranscriptGiven,
    EvaluationAttempted,
    PromptRegistered,
    PromptActivated,
    *SIGNALS,
    DeadLettered,
    DeadLetterRetried,
)

UPCASTERS: Upcasters = {
    (CaptionsUnavailable.__name__, 1): unavailable_of_version_1,
    **unchanged(1, AnalysisCompleted),
}

CATALOGUE = Catalogue({event_type.__name__: event_type for event_type in EVENT_TYPES}, UPCASTERS)
