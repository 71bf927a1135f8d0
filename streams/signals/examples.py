"""An example of each signal, as it is sent: what the contract shows to those who write a subscriber."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from streams.events.analyses import Level, mention_id
from streams.events.envelope import encode
from streams.events.event import Event, derive_id
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    MentionState,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
    OutlookState,
    SignalAnalysis,
    SignalVideo,
    outlook_id,
    url_at,
)

_VIDEO = "KTape000009"
_FRAME: dict[str, Any] = {
    "at": datetime(2026, 11, 20, 13, 4, 30, tzinfo=UTC),
    "cause": "live",
    "activation": 1,
    "video": SignalVideo(
        video_id=_VIDEO,
        title="One buy, and a price I wait for",
        channel_id="UCkEttleAndTapeDemo00001",
        channel_title="Kettle and Tape",
        published_at=datetime(2026, 11, 20, 13, tzinfo=UTC),
        published_precision="second",
    ),
    "analysis": SignalAnalysis(
        analysis_id=derive_id("example"),
        prompt="extract-v2",
        prompt_id="0123456789abcdef",
        model="claude-haiku-5-5",
    ),
}
_BUY = MentionState(
    symbol="PLTR",
    said_as="palanteer",
    listed=True,
    action="buy",
    conviction=0.9,
    time_horizon="months",
    quote="i added to palanteer this morning at one twenty",
    start_ms=83_000,
    end_ms=86_400,
    url=url_at(f"https://www.youtube.com/watch?v={_VIDEO}", 83_000),
    match="exact",
    levels=(Level(kind="entry", value=Decimal(120), value_to=None, unit="USD", words="at one twenty"),),
    speaker="host",
    position="holds",
    paid=False,
)
_LATER = _BUY.model_copy(update={"action": "watch", "conviction": 0.6, "condition": "if it comes back to it"})
_MENTION = {**_FRAME, "mention_id": mention_id(_VIDEO, "PLTR", 0)}
_VIEW = OutlookState(
    direction="bullish",
    reasoning="Rates come down and margins hold.",
    themes=("rate cuts",),
    risks=("an election",),
    summary="One name is bought, the rest is left alone.",
)
_OUTLOOK = {**_FRAME, "outlook_id": outlook_id(_VIDEO)}
_SWITCHED = {"cause": "activation", "activation": 7, "revision": 2}

_EXAMPLES: Iterable[Event] = (
    MentionAdded(**_MENTION, revision=1, mention=_BUY),
    MentionChanged(
        **{**_MENTION, **_SWITCHED},
        mention=_LATER,
        previous=_BUY,
        changed=("action", "conviction", "condition"),
    ),
    MentionRetracted(**{**_MENTION, **_SWITCHED}, mention=_BUY, previous=_BUY, reason="not_mentioned"),
    OutlookAdded(**_OUTLOOK, revision=1, outlook=_VIEW),
    OutlookChanged(
        **{**_OUTLOOK, **_SWITCHED},
        outlook=_VIEW.model_copy(update={"direction": "mixed"}),
        previous=_VIEW,
        changed=("direction",),
    ),
    OutlookRetracted(**{**_OUTLOOK, **_SWITCHED}, outlook=_VIEW, previous=_VIEW, reason="not_mentioned"),
)


def example(event_type: type[Event]) -> dict[str, Any]:
    """The example of a signal: its headers and its body."""
    (event,) = (event for event in _EXAMPLES if type(event) is event_type)
    message = encode(event)
    return {
        "name": event_type.__name__,
        "headers": {name: content.decode() for name, content in message.headers},
        "payload": json.loads(message.value),
    }
