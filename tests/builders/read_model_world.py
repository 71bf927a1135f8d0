"""A small world told in Earmark's own events, laid out as the log has it: for tests of the read model."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from streams.budget.entries import Cancellation, Claim, Entry, Replay, Request, Settlement
from streams.events.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AttemptFailed,
    Mention,
    Outlook,
    mention_id,
)
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable, captions_id
from streams.events.envelope import encode
from streams.events.event import Event, Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayStarted,
    Usage,
    analysis_id,
    request_id,
)
from streams.events.prompts import Prompt, PromptActivated
from streams.events.record import Record
from streams.events.signals import (
    MentionAdded,
    MentionState,
    OutlookAdded,
    OutlookState,
    SignalAnalysis,
    SignalVideo,
    outlook_id,
    url_at,
)
from streams.events.videos import Video
from streams.log.publish import partition_of
from streams.log.topics import ANALYSES, destination

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
PROMPTS = tuple(
    Prompt(name=name, model=f"model-{name}", max_tokens=100, effort="low", words="Listen.", schema_version=1)
    for name in ("first", "second")
)


def video(number: int, **known: object) -> Video:
    """A video as it is known when it is found; `known` completes it."""
    return Video.model_validate(
        {
            "video_id": f"video-{number}",
            "url": f"https://youtube.example/watch?v=video-{number}",
            "channel_id": "channel-1",
            "origin": "poll",
            **known,
        }
    )


def at(minutes: float) -> datetime:
    """So many minutes into the story."""
    return START + timedelta(minutes=minutes)


def extracted(of: Video, revision: int = 1, *, minutes: float = 1) -> CaptionsExtracted:
    """Captions of two segments."""
    return CaptionsExtracted(
        at=at(minutes),
        video=of.model_copy(update={"title": f"Title, revision {revision}", "channel_title": "The Channel"}),
        captions_id=captions_id(of.video_id, revision),
        revision=revision,
        attempt=1,
        source="captions_auto",
        language="en",
        texts=("I am buying in video", "and I sell the rest"),
        starts_ms=(61_500, 64_000),
        ends_ms=(64_000, 66_000),
        words=9,
    )


def unavailable(of: Video, attempt: int, next_try_at: datetime | None) -> CaptionsUnavailable:
    """A try without captions."""
    return CaptionsUnavailable(
        at=at(attempt),
        video=of,
        revision=1,
        attempt=attempt,
        tries=attempt,
        reason="no captions",
        failure="permanent" if next_try_at is None else "later",
        starts_at=None,
        next_try_at=next_try_at,
    )


def asked_again(of: Video, attempt: int) -> CaptionsRequested:
    """Another try to take the captions."""
    return CaptionsRequested(at=at(attempt), video=of, revision=1, attempt=attempt, tries=0, cause="refresh")


def requested(
    of: Video, revision: int = 1, replay: UUID | None = None, again: int | None = None
) -> AnalysisRequested:
    """A request under the active prompt; `again`: its how-many-th repetition."""
    captions = captions_id(of.video_id, revision)
    return AnalysisRequested(
        at=at(2),
        request_id=request_id(captions, None, replay, again),
        video_id=of.video_id,
        captions_id=captions,
        captions_at=Position(partition=0, offset=0),
        lane="live" if replay is None else "replay",
        prompt_id=None,
        replay_id=replay,
        again=again,
    )


def reserved(
    request: AnalysisRequested, prompt: Prompt, attempt_id: UUID, attempt: int = 1, usd: str = "0.5"
) -> BudgetReserved:
    """A claim that is held for 150 s."""
    return BudgetReserved(
        at=at(3),
        attempt_id=attempt_id,
        request_id=request.request_id,
        analysis_id=analysis_id(request.captions_id, prompt.prompt_id, request.again),
        prompt_id=prompt.prompt_id,
        model=prompt.model,
        max_tokens=prompt.max_tokens,
        attempt=attempt,
        lane=request.lane,
        replay_id=request.replay_id,
        usd=Decimal(usd),
        cap_usd=Decimal(5),
        lane_cap_usd=Decimal(5),
        hold_s=150,
    )


def settled(
    claim: BudgetReserved,
    outcome: str,
    usd: str,
    usage: Usage | None = None,
    retry_at: datetime | None = None,
    *,
    granted: bool | None = None,
) -> BudgetSettled:
    """What came of a claim."""
    return BudgetSettled.model_validate(
        {
            "at": at(4),
            "attempt_id": claim.attempt_id,
            "analysis_id": claim.analysis_id,
            "outcome": outcome,
            "usd": Decimal(usd),
            "usage": usage,
            "retry_at": retry_at,
            "granted": granted,
        }
    )


def completed(
    of: Video,
    prompt: Prompt,
    attempt_id: UUID,
    revision: int = 1,
    *,
    symbols: Iterable[str] = ("NVDA",),
    again: int | None = None,
    paid: bool | None = None,
) -> AnalysisCompleted:
    """An answer with a grounded mention a symbol, the first of them `paid`, and a rejected one."""
    captions = captions_id(of.video_id, revision)
    mentions = [
        Mention(
            mention_id=mention_id(of.video_id, symbol, 0),
            symbol=symbol,
            said_as="in video",
            listed=None,
            action="buy",
            conviction=0.15,
            time_horizon="months",
            quote="I am buying [Music] in video",
            line=1,
            start_ms=61_500,
            end_ms=64_000,
            rejected=None,
        )
        for symbol in symbols
    ]
    ungrounded = {"mention_id": None, "start_ms": None, "end_ms": None, "rejected": "quote_not_in_transcript"}
    invented = mentions[0].model_copy(update=ungrounded)
    mentions[0] = mentions[0].model_copy(update={"paid": paid})
    return AnalysisCompleted(
        at=at(5),
        analysis_id=analysis_id(captions, prompt.prompt_id, again),
        attempt_id=attempt_id,
        video=of.model_copy(update={"title": "Title", "channel_title": "The Channel"}),
        captions_id=captions,
        captions_revision=revision,
        captions_at=Position(partition=0, offset=0),
        lane="live",
        replay_id=None,
        prompt_id=prompt.prompt_id,
        prompt=prompt.name,
        model=prompt.model,
        lines_version=1,
        grounding_version=1,
        raw_answer="{}",
        usage=Usage(input_tokens=1000, output_tokens=100),
        usd=Decimal("0.0045"),
        outlook=Outlook(direction="bullish", reasoning="chips"),
        themes=("rates",),
        risks=(),
        summary=f"by {prompt.name}",
        mentions=(*mentions, invented),
    )


def failed(
    of: Video,
    prompt: Prompt,
    attempt_id: UUID | None,
    revision: int = 1,
    *,
    final: bool,
    lane: str = "live",
    again: int | None = None,
) -> AttemptFailed | AnalysisFailed:
    """An attempt that brought nothing; `final`: none follows."""
    captions = captions_id(of.video_id, revision)
    return (AnalysisFailed if final else AttemptFailed).model_validate(
        {
            "at": at(5),
            "analysis_id": analysis_id(captions, prompt.prompt_id, again),
            "attempt_id": attempt_id,
            "video": of,
            "captions_id": captions,
            "lane": lane,
            "replay_id": None,
            "prompt_id": prompt.prompt_id,
            "model": prompt.model,
            "outcome": "invalid_answer",
            "reason": "no JSON in the answer",
            "raw_answer": "so",
            "usage": None,
            "usd": Decimal(0),
        }
    )


def activated(prompt: Prompt, activation: int, previous: int | None) -> list[PromptActivated]:
    """An activation and its markers."""
    fact = PromptActivated(at=at(activation), prompt_id=prompt.prompt_id, previous=previous)
    return [
        fact,
        *(
            fact.model_copy(update={"activation": activation, "partition": partition})
            for partition in range(ANALYSES.partitions)
        ),
    ]


def signals(answer: AnalysisCompleted, revision: int = 1) -> list[Event]:
    """What is published of an answer."""
    of = answer.video
    frame = {
        "at": answer.at,
        "revision": revision,
        "cause": "live",
        "activation": 0,
        "video": SignalVideo(**of.model_dump(exclude={"url", "origin"})),
        "analysis": SignalAnalysis(
            analysis_id=answer.analysis_id,
            prompt=answer.prompt,
            prompt_id=answer.prompt_id,
            model=answer.model,
        ),
    }
    mentions = [
        MentionAdded.model_validate(
            {
                **frame,
                "mention_id": mention.mention_id,
                "mention": MentionState(
                    url=url_at(of.url, mention.start_ms),
                    **mention.model_dump(include=set(MentionState.model_fields)),
                ),
            }
        )
        for mention in answer.mentions
        if mention.start_ms is not None
    ]
    outlook = OutlookState(
        **answer.outlook.model_dump(), themes=answer.themes, risks=answer.risks, summary=answer.summary or ""
    )
    return [
        *mentions,
        OutlookAdded.model_validate({**frame, "outlook_id": outlook_id(of.video_id), "outlook": outlook}),
    ]


def record(event: Event, offset: int, timestamp_ms: int = START_MS) -> Record:
    """`event` as it stands in the log."""
    message = encode(event)
    topic, partition = destination(event)
    if partition is None:
        partition = partition_of(event.key, topic.partitions)
    return Record(topic.name, partition, offset, timestamp_ms, message.key, message.headers, message.value)


def event_of(entry: Entry, *, usage: Usage | None = None, granted: bool | None = None) -> Event:
    """`entry` as the whole event that the ledger's fold reads it from; `usage`, `granted`: of a settlement."""
    body = msgspec.to_builtins(entry, builtin_types=(UUID, Decimal))
    match entry:
        case Request():
            return AnalysisRequested.model_validate({"at": START, **body})
        case Claim():
            return BudgetReserved.model_validate({"at": START, **body})
        case Settlement():
            return BudgetSettled.model_validate({"at": START, **body, "usage": usage, "granted": granted})
        case Replay():
            return ReplayStarted.model_validate(
                {"at": START, **body, "filter": {}, "seed": 7, "captions_ends": ()}
            )
        case Cancellation():
            return ReplayCancelled.model_validate({"at": START, **body})
