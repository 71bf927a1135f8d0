"""Random histories of the small world, and the ways in which a reader of the log may meet them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from random import Random
from uuid import UUID

from projections.ingest import Place
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.event import Event
from streams.events.ledger import (
    AnalysisRequested,
    ReplayCancelled,
    ReplayFilter,
    ReplayStarted,
    Usage,
)
from streams.events.prompts import Prompt, PromptRegistered
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from tests.builders.read_model_world import (
    PROMPTS,
    START_MS,
    activated,
    asked_again,
    at,
    completed,
    extracted,
    failed,
    record,
    requested,
    reserved,
    settled,
    signals,
    unavailable,
    video,
)


def history(random: Random, videos: int) -> list[Event]:
    """A random history: what happens to each video, in the order it happens; facts may be told twice."""
    events: list[Event] = [
        ChannelFollowed(at=at(0), channel_id="channel-1", handle="@one", title=None, since=None),
        ChannelScanned(at=at(0), channel_id="channel-1", tab="videos", since=at(-9), complete=True),
        *(PromptRegistered(at=at(0), prompt_id=prompt.prompt_id, prompt=prompt) for prompt in PROMPTS),
    ]
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
    # Each activation comes when it comes, and its markers with it: before any answer, between two, or after the last.
    places = sorted((random.randrange(5, len(events) + 1) for _ in range(random.randrange(4))), reverse=True)
    for number, place in reversed(list(enumerate(reversed(places), 2))):
        events[place:place] = activated(random.choice(PROMPTS), number, number - 1 if number > 2 else None)
    events += [
        ChannelUnfollowed(at=at(9), channel_id="channel-1"),
        DeadLettered.of(
            at=at(9), topic="videos", partition=1, offset=2, key=b"k", value=b"v", headers=(), handler="x",
            error="boom", attempt=1,
        ),
        DeadLettered.of(
            at=at(9), topic="captions", partition=1, offset=3, key=b"video-0", value=None, headers=(), handler="x",
            error="boom", attempt=1,
        ),
        DeadLetterRetried(at=at(9), letter=random.randrange(2), partition=1, offset=4),
    ]  # fmt: skip
    return [*events, *random.choices(events, k=random.randrange(6))]


def _life(random: Random, of: Video, replay: UUID) -> Iterable[Event]:
    yield VideoDiscovered(at=at(0), video=of)
    if random.random() < 0.4:
        yield unavailable(of, 1, random.choice([at(60), None]))
        if random.random() < 0.5:
            yield asked_again(of, random.randrange(1, 4))
    for revision in range(1, random.randrange(1, 4)):
        yield extracted(of, revision)
        for prompt in PROMPTS:
            request = requested(of, revision, random.choice([None, replay]))
            yield request
            for attempt in range(1, random.randrange(1, 4)):
                yield from _attempt(random, of, prompt, request, attempt, revision)
            if request.replay_id is None and random.random() < 0.4:
                repeated = requested(of, revision, again=random.randrange(1, 3))
                yield repeated
                yield from _attempt(random, of, prompt, repeated, 1, revision)


def _attempt(
    random: Random, of: Video, prompt: Prompt, request: AnalysisRequested, attempt: int, revision: int
) -> Iterable[Event]:
    claim, again = reserved(request, prompt, UUID(int=random.getrandbits(128)), attempt), request.again
    usage = Usage(input_tokens=random.randrange(9), output_tokens=3, cache_read_input_tokens=1)
    granted = random.choice([True, True, None])
    yield claim
    match random.randrange(8):
        case 0:
            yield settled(claim, "not_called", "0", granted=random.choice([True, False, None]))
        case 1:
            yield failed(of, prompt, claim.attempt_id, revision, final=False, lane=claim.lane, again=again)
            yield settled(claim, "retry", "0.1", usage, at(70), granted=granted)
        case 2:
            yield failed(of, prompt, claim.attempt_id, revision, final=True, lane=claim.lane, again=again)
            yield settled(claim, "failed", "0.5", granted=granted)
        case 3:
            yield failed(of, prompt, claim.attempt_id, revision, final=True, lane=claim.lane, again=again)
            yield settled(claim, "failed", "0", granted=False)
        case 4 | 5 | 6:
            answer = completed(
                of,
                prompt,
                claim.attempt_id,
                revision,
                symbols=random.sample(["NVDA", "ON", "T"], k=2),
                paid=random.choice([None, False, True]),
                again=again,
            )
            if random.random() < 0.3:
                answer = answer.model_copy(update={"partial": True, "usage": None, "summary": None})
            yield answer
            yield from signals(answer, revision)
            yield settled(claim, "completed", "0.0045", usage, granted=granted)


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
    return replace(like, offset=offset, timestamp_ms=timestamp_ms, headers=headers, value=value)


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
