"""A small world told in Earmark's own events, laid out as the log has it: for tests of the read model."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from projections.ingest import Place, Record
from streams.events.analyses import (
    AnalysisCompleted,
    AnalysisFailed,
    AttemptFailed,
    Mention,
    Outlook,
    mention_id,
)
from streams.events.captions import CaptionsExtracted, CaptionsUnavailable, captions_id
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered
from streams.events.envelope import encode
from streams.events.event import Event, Position
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
    Usage,
    analysis_id,
    request_id,
)
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
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
from streams.events.videos import Video, VideoDiscovered
from streams.log.topics import ANALYSES, destination, partition_of

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
        reason="no captions",
        failure="permanent" if next_try_at is None else "later",
        next_try_at=next_try_at,
    )


def requested(of: Video, revision: int = 1, replay: UUID | None = None) -> AnalysisRequested:
    """A request under the active prompt."""
    captions = captions_id(of.video_id, revision)
    return AnalysisRequested(
        at=at(2),
        request_id=request_id(captions, None, replay),
        video_id=of.video_id,
        captions_id=captions,
        captions_at=Position(partition=0, offset=0),
        lane="live" if replay is None else "replay",
        prompt_id=None,
        replay_id=replay,
    )


def reserved(
    request: AnalysisRequested, prompt: Prompt, attempt_id: UUID, attempt: int = 1, usd: str = "0.5"
) -> BudgetReserved:
    """A claim that is held for 150 s."""
    return BudgetReserved(
        at=at(3),
        attempt_id=attempt_id,
        request_id=request.request_id,
        analysis_id=analysis_id(request.captions_id, prompt.prompt_id),
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
        }
    )


def completed(
    of: Video, prompt: Prompt, attempt_id: UUID, revision: int = 1, *, symbols: Iterable[str] = ("NVDA",)
) -> AnalysisCompleted:
    """An answer with a grounded mention a symbol, and a rejected one."""
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
    invented = Mention.model_validate(
        {
            **mentions[0].model_dump(),
            "mention_id": None,
            "start_ms": None,
            "end_ms": None,
            "rejected": "quote_not_in_transcript",
        }
    )
    return AnalysisCompleted(
        at=at(5),
        analysis_id=analysis_id(captions, prompt.prompt_id),
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
) -> AttemptFailed | AnalysisFailed:
    """An attempt that brought nothing; `final`: none follows."""
    captions = captions_id(of.video_id, revision)
    return (AnalysisFailed if final else AttemptFailed).model_validate(
        {
            "at": at(5),
            "analysis_id": analysis_id(captions, prompt.prompt_id),
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
                    **mention.model_dump(exclude={"mention_id", "line", "rejected"}),
                ),
            }
        )
        for mention in answer.mentions
        if mention.start_ms is not None
    ]
    outlook = OutlookState(
        **answer.outlook.model_dump(), themes=answer.themes, risks=answer.risks, summary=answer.summary
    )
    return [
        *mentions,
        OutlookAdded.model_validate({**frame, "outlook_id": outlook_id(of.video_id), "outlook": outlook}),
    ]


def history(random: Random, videos: int) -> list[Event]:
    """A random history: what happens to each video, in the order it happens; facts may be told twice."""
    events: list[Event] = [
        ChannelFollowed(at=at(0), channel_id="channel-1", handle="@one", title=None, since=None),
        ChannelScanned(at=at(0), channel_id="channel-1", tab="videos", since=at(-9), complete=True),
        *(PromptRegistered(at=at(0), prompt_id=prompt.prompt_id, prompt=prompt) for prompt in PROMPTS),
    ]
    previous = None
    for activation in range(2, 2 + random.randrange(4)):
        events += activated(random.choice(PROMPTS), activation, previous)
        previous = activation
    replay = UUID(int=random.getrandbits(128))
    events += [
        ReplayStarted(
            at=at(0),
            replay_id=replay,
            prompt_id=PROMPTS[1].prompt_id,
            filter=ReplayFilter(since=at(-99)),
            seed=7,
            share=0.5,
            max_usd=Decimal(1),
            follow=False,
            captions_ends=(3, 4),
        ),
        ReplayCancelled(at=at(9), replay_id=replay),
    ]
    for number in range(videos):
        events += _life(random, video(number), replay)
    events += [
        ChannelUnfollowed(at=at(9), channel_id="channel-1"),
        DeadLettered.of(
            at=at(9), topic="videos", partition=1, offset=2, key=b"k", value=b"v", headers=(), handler="x",
            error="boom", attempt=1,
        ),
    ]  # fmt: skip
    return [*events, *random.choices(events, k=random.randrange(6))]


def _life(random: Random, of: Video, replay: UUID) -> Iterable[Event]:
    yield VideoDiscovered(at=at(0), video=of)
    if random.random() < 0.4:
        yield unavailable(of, 1, random.choice([at(60), None]))
    for revision in range(1, random.randrange(1, 4)):
        yield extracted(of, revision)
        for prompt in PROMPTS:
            request = requested(of, revision, random.choice([None, replay]))
            yield request
            for attempt in range(1, random.randrange(1, 4)):
                yield from _attempt(random, of, prompt, request, attempt, revision)


def _attempt(
    random: Random, of: Video, prompt: Prompt, request: AnalysisRequested, attempt: int, revision: int
) -> Iterable[Event]:
    claim = reserved(request, prompt, UUID(int=random.getrandbits(128)), attempt)
    usage = Usage(input_tokens=random.randrange(9), output_tokens=3, cache_read_input_tokens=1)
    yield claim
    match random.randrange(6):
        case 0:
            yield settled(claim, "not_called", "0")
        case 1:
            yield failed(of, prompt, claim.attempt_id, revision, final=False, lane=claim.lane)
            yield settled(claim, "retry", "0.1", usage, at(70))
        case 2:
            yield failed(of, prompt, claim.attempt_id, revision, final=True, lane=claim.lane)
            yield settled(claim, "failed", "0.5", None)
        case 3 | 4:
            answer = completed(
                of, prompt, claim.attempt_id, revision, symbols=random.sample(["NVDA", "ON", "T"], k=2)
            )
            yield answer
            yield from signals(answer, revision)
            yield settled(claim, "completed", "0.0045", usage)


def record(event: Event, offset: int, timestamp_ms: int = START_MS) -> Record:
    """`event` as it stands in the log."""
    message = encode(event)
    topic, partition = destination(event)
    if partition is None:
        partition = partition_of(event.key, topic.partitions)
    return Record(topic.name, partition, offset, timestamp_ms, message.headers, message.value)


def log_of(events: Iterable[Event], random: Random | None = None) -> dict[Place, list[Record]]:
    """The events by topic partition. With `random`, the broker's clock is uneven, runs back, and broken records stand between."""
    log: dict[Place, list[Record]] = defaultdict(list)
    clock_ms = START_MS
    for event in events:
        first = record(event, 0)
        records = log[Place(first.topic, first.partition)]
        if random is not None:
            clock_ms += random.randrange(-20_000, 60_000)
            if random.random() < 0.1:
                records.append(_broken(random, first, len(records), clock_ms))
        records.append(record(event, len(records), clock_ms))
    return log


