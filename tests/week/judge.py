"""What became of a simulated scenario: the table of arrivals, and every promise that was broken."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from streams.captions.schedule import MARGIN, ON_AIR
from streams.discovery.throttle import JITTER, LAST_PROBE
from streams.events.captions import CaptionsExtracted, CaptionsUnavailable
from tests.week.scenario import DAY, LINES, MONDAY, SPOKEN, Block, Truth
from tests.week.simulation import STRIDE, Simulation

SLACK = 1.2


@dataclass(frozen=True)
class Drain:
    """After a block: how many waited, when the first was taken, and how long until all were that could be."""

    block: Block
    backlog: int
    taken: int
    noticed_after: timedelta
    drained_in: timedelta
    allowed: timedelta


def broken_promises(played: Simulation) -> Iterator[str]:
    """Each promise that was broken, as a sentence."""
    story = played.story
    yield from (f"{video_id} was asked for twice" for video_id in story.twice)
    for video_id, truth in played.scenario.truths.items():
        taken = story.taken.get(video_id)
        if taken is not None:
            yield from _falsified(taken, truth)
            continue
        last = [event for event in story.failed if event.video.video_id == video_id][-1:]
        why = last[0].reason if last else "never asked for" if video_id in story.discovered else "never found"
        yield f"{video_id} was not taken: {why}"
    for event in story.failed:
        video_id = event.video.video_id
        if event.next_try_at is None:
            yield f"{video_id} was given up: {event.reason}"
        if event.failure in ("soon", "not_yet") and event.tries != _tries_before(played, event):
            yield f"{video_id} lost a try to {event.reason}"
    for drain in drains(played):
        if drain.noticed_after > LAST_PROBE * (1 + JITTER) + STRIDE:
            yield f"the end of {drain.block.name} was noticed after {drain.noticed_after}"
        if drain.drained_in > drain.allowed:
            yield f"after {drain.block.name} {drain.backlog} videos took {drain.drained_in}, not {drain.allowed}"


def _falsified(taken: CaptionsExtracted, truth: Truth) -> Iterator[str]:
    video = taken.video
    if taken.language != SPOKEN or not all(text.startswith(SPOKEN) for text in taken.texts):
        yield f"{video.video_id} has words that nobody said: {taken.language}, {taken.texts[0]}"
    if len(taken.texts) != LINES:
        yield f"{video.video_id} has {len(taken.texts)} lines instead of {LINES}"
    if (video.published_at, video.published_precision) != (truth.aired_at, "second"):
        yield f"{video.video_id} aired at {truth.aired_at} and not at {video.published_at}"
    if video.origin != "poll":
        yield f"{video.video_id} is {video.origin}, though it aired after its channel was followed"


def _tries_before(played: Simulation, failed: CaptionsUnavailable) -> int:
    requests = [
        request.tries_before
        for request in played.story.requested
        if (request.video.video_id, request.attempt) == (failed.video.video_id, failed.attempt)
    ]
    return requests[0] if requests else 0


def drains(played: Simulation) -> list[Drain]:
    """How each block's backlog was taken: of what was due by its end and not taken before it."""
    found: list[Drain] = []
    story = played.story
    for block in played.scenario.blocks:
        waited = [
            taken.at
            for video_id, taken in played.story.taken.items()
            if _due_at(played.scenario.truths[video_id]) <= block.ends <= taken.at
        ]
        first = min(taken.at for taken in played.story.taken.values() if taken.at >= block.ends)
        # What waits at that moment is asked for, whatever comes of it.
        asked = [
            video_id
            for channel in played.scenario.channels
            for video in channel.videos
            if video.listed_at <= first
            and (video_id := video.video_id) in story.discovered
            and (video_id not in story.taken or story.taken[video_id].at >= block.ends)
        ]
        pace = timedelta(minutes=len(asked) / played.pace.per_minute)
        found.append(
            Drain(
                block=block,
                backlog=len(asked),
                taken=len(waited),
                noticed_after=first - block.ends,
                drained_in=max(waited, default=first) - first,
                # The clock moves in strides: the last ones may be asked for at its next step.
                allowed=pace * SLACK + STRIDE,
            )
        )
    return found


def _due_at(truth: Truth) -> datetime:
    """Since when, at the latest, only YouTube's refusal keeps a video from being taken."""
    match truth.kind:
        case "member" | "late":  # these wait for days of their own
            return truth.free_at + timedelta(days=40)
        case "plain" | "dubbed" | "thrice" | "unmark" | "broken":
            return truth.free_at
        case _:  # a stream is asked for again while it is on air
            return truth.free_at + MARGIN + ON_AIR


def latencies(played: Simulation) -> list[timedelta]:
    """From upload (or announcement) to VideoDiscovered, where nothing paused watch meanwhile."""
    blocked = [(block.begins, block.ends + DAY / 2) for block in played.scenario.blocks]
    listed = {
        video.video_id: video.listed_at for channel in played.scenario.channels for video in channel.videos
    }
    return sorted(
        event.at - listed[video_id]
        for video_id, event in played.story.discovered.items()
        if listed[video_id] >= MONDAY
        and not any(begins <= event.at and listed[video_id] <= ends for begins, ends in blocked)
    )


def show(played: Simulation, console: Console) -> None:
    """Print the table of arrivals and what else there is to say."""
    story = played.story
    table = Table(title="arrivals by day", box=None)
    for name in (
        "day",
        "could be watched",
        "discovered",
        "taken",
        "refused",
        "not yet",
        "their own failures",
    ):
        table.add_column(name, justify="right")
    columns = (
        Counter((truth.free_at - MONDAY).days for truth in played.scenario.truths.values()),
        Counter((event.at - MONDAY).days for event in story.discovered.values()),
        Counter((event.at - MONDAY).days for event in story.taken.values()),
        Counter((event.at - MONDAY).days for event in story.failed if event.failure == "soon"),
        Counter((event.at - MONDAY).days for event in story.failed if event.failure == "not_yet"),
        Counter(
            (event.at - MONDAY).days for event in story.failed if event.failure not in ("soon", "not_yet")
        ),
    )
    for day in sorted(set().union(*columns)):
        table.add_row(str(day), *(str(column[day] or "") for column in columns))
    console.print(table)
    for drain in drains(played):
        console.print(
            f"{drain.block.name}: noticed {drain.noticed_after} after its end; of {drain.backlog} videos that waited"
            f" {drain.taken} could be taken, in {drain.drained_in} (allowed {drain.allowed})"
        )
    waits = latencies(played)
    if len(waits) > 1:
        cuts = quantiles(waits, n=20)
        console.print(f"upload to discovered, {len(waits)} videos: p50 {cuts[9]}, p95 {cuts[18]}")
    kinds = Counter(truth.kind for truth in played.scenario.truths.values())
    console.print(f"{len(played.scenario.truths)} videos, {len(story.taken)} taken; kinds: {dict(kinds)}")
