"""What is said and counted of an event that came into the log: one line, and the metrics of its kind."""

import logging
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from streams import metrics
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsUnavailable
from streams.events.dead_letters import DeadLettered
from streams.events.evaluations import EvaluationAttempted
from streams.events.event import Event
from streams.events.ledger import AnalysisRequested, BudgetReserved, BudgetSettled
from streams.events.prompts import PromptActivated
from streams.journal import journal
from streams.log.topics import Topic

log = journal(__name__)

# What a line says of an event that has it, under the event's own names.
_FACTS = (
    "outcome",
    "failure",
    "reason",
    "handler",
    "error",
    "usd",
    "model",
    "cause",
    "revision",
    "tries",
    "retry_at",
    "next_try_at",
    "unanswered",
    "attempt_id",
    "replay_id",
    "topic",
    "partition",
    "offset",
)
_TOKENS = ("input", "output", "cache_creation", "cache_read")


def facts(event: Event) -> dict[str, Any]:
    """What a line says of `event`: its video, and of the rest what is there and not null."""
    mention = getattr(event, "mention", None)
    found: dict[str, Any] = {
        **_subject(event),
        "symbol": None if mention is None else mention.symbol,
        "prompt": getattr(event, "prompt_id", None),
    }
    found |= {name: getattr(event, name, None) for name in _FACTS}
    return {name: _plain(fact) for name, fact in found.items() if fact is not None and fact is not False}


def subject(event: Event) -> dict[str, Any]:
    """What a line that comes of handling `event` says of it."""
    return {name: fact for name, fact in _subject(event).items() if fact is not None}


def level(event: Event) -> int:
    """How loud the line is: what is lost is an error, what failed a warning, what comes by the thousand for debugging."""
    match event:
        case DeadLettered():
            return logging.ERROR
        case AnalysisFailed() | AttemptFailed():
            return logging.WARNING
        case CaptionsUnavailable():
            return logging.WARNING if event.final else logging.INFO
        # A claim's verdict is a line of its own; replays and markers come by the thousand.
        case BudgetReserved() | AnalysisRequested(replay_id=UUID()) | PromptActivated(partition=int()):
            return logging.DEBUG
        case _:
            cause = getattr(event, "cause", None)
            return logging.DEBUG if cause in {"backfill", "activation"} else logging.INFO


def note(topic: Topic, event: Event) -> None:
    """Say and count that `event` is in the log."""
    kind = type(event).__name__
    outcome = str(getattr(event, "outcome", None) or getattr(event, "failure", None) or "")
    metrics.EVENTS.labels(topic.name, kind, outcome).inc()
    match event:
        case AnalysisCompleted() | AnalysisFailed() | AttemptFailed() | EvaluationAttempted() if (
            event.usage is not None
        ):
            for of in _TOKENS:
                tokens = getattr(
                    event.usage, f"{of}_tokens" if of in {"input", "output"} else f"{of}_input_tokens"
                )
                metrics.TOKENS.labels(event.model, of).inc(tokens)
        case BudgetSettled():
            metrics.SETTLED_USD.labels(event.outcome).inc(float(event.usd))
        case CaptionsUnavailable(failure="soon" | "unknown"):
            metrics.REFUSALS.labels("youtube", event.failure).inc()
        case DeadLettered():
            metrics.DEAD_LETTERS.labels(event.handler).inc()
        case _:
            pass
    loudness = level(event)
    if logging.getLogger(__name__).isEnabledFor(loudness):
        log.log(loudness, kind, **facts(event))


def _subject(event: Event) -> dict[str, Any]:
    video = getattr(event, "video", None)
    return {
        "video": getattr(event, "video_id", None) if video is None else video.video_id,
        "channel": getattr(event, "channel_id", None),
        "attempt": getattr(event, "attempt", None),
        "lane": getattr(event, "lane", None),
    }


def _plain(fact: Any) -> Any:
    match fact:
        case Decimal():
            return float(fact)
        case datetime():
            return fact.isoformat(timespec="seconds")
        case str() | int() | float():
            return fact
        case _:
            return str(fact)
