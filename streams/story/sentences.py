"""What each event says of its video, in a sentence: pure, and exhaustive over the catalogue."""

from collections import Counter
from datetime import datetime
from typing import assert_never, cast

from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.channels import ChannelFollowed, ChannelScanned, ChannelUnfollowed
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.evaluations import EvaluationAttempted, TranscriptGiven
from streams.events.ledger import (
    AnalysisRequested,
    BudgetReserved,
    BudgetSettled,
    ReplayCancelled,
    ReplayStarted,
)
from streams.events.prompts import PromptActivated, PromptRegistered
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
)
from streams.events.videos import Video, VideoDiscovered
from streams.story.published import published
from streams.story.record import Story, Told
from streams.story.words import count, minute, sentence, usd

AnyEvent = (
    ChannelFollowed
    | ChannelScanned
    | ChannelUnfollowed
    | VideoDiscovered
    | CaptionsRequested
    | CaptionsExtracted
    | CaptionsUnavailable
    | AnalysisRequested
    | BudgetReserved
    | BudgetSettled
    | ReplayStarted
    | ReplayCancelled
    | AnalysisCompleted
    | AttemptFailed
    | AnalysisFailed
    | TranscriptGiven
    | EvaluationAttempted
    | PromptRegistered
    | PromptActivated
    | MentionAdded
    | MentionChanged
    | MentionRetracted
    | OutlookAdded
    | OutlookChanged
    | OutlookRetracted
    | DeadLettered
    | DeadLetterRetried
)
"""The catalogue as a type: a test holds it to EVENT_TYPES, and mypy holds the sentences to it."""


def say(told: Told, story: Story, now: datetime) -> str:
    """What a record says of the story's video at `now`."""
    if told.event is None:
        return (
            f"a message that cannot be read ({told.unreadable}), which counts for nothing:"
            f" {told.record.topic}[{told.record.partition}]@{told.offset}"
        )
    said = _say(cast("AnyEvent", told.event), told, story, now)
    return f"told once more, which changes nothing: {said}" if told.again else said


def _say(event: AnyEvent, told: Told, story: Story, now: datetime) -> str:  # noqa: C901, PLR0911, PLR0912  a sentence a type
    match event:
        case ChannelFollowed():
            reach = "from then on" if event.since is None else f"since {event.since:%Y-%m-%d}"
            return f"the channel {event.title or event.channel_id} was followed, {reach}"
        case ChannelScanned():
            how = "all of it" if event.complete else "a part of it"
            return f"the channel's {event.tab} tab was walked back to {event.since:%Y-%m-%d}, {how}"
        case ChannelUnfollowed():
            return "the channel was unfollowed; what is in the log stays"
        case VideoDiscovered():
            return _discovered(event.video)
        case CaptionsRequested():
            who = "watch asked" if event.cause == "retry" else "a person asked"
            return f"{who} for its captions again: {_try(event.revision, event.attempt)}"
        case TranscriptGiven():
            return f"the words of gold video {event.video.video_id} were put into the log"
        case CaptionsExtracted():
            return _extracted(event)
        case CaptionsUnavailable():
            return f"{_try(event.revision, event.attempt)} brought no captions: {_unavailable(event)}"
        case AnalysisRequested():
            return _requested(event, story)
        case BudgetReserved():
            return _reserved(event, story, now)
        case BudgetSettled():
            return _settled(event, story)
        case ReplayStarted():
            return (
                f"replay {_short(event.replay_id)} of history under prompt {story.prompt(event.prompt_id)} began,"
                f" for {usd(event.max_usd)} at most"
            )
        case ReplayCancelled():
            why = "by a person" if event.reason is None else f"by Earmark: {sentence(event.reason)}"
            return f"replay {_short(event.replay_id)} was cancelled {why}"
        case AnalysisCompleted():
            return _completed(event, told, story)
        case AttemptFailed():
            more = "; Claude answered nobody, so no attempt is used up" if event.unanswered else ""
            return f"the call failed ({event.outcome}): {sentence(event.reason)}; {_charged(event)}{more}"
        case AnalysisFailed():
            of_replay = (
                "" if event.lane != "replay" else "; that was a replay's, and says nothing of the video"
            )
            return (
                f"its analysis under prompt {story.prompt(event.prompt_id)} failed for good ({event.outcome}):"
                f" {sentence(event.reason)}; {_charged(event)}{of_replay}"
            )
        case EvaluationAttempted():
            why = "" if event.reason is None else f": {sentence(event.reason)}"
            return f"an evaluation's call about {event.video_id} ended as {event.outcome}{why}; {usd(event.usd)} was charged"
        case PromptRegistered():
            return f"prompt {event.prompt.name} was registered"
        case PromptActivated():
            effect = ", and its analysis became the current one" if told.offset in story.switches else ""
            return f"prompt {story.prompt(event.prompt_id)} was activated{effect}"
        case (
            MentionAdded()
            | MentionChanged()
            | MentionRetracted()
            | OutlookAdded()
            | OutlookChanged()
            | OutlookRetracted()
        ):
            return f"published: {published(event)}"
        case DeadLettered():
            return (
                f"{event.handler} could not handle {event.topic}[{event.partition}]@{event.offset}"
                f" ({count(event.attempt, 'try', 'tries')}): {sentence(event.error)}; it is dead letter {told.offset}"
            )
        case DeadLetterRetried():
            return f"a person had dead letter {event.letter} handled again, at [{event.partition}]@{event.offset}"
        case _:
            assert_never(event)


