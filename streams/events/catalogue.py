"""Every event type there is, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered
from streams.events.event import Event
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayStarted,
)
from streams.events.prompts import PromptActivated, PromptRegistered
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
)
from streams.events.videos import VideoDiscovered

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a body of one version into a body of the next."""


@dataclass(frozen=True)
class Catalogue:
    """The language: its types by name, and how an old body becomes a new one, by (name, old version)."""

    types: Mapping[str, type[Event]]
    upcasters: Mapping[tuple[str, int], Upcaster] = field(default_factory=dict)


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
    PromptRegistered,
    PromptActivated,
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
    DeadLettered,
)

CATALOGUE = Catalogue({event_type.__name__: event_type for event_type in EVENT_TYPES})
