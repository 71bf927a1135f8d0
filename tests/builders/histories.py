"""Histories of one partition of `analyses`, and what their signals must come to: worked out from the whole, not step by step."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st

from streams.events.analyses import (
    Action,
    AnalysisCompleted,
    AttemptFailed,
    Direction,
    Mention,
    Outlook,
    Rejection,
    mention_id,
)
from streams.events.captions import captions_id
from streams.events.envelope import encode
from streams.events.event import NAMESPACE, Event, Lane, Position
from streams.events.ledger import Usage, analysis_id
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.events.signals import MentionState, outlook_id
from streams.events.videos import Origin, Video
from streams.log.topics import ANALYSES, Topic

START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
_IN_SIGNALS = set(MentionState.model_fields) & set(Mention.model_fields)
VIDEOS: dict[str, Origin] = {
    "dQw4w9WgXcA": "poll",
    "dQw4w9WgXcB": "backfill",
    "dQw4w9WgXcC": "asked",
}


def moment(n: int) -> datetime:
    return START + timedelta(minutes=n)


def video(video_id: str = "dQw4w9WgXcA", origin: Origin | None = None) -> Video:
    return Video(
        video_id=video_id,
        url=f"https://www.youtube.com/watch?v={video_id}",
        channel_id="UCabcdefghijklmnopqrstuv",
        channel_title="Plain Talk on Stocks",
        title="Three names I hold",
        published_at=moment(-60),
        published_precision="second",
        origin=origin or VIDEOS[video_id],
    )


def mention(
    video_id: str,
    symbol: str,
    ordinal: int = 0,
    *,
    start_ms: int = 1000,
    action: Action = "buy",
    conviction: float = 0.6,
    rejected: Rejection | None = None,
) -> Mention:
    return Mention(
        mention_id=None if rejected else mention_id(video_id, symbol, ordinal),
        symbol=symbol,
        said_as=symbol.lower(),
        listed=None,
        action=action,
        conviction=conviction,
        time_horizon="months",
        quote=f"i like {symbol}",
        line=start_ms // 1000,
        start_ms=None if rejected else start_ms,
        end_ms=None if rejected else start_ms + 900,
        rejected=rejected,
    )


def completed(
    prompt: str = "p1",
    *,
    of: Video | None = None,
    revision: int = 1,
    mentions: Sequence[Mention] = (),
    direction: Direction = "bullish",
    at: int = 0,
    attempt: str = "1",
    lane: Lane = "live",
    again: int | None = None,
    partial: bool = False,
    viewless: bool = False,
) -> AnalysisCompleted:
    """`viewless`: without an outlook and a summary."""
    of = of or video()
    captions = captions_id(of.video_id, revision)
    return AnalysisCompleted(
        at=moment(at),
        analysis_id=analysis_id(captions, prompt, again),
        attempt_id=uuid5(NAMESPACE, attempt),
        video=of,
        captions_id=captions,
        captions_revision=revision,
        captions_at=Position(partition=0, offset=0),
        lane=lane,
        replay_id=None,
        prompt_id=prompt,
        prompt=f"name-of-{prompt}",
        model="claude-test",
        lines_version=1,
        grounding_version=1,
        raw_answer="{}",
        usage=Usage(input_tokens=1, output_tokens=1),
        usd=Decimal("0.01"),
        outlook=None if viewless else Outlook(direction=direction, reasoning="because"),
        themes=("rates",),
        risks=("war",),
        summary=None if viewless else "three names",
        mentions=tuple(mentions),
        partial=partial,
    )


def failed(of: Video | None = None, at: int = 0) -> AttemptFailed:
    of = of or video()
    return AttemptFailed(
        at=moment(at),
        analysis_id=analysis_id(captions_id(of.video_id, 1), "p1"),
        attempt_id=uuid5(NAMESPACE, "failed"),
        video=of,
        captions_id=captions_id(of.video_id, 1),
        lane="live",
        replay_id=None,
        prompt_id="p1",
        model="claude-test",
        outcome="max_tokens",
        reason="cut",
        raw_answer=None,
        usage=None,
        usd=Decimal("0.01"),
    )


def marker(activation: int, prompt: str = "p1", *, at: int = 0) -> PromptActivated:
    return PromptActivated(at=moment(at), prompt_id=prompt, previous=None, activation=activation, partition=0)


def record(event: Event, offset: int, topic: Topic = ANALYSES) -> Record:
    message = encode(event)
    return Record(topic.name, 0, offset, 0, message.key, message.headers, message.value)


SPOILS = ("cut", "without a field", "without a time", "of a newer version", "of an unknown type")


def spoilt(record: Record, how: str) -> Record:
    """A record that says the same in its other headers, and that nobody can read."""
    headers, value = dict(record.headers), record.value or b""
    kind = record.type or ""
    match how:
        case "cut":
            value = value[:-1]
        case "without a field":
            value = value.replace(b'"prompt_id"', b'"promptid"')
        case "without a time":
            del headers["ce_time"]
        case "of a newer version":
            headers["ce_dataschema"] = f"urn:earmark:{kind}:99".encode()
        case "of an unknown type":
            headers["ce_type"] = b"Rumoured"
    return replace(record, headers=tuple(headers.items()), value=value)


class Log:
    """One partition in memory: read and fetched as streams.log.follow.Fetcher does it."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.records = [record(event, offset) for offset, event in enumerate(events)]
        self.read_from: list[int] = []

    async def fetch_many(self, topic: Topic, partition: int, offsets: Iterable[int]) -> dict[int, Record]:  # noqa: ARG002  as Fetcher has it
        return {offset: self.records[offset] for offset in offsets}

    async def read(
        self,
        topic: Topic,  # noqa: ARG002  as Fetcher has it
        partition: int,  # noqa: ARG002
        start: int,
        end: int,
        apply: Callable[[Record], None],
    ) -> None:
        if start < end:
            self.read_from.append(start)
        for one in self.records[start:end]:
            apply(one)


