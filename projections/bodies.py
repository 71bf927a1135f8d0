"""What the read model keeps of a record: an event's type, time and body, the body as JSON of one form.

Two ways lead there. The quick one takes what Earmark's own code writes: headers looked at as they are, the body read and
written by its type's twin. Whatever it does not know goes the other way, through the language itself, which alone says
what is an event and what is wrong with the rest.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from projections.twins import NoTwinError, twin
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsExtracted, CaptionsUnavailable
from streams.events.catalogue import CATALOGUE
from streams.events.dead_letters import DeadLettered
from streams.events.envelope import SOURCE, UndecodableError
from streams.events.evaluations import EvaluationAttempted, TranscriptGiven
from streams.events.event import Event
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.events.signals import MentionChanged, MentionRetracted, OutlookChanged, OutlookRetracted
from streams.events.videos import VideoDiscovered
from streams.log.topics import ANALYSES, TOPICS

_TYPES = {topic.name: frozenset(topic.types) for topic in TOPICS}
_TYPES[ANALYSES.name] |= {PromptActivated}  # the markers

# What no table keeps and is long: it is read, or a wrong body would pass, and not written again.
_LEFT_OUT: Mapping[type[Event], tuple[str, ...]] = {
    CaptionsExtracted: ("texts", "starts_ms", "ends_ms"),
    AnalysisCompleted: ("raw_answer",),
    AttemptFailed: ("raw_answer", "response"),
    TranscriptGiven: ("texts", "starts_ms", "ends_ms"),
    EvaluationAttempted: ("raw_answer", "response"),
    AnalysisFailed: ("raw_answer", "response"),
    MentionChanged: ("previous",),
    MentionRetracted: ("previous",),
    OutlookChanged: ("previous",),
    OutlookRetracted: ("previous",),
    DeadLettered: ("original_value", "original_headers"),
}

_OF_VIDEOS = frozenset({VideoDiscovered, CaptionsExtracted, CaptionsUnavailable, AnalysisCompleted})
"""What `kept.py` makes anew for a video follows from these, and from markers."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = re.compile(
    rb"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{6})?Z"
)
_NAME = re.compile(r"ce_[a-z0-9]+|content-type")
_REQUIRED = {"ce_id", "ce_source", "ce_specversion", "ce_type", "ce_time", "ce_dataschema"}
_write = msgspec.json.Encoder().encode


class Kept(NamedTuple):
    """An event as the tables take it; `video_id`: of what says something new of a video.

    `segments` and `length_ms`, until when there are words: of captions, else None.
    """

    type: str
    at_us: int
    body: bytes
    video_id: str | None
    segments: int | None
    length_ms: int | None


class _Way(NamedTuple):
    """How bodies of an event type in one of its versions are read quickly."""

    type: type[Event]
    name: bytes
    read: msgspec.json.Decoder[Any]
    left_out: tuple[str, ...]


def _ways(types: frozenset[type[Event]]) -> dict[bytes, _Way]:
    """By `ce_dataschema`; older versions too where nothing but additions lies between."""
    ways = {}
    for event_type in types:
        name = event_type.__name__
        try:
            read = msgspec.json.Decoder(twin(event_type))
        except NoTwinError:
            continue
        way = _Way(event_type, name.encode(), read, _LEFT_OUT.get(event_type, ()))
        for version in range(event_type.version, 0, -1):
            if version < event_type.version and CATALOGUE.upcasters[name, version] is not dict:
                break
            ways[f"{SOURCE}:{name}:{version}".encode()] = way
    return ways


_WAYS = {topic: _ways(types) for topic, types in _TYPES.items()}


def keep(record: Record) -> Kept:
    """What is kept of the event in `record`. Raises UndecodableError where there is none, or not in this topic."""
    return _quickly(record) or _by_the_language(record)


def _quickly(record: Record) -> Kept | None:
    headers = {name: content for name, content in record.headers if content}
    way = _WAYS[record.topic].get(headers.get("ce_dataschema", b""))
    if way is None or record.value is None or len(headers) != len(record.headers) or not _plain(headers):
        return None
    if headers["ce_type"] != way.name or headers["ce_specversion"] != b"1.0":
        return None
    try:
        at_us = (datetime.fromisoformat(headers["ce_time"].decode()) - _EPOCH) // _MICROSECOND
        event = way.read.decode(record.value)
        besides = _besides(way.type, event)
        for name in way.left_out:
            setattr(event, name, msgspec.UNSET)
        body = _write(event)
    # Whatever is amiss, the language has the word for it.
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None
    return Kept(way.type.__name__, at_us, body, *besides)


def _plain(headers: Mapping[str, bytes]) -> bool:
    """Whether the CloudEvents library would take these headers, none of them empty, word for word."""
    return (
        _are_names(tuple(headers))
        and b"".join(headers.values()).isascii()
        and _TIME.fullmatch(headers["ce_time"]) is not None
    )


@lru_cache(maxsize=1000)
def _are_names(names: tuple[str, ...]) -> bool:
    return _REQUIRED.issubset(names) and "ce_data" not in names and all(map(_NAME.fullmatch, names))


def _besides(event_type: type[Event], event: Any) -> tuple[str | None, int | None, int | None]:
    """The video that `event`, or its twin, changes what is kept of; how many segments captions have, and their end."""
    video_id = event.video.video_id if event_type in _OF_VIDEOS else None
    if event_type is not CaptionsExtracted:
        return video_id, None, None
    return video_id, len(event.texts), event.ends_ms[-1] if event.ends_ms else None


def _by_the_language(record: Record) -> Kept:
    event = record.event()
    if type(event) not in _TYPES[record.topic]:
        raise UndecodableError(f"{type(event).__name__} does not belong in {record.topic}")
    # Written anew: older versions are upcast, and times and numbers have one form.
    body = event.model_dump_json(exclude=set(_LEFT_OUT.get(type(event), ()))).encode()
    at_us = (event.at - _EPOCH) // _MICROSECOND
    return Kept(type(event).__name__, at_us, body, *_besides(type(event), event))
