"""What a switch of a video's current analysis means to those who act on it: additions, changes, retractions."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from streams.events.analyses import AnalysisCompleted, Mention
from streams.events.event import Event, Part
from streams.events.signals import (
    Cause,
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
from streams.events.symbols import SYMBOL
from streams.signals.current import Switch

_AS_THEY_ARE = (MentionState.model_fields.keys() & Mention.model_fields.keys()) - {"start_ms", "end_ms"}


def signals(
    previous: AnalysisCompleted | None, current: AnalysisCompleted, switch: Switch, at: datetime
) -> list[Event]:
    """The signals that turn the state of `previous` into that of `current`; an unchanged part is not published again.

    `at` is the time of the event that caused the switch. The order is fixed: retractions, then mentions as `current`
    has them, then the outlook.
    """
    common: dict[str, Any] = {
        "at": at,
        "revision": switch.revision,
        "cause": _cause(switch, current),
        "activation": switch.activation,
        "video": SignalVideo(
            video_id=current.video.video_id,
            title=current.video.title,
            channel_id=current.video.channel_id,
            channel_title=current.video.channel_title,
            published_at=current.video.published_at,
            published_precision=current.video.published_precision,
        ),
        "analysis": SignalAnalysis(
            analysis_id=current.analysis_id,
            prompt=current.prompt,
            prompt_id=current.prompt_id,
            model=current.model,
        ),
    }
    return [*_mentions(previous, current, common), *_outlook(previous, current, common)]


def _cause(switch: Switch, analysis: AnalysisCompleted) -> Cause:
    """Live, on which bots act, is only what was asked for as its video came out.

    A replay that still runs when its prompt is activated goes on as a part of that activation: what it says is old news,
    also where it is the first word on a video that was polled long ago.
    """
    if switch.kind != "first":
        return switch.kind
    if analysis.lane == "replay":
        return "activation"
    return "live" if analysis.lane == "live" and analysis.video.origin == "poll" else "backfill"


def _mentions(
    previous: AnalysisCompleted | None, current: AnalysisCompleted, common: dict[str, Any]
) -> Iterable[Event]:
    was = {} if previous is None else published(previous)
    now = published(current)
    added = [mention for mention_id, mention in now.items() if mention_id not in was]
    for mention_id, mention in was.items():
        if mention_id not in now:
            renamed = any(_same_words(mention, other) for other in added)
            yield MentionRetracted(
                mention_id=mention_id,
                mention=mention,
                previous=mention,
                reason="symbol_changed" if renamed else "not_mentioned",
                **common,
            )
    for mention_id, mention in now.items():
        before = was.get(mention_id)
        if before is None:
            yield MentionAdded(mention_id=mention_id, mention=mention, **common)
        elif before != mention:
            yield MentionChanged(
                mention_id=mention_id,
                mention=mention,
                previous=before,
                changed=_changed(before, mention),
                **common,
            )


def _outlook(
    previous: AnalysisCompleted | None, current: AnalysisCompleted, common: dict[str, Any]
) -> Iterable[Event]:
    common = common | {"outlook_id": outlook_id(current.video.video_id)}
    before, now = None if previous is None else _outlook_state(previous), _outlook_state(current)
    if before is None and now is not None:
        yield OutlookAdded(outlook=now, **common)
    elif before is not None and now is None:
        yield OutlookRetracted(outlook=before, previous=before, reason="not_mentioned", **common)
    elif before is not None and now is not None and before != now:
        yield OutlookChanged(outlook=now, previous=before, changed=_changed(before, now), **common)


def published(analysis: AnalysisCompleted) -> Mapping[UUID, MentionState]:
    """The mentions of an analysis that are fit to act on, by id: grounded, under a symbol that can be one, no sponsor's."""
    return {
        mention.mention_id: _mention_state(mention, analysis.video.url, mention.start_ms, mention.end_ms)
        for mention in analysis.mentions
        if mention.mention_id is not None
        and not mention.paid
        and mention.start_ms is not None
        and mention.end_ms is not None
        and SYMBOL.fullmatch(mention.symbol)
    }


def _mention_state(mention: Mention, url: str, start_ms: int, end_ms: int) -> MentionState:
    said = {name: getattr(mention, name) for name in _AS_THEY_ARE}
    return MentionState(**said, start_ms=start_ms, end_ms=end_ms, url=url_at(url, start_ms))


def _outlook_state(analysis: AnalysisCompleted) -> OutlookState | None:
    if analysis.outlook is None:
        return None
    return OutlookState(
        direction=analysis.outlook.direction,
        reasoning=analysis.outlook.reasoning,
        themes=analysis.themes,
        risks=analysis.risks,
        summary=analysis.summary or "",
    )


def _same_words(one: MentionState, other: MentionState) -> bool:
    """Whether two mentions rest on some of the same seconds of the video: then its symbol is what was corrected."""
    return one.start_ms < other.end_ms and other.start_ms < one.end_ms


def _changed(before: Part, now: Part) -> tuple[str, ...]:
    return tuple(name for name in type(now).model_fields if getattr(before, name) != getattr(now, name))
