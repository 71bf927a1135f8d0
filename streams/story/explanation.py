"""The whole answer to "what about this video?": pure, as values for JSON and as lines for people."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from streams.bulletin import OF_CLAUDE, Kind, Trouble
from streams.events.text import printable
from streams.story.record import Attempt, Story
from streams.story.sentences import say
from streams.story.standing import Standing, standing
from streams.story.words import count, minute, sentence, span, usd

_INDENT = 26
_OF_ALL: frozenset[Kind] = frozenset({"kafka-away", "disk-full", "process-ends"})


@dataclass(frozen=True)
class Line:
    """A record: when the log took it, how many seconds after the one before, where it stands, and what it says."""

    at: datetime
    after_s: float | None
    topic: str
    partition: int
    offset: int
    type: str | None
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """`status` null: the video is not in the log, and `notes` says why. `charged_usd`: by all its attempts so far.

    `status`, `waits_for`, `reason`, `next_try_at`, `next_step`: as in `video_status`. `notes`: what else bears on it.
    """

    video_id: str
    url: str
    title: str | None
    channel_id: str | None
    channel: str | None
    published_at: datetime | None
    status: str | None
    waits_for: str | None
    reason: str | None
    next_try_at: datetime | None
    next_step: str | None
    charged_usd: Decimal
    story: Sequence[Line]
    notes: Sequence[str]


def explain(story: Story, row: Standing | None, notes: Sequence[str], url: str, now: datetime) -> Explanation:
    """The story as it stands at `now`; `row`: of `video_status`, where that has read all of it."""
    video = story.video
    status = row or (standing(story, now) if story.is_known else None)
    return Explanation(
        video_id=story.video_id,
        url=url,
        title=None if video is None else video.title,
        channel_id=None if video is None else video.channel_id,
        channel=None if video is None else video.channel_title,
        published_at=None if video is None else video.published_at,
        status=None if status is None else status.status,
        waits_for=None if status is None else status.waits_for,
        reason=None if status is None else status.reason,
        next_try_at=None if status is None else status.next_try_at,
        next_step=None if status is None else status.next_step,
        charged_usd=sum((charged(attempt, now) for attempt in story.attempts.values()), Decimal(0)),
        story=list(_lines(story, now)),
        notes=list(notes),
    )


def held_up(waits_for: str | None, troubles: Iterable[Trouble], now: datetime) -> list[str]:
    """What keeps Earmark from what a video waits for; of YouTube watch speaks for itself."""
    of_claude = waits_for in {"analyst", "call", "provider", "money", "prompt"}
    return [
        trouble.sentence(now)
        for trouble in troubles
        if (of_claude and trouble.kind in OF_CLAUDE) or (waits_for is not None and trouble.kind in _OF_ALL)
    ]


def charged(attempt: Attempt, now: datetime) -> Decimal:
    """US dollars that an attempt is charged, as in the read model's `attempts`."""
    settled = attempt.claim.usd if attempt.settled is None or attempt.is_late else attempt.settled.usd
    return Decimal(0) if attempt.state(now) == "not_called" else settled


def _lines(story: Story, now: datetime) -> Iterator[Line]:
    before: datetime | None = None
    for told in story.shown:
        yield Line(
            at=told.at,
            after_s=None if before is None else max((told.at - before).total_seconds(), 0.0),
            topic=told.record.topic,
            partition=told.record.partition,
            offset=told.offset,
            type=told.record.type,
            sentence=say(told, story, now),
        )
        before = told.at


def as_text(found: Explanation, width: int, now: datetime) -> str:
    """For people, in lines of at most `width` columns where words allow."""
    lines = [*_head(found), "", *_now(found, now), *(f"- {note}" for note in found.notes)]
    wrapped = [part for line in lines for part in _wrap(line, width, "  " if line.startswith("- ") else "")]
    return "\n".join([*wrapped, *_told(found, width)])


def _head(found: Explanation) -> Iterator[str]:
    yield f"{found.video_id}{'' if found.title is None else f'  “{found.title}”'}"
    channel = found.channel or found.channel_id
    published = None if found.published_at is None else f"published {minute(found.published_at)}"
    yield "  ".join(part for part in (channel, published, found.url) if part is not None)


def _now(found: Explanation, now: datetime) -> Iterator[str]:
    if found.status is None:
        yield "It is not in the log:"
        return
    waits = (
        "" if found.waits_for is None else f", and waits for {_WAITS.get(found.waits_for, found.waits_for)}"
    )
    reason = "" if found.reason is None else f": {sentence(found.reason)}"
    yield f"It is {found.status}{waits}{reason}."
    if found.next_try_at is not None and found.next_try_at > now:
        yield f"The next try is at {minute(found.next_try_at)}, in {span(found.next_try_at - now)}."
    elif found.next_try_at is not None:
        yield f"The next try is due since {minute(found.next_try_at)}."
    if found.next_step is not None:
        yield f"What follows: {found.next_step}."
    if found.charged_usd:
        yield f"It has cost {usd(found.charged_usd)} so far."


_WAITS = {
    "worker": "the worker",
    "captions": "its captions",
    "youtube": "YouTube, which refuses",
    "dead_letter": "a person: a message of it is a dead letter",
    "prompt": "a prompt to be activated",
    "analyst": "the analyst",
    "money": "money",
    "call": "Claude",
    "provider": "Claude, which did not answer",
    "answer": "its answer to be read",
}


def _told(found: Explanation, width: int) -> Iterator[str]:
    day = None
    for line in found.story:
        if day != line.at.date():
            day = line.at.date()
            yield f"\n{day} UTC"
        after = "" if line.after_s is None else f"+{span(timedelta(seconds=line.after_s))}"
        head = f"  {line.at:%H:%M:%S}  {after}".ljust(_INDENT - 1) + " "
        yield from _wrap(head + line.sentence, width, " " * _INDENT)
    if found.story:
        yield f"\n{count(len(found.story), 'record')} in the log"


def _wrap(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        printable(text), width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
