"""What a signal told subscribers, in a clause: pure."""

from typing import assert_never

from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    MentionState,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
    OutlookState,
)

_SHOWN = 60
"""Characters of a value that changed; a view's reasoning may be long."""


def published(
    event: MentionAdded
    | MentionChanged
    | MentionRetracted
    | OutlookAdded
    | OutlookChanged
    | OutlookRetracted,
) -> str:
    """What was added, changed or retracted, and for what cause."""
    match event:
        case MentionAdded():
            return f"{_call(event.mention)} was added ({event.cause}): “{event.mention.quote}”"
        case MentionChanged():
            changes = _changes(event.changed, event.previous, event.mention)
            return f"{_call(event.mention)} changed ({event.cause}): {changes}"
        case MentionRetracted():
            return f"{_call(event.mention)} was retracted ({event.cause}): {event.reason.replace('_', ' ')}"
        case OutlookAdded():
            view = f"{event.outlook.direction}: {event.outlook.reasoning.strip()}"
            return f"its view of the market was added ({event.cause}): {view}"
        case OutlookChanged():
            changes = _changes(event.changed, event.previous, event.outlook)
            return f"its view of the market changed ({event.cause}): {changes}"
        case OutlookRetracted():
            return f"its view of the market was retracted ({event.cause}): {event.reason.replace('_', ' ')}"
        case _:
            assert_never(event)


def _call(mention: MentionState) -> str:
    return f"{mention.action} {mention.symbol}, {mention.time_horizon}, conviction {mention.conviction:.2f}"


def _changes(
    names: tuple[str, ...], before: MentionState | OutlookState, after: MentionState | OutlookState
) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} from {_value(before, name)} to {_value(after, name)}" for name in names
    )


def _value(state: MentionState | OutlookState, name: str) -> str:
    value = getattr(state, name)
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return f"“{text}”" if len(text) <= _SHOWN else f"“{text[: _SHOWN - 1]}…”"