@st.composite
def _mentions(draw: st.DrawFn, video_id: str) -> list[Mention]:
    calls = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["NVDA", "BRK.B", "T", "not a symbol"]),
                st.integers(0, 5),
                st.sampled_from(["buy", "sell"]),
            ),
            max_size=4,
            unique_by=lambda call: call[:2],
        )
    )
    ordinals: dict[str, int] = {}
    made = []
    for symbol, second, action in sorted(calls, key=lambda call: call[1]):
        ordinal = ordinals[symbol] = ordinals.get(symbol, -1) + 1
        said = mention(video_id, symbol, ordinal, start_ms=1000 * second, action=action)
        made.append(said.model_copy(update={"paid": draw(st.sampled_from([None, False, True]))}))
    if draw(st.booleans()):
        made.append(mention(video_id, "ON", rejected="quote_too_short"))
    return made


@st.composite
def events(draw: st.DrawFn, max_size: int = 14) -> list[Event]:
    """A history: analyses under several prompts and captions, some partial, some told twice, failures, markers, some repeated."""
    made: list[Event] = []
    for at in range(draw(st.integers(0, max_size))):
        what = draw(st.sampled_from(["completed", "completed", "completed", "marker", "marker", "failed"]))
        video_id = draw(st.sampled_from(sorted(VIDEOS)))
        match what:
            case "completed":
                made.append(
                    completed(
                        draw(st.sampled_from(["p1", "p2", "p3"])),
                        of=video(video_id),
                        revision=draw(st.integers(1, 2)),
                        mentions=draw(_mentions(video_id)),
                        direction=draw(st.sampled_from(["bullish", "bearish"])),
                        at=at,
                        attempt=str(at),
                        lane=draw(st.sampled_from(["live", "backfill", "replay"])),
                        again=draw(st.sampled_from([None, None, 1])),
                        partial=draw(st.sampled_from([False, False, True])),
                        viewless=draw(st.sampled_from([False, False, True])),
                    )
                )
            case "failed":
                made.append(failed(video(video_id), at))
            case "marker":
                markers = [event for event in made if isinstance(event, PromptActivated)]
                if markers and draw(st.booleans()):
                    made.append(draw(st.sampled_from(markers)))
                else:
                    made.append(marker(at, draw(st.sampled_from(["p1", "p2", "p3"])), at=at))
    return made


def expected(history: Iterable[Event]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The mentions and outlooks that a client must hold after `history`, by id."""
    analyses: dict[tuple[UUID, str, bool], AnalysisCompleted] = {}
    activations: dict[str, int] = {}
    for event in history:
        if isinstance(event, AnalysisCompleted):
            analyses.setdefault((event.captions_id, event.prompt_id, event.partial), event)
        elif isinstance(event, PromptActivated) and event.activation is not None:
            activations[event.prompt_id] = max(event.activation, activations.get(event.prompt_id, -1))
    current = {}
    for one in sorted(
        (one for one in analyses.values() if one.prompt_id in activations),
        key=lambda one: (not one.partial, activations[one.prompt_id], one.captions_revision),
    ):
        current[one.video.video_id] = one
    mentions = {
        str(said.mention_id): {
            **said.model_dump(mode="json", include=_IN_SIGNALS),
            "url": f"{one.video.url}&t={said.start_ms // 1000}s",
        }
        for one in current.values()
        for said in one.mentions
        if said.rejected is None and said.symbol != "not a symbol" and not said.paid
    }
    outlooks = {
        str(outlook_id(video_id)): {
            **one.outlook.model_dump(mode="json"),
            **one.model_dump(mode="json", include={"themes", "risks"}),
            "summary": one.summary or "",
        }
        for video_id, one in current.items()
        if one.outlook is not None
    }
    return mentions, outlooks