def _discovered(video: Video) -> str:
    published = "" if video.published_at is None else f", published {minute(video.published_at)}"
    channel = video.channel_title or video.channel_id or "its channel"
    match video.origin:
        case "poll":
            return f"watch found it on {channel}{published}"
        case "backfill":
            return f"watch found it among the older videos of {channel}{published}"
        case "asked":
            return "a person asked for it by name"
        case _:
            assert_never(video.origin)


def _try(revision: int, attempt: int) -> str:
    return f"try {attempt}" if revision == 1 else f"try {attempt} at revision {revision}"


def _extracted(event: CaptionsExtracted) -> str:
    what = (
        "its captions were taken"
        if event.revision == 1
        else f"its captions were corrected, revision {event.revision}"
    )
    source = "written by a person" if event.source == "captions_manual" else "automatic"
    spoken = {"yes": ", as it was spoken", "no": ", a translation", "unknown": ""}[event.original]
    return f"{what}: {count(event.words, 'word')} in {event.language}{spoken}, {source} (try {event.attempt})"


def _unavailable(event: CaptionsUnavailable) -> str:
    reason = sentence(event.reason)
    if event.next_try_at is None:
        return f"{reason}; that is final"
    if event.failure == "soon":
        return f"{reason}; YouTube refuses, which says nothing of the video, so no try is used up"
    start = "" if event.starts_at is None else f"; it starts {minute(event.starts_at)}"
    return f"{reason}{start}; the next try is at {minute(event.next_try_at)}"


def _requested(event: AnalysisRequested, story: Story) -> str:
    under = "the active prompt" if event.prompt_id is None else f"prompt {story.prompt(event.prompt_id)}"
    room = ", with more room for the answer" if event.more_room else ""
    if event.replay_id is not None:
        return f"replay {_short(event.replay_id)} asked for its analysis under {under}"
    if event.again is not None:
        return f"a person asked for its analysis again, repetition {event.again}, in lane {event.lane}{room}"
    return f"its analysis was requested under {under}, in lane {event.lane}"


def _reserved(event: BudgetReserved, story: Story, now: datetime) -> str:
    said = (
        f"attempt {event.attempt} reserved {usd(event.usd)} of lane {event.lane} for a call to {event.model} under"
        f" prompt {story.prompt(event.prompt_id)}"
    )
    attempt = story.attempts.get(event.attempt_id)
    if attempt is None:
        return said
    if attempt.is_denied:
        return f"{said}, and the ledger denied it"
    if attempt.settled is not None and not attempt.is_late:
        return said
    if attempt.state(now) == "open":
        return f"{said}, held until {attempt.deadline:%H:%M:%S}"
    return (
        f"{said}; it expired at {attempt.deadline:%H:%M:%S} without an outcome, and all of it stays charged"
    )


def _settled(event: BudgetSettled, story: Story) -> str:
    attempt = story.attempts.get(event.attempt_id)
    name = "an attempt" if attempt is None else f"attempt {attempt.claim.attempt}"
    if attempt is not None and attempt.is_late:
        return f"{name} was settled after it had expired ({event.outcome}): {usd(attempt.claim.usd)} stays charged"
    if event.outcome == "not_called" and event.usd == 0:
        return f"{name} made no call: nothing is charged"
    match event.outcome:
        case "completed":
            result = "was answered"
        case "retry":
            again = (
                ""
                if event.retry_at is None
                else f", and another follows from {event.retry_at:%H:%M:%S} UTC on"
            )
            result = f"failed{again}"
        case "failed":
            result = "failed, and none follows"
        case "not_called":
            result = "has no answer, and is not counted"
        case _:
            assert_never(event.outcome)
    if event.usage is not None:
        tokens = f"{event.usage.prompt_tokens:,} tokens read, {event.usage.output_tokens:,} written"
        return f"{name} {result}: {usd(event.usd)} billed ({tokens})"
    if event.usd > 0:
        return f"{name} {result}: its bill is unknown, so {usd(event.usd)} stays charged"
    return f"{name} {result}: nothing is charged"


def _completed(event: AnalysisCompleted, told: Told, story: Story) -> str:
    calls = [f"{mention.action} {mention.symbol}" for mention in event.mentions if mention.rejected is None]
    rejected = Counter(mention.rejected for mention in event.mentions if mention.rejected is not None)
    parts = [count(len(calls), "call") + (f" ({', '.join(calls)})" if calls else "")]
    if rejected:
        reasons = ", ".join(reason.replace("_", " ") for reason in rejected)
        parts.append(f"{rejected.total()} not grounded ({reasons})")
    if event.outlook is not None:
        parts.append(f"the market {event.outlook.direction}")
    cut = "a cut answer (its whole calls count)" if event.partial else "an answer"
    replay = "" if event.replay_id is None else f" for replay {_short(event.replay_id)}"
    return f"{event.model} gave {cut} under prompt {event.prompt}{replay}: {', '.join(parts)}; {usd(event.usd)}{_currency(told, story)}"


def _currency(told: Told, story: Story) -> str:
    """Whether an analysis was the current one from its first moment on."""
    if told.again or told.offset in story.switches:
        return ""
    if any(switch.current == told.offset for switch in story.switches.values()):
        return "; it waited for its prompt to be activated"
    return "; it is not the current one" if story.switches else "; it waits for its prompt to be activated"


def _charged(event: AttemptFailed | AnalysisFailed) -> str:
    return f"{usd(event.usd)} is charged" if event.usd else "nothing is charged"


def _short(replay_id: object) -> str:
    return str(replay_id)[:8]