def _broken(random: Random, like: Record, offset: int, timestamp_ms: int) -> Record:
    headers, value = random.choice(
        [
            (like.headers, b"{"),
            (like.headers, b"\xff\xfe"),
            (like.headers, b"[]"),
            (like.headers, b'{"video": 3}'),
            (like.headers, None),
            ([], like.value),
            ([*[pair for pair in like.headers if pair[0] != "ce_type"], ("ce_type", b"Unheard")], like.value),
            ([("ce_type", b"\xff")], b"\x00"),
        ]
    )
    return like._replace(offset=offset, timestamp_ms=timestamp_ms, headers=headers, value=value)


def in_order(log: Mapping[Place, list[Record]]) -> list[Record]:
    """One partition after the other."""
    return [record for place in sorted(log) for record in log[place]]


def interleaved(log: Mapping[Place, list[Record]], random: Random) -> list[list[Record]]:
    """Batches of any size that go through the partitions in any order; some are delivered again."""
    left = {place: list(records) for place, records in log.items()}
    batches: list[list[Record]] = []
    while left:
        batch: list[Record] = []
        for _ in range(random.randrange(1, 12)):
            if not left:
                break
            place = random.choice(sorted(left))
            taken = random.randrange(1, 9)
            batch += left[place][:taken]
            left[place] = left[place][taken:]
            if not left[place]:
                del left[place]
        batches.append(batch)
        if random.random() < 0.2:
            batches.append(random.choice(batches))
    return batches
