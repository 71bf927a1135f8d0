"""Where a video stands by its own records: what `video_status` says of it, from its story alone.

Two things need more of the log: whether the day's money is used up, and whether a prompt is active in other partitions, too.
What waits for those waits for the analyst here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streams.events.analyses import AnalysisFailed
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable
from streams.events.ledger import AnalysisRequested
from streams.events.prompts import PromptActivated
from streams.log.topics import ANALYSES, CAPTIONS, CAPTIONS_REQUESTS, VIDEOS
from streams.story.record import Attempt, Story

_PROVIDERS = ("provider_error", "unknown", "expired")
_OF_THE_VIDEO = (VIDEOS.name, CAPTIONS_REQUESTS.name, CAPTIONS.name, ANALYSES.name)


@dataclass(frozen=True)
class Standing:
    """As a row of `video_status`."""

    status: str
    waits_for: str | None = None
    reason: str | None = None
    next_try_at: datetime | None = None
    next_step: str | None = None


def standing(story: Story, now: datetime) -> Standing:
    """Where the story has brought its video at `now`."""
    if story.switches:
        return Standing("analysed")
    captions = _latest_captions(story)
    if captions is None:
        return _uncaptioned(story)
    failed = _failed_for_good(story, captions.captions_id)
    if failed is not None:
        return Standing("failed", reason=failed.reason)
    return _captioned(story, captions.captions_id, now)


def _uncaptioned(story: Story) -> Standing:
    failure = _latest_failure(story)
    is_over = failure is None or _followed_up(story, failure)
    if failure is not None and not is_over and failure.next_try_at is None:
        return Standing("failed", reason=failure.reason)
    since = None if failure is None else failure.at
    letter = _letter(
        story, {VIDEOS.name: since, CAPTIONS_REQUESTS.name: since, CAPTIONS.name: None, ANALYSES.name: None}
    )
    if letter is not None:
        return Standing("discovered", "dead_letter", letter)
    if failure is None:
        return Standing("discovered", "worker", "its captions were not taken yet")
    if is_over:
        return Standing("discovered", "worker", failure.reason)
    waits_for = "youtube" if failure.failure == "soon" else "captions"
    return Standing("discovered", waits_for, failure.reason, failure.next_try_at)


def _latest_captions(story: Story) -> CaptionsExtracted | None:
    taken = [event for _, event in story.of(CaptionsExtracted)]
    return max(taken, key=lambda event: event.revision, default=None)


def _latest_failure(story: Story) -> CaptionsUnavailable | None:
    tries = [event for _, event in story.of(CaptionsUnavailable)]
    return max(tries, key=lambda event: (event.revision, event.attempt), default=None)


def _followed_up(story: Story, failure: CaptionsUnavailable) -> bool:
    """Whether another try was requested since."""
    failed = (failure.revision, failure.attempt)
    return any((event.revision, event.attempt) > failed for _, event in story.of(CaptionsRequested))


def _failed_for_good(story: Story, captions_id: UUID) -> AnalysisFailed | None:
    """The failure that stands: none where its repetition was asked for, and has not failed too."""
    failures = [
        (told, event)
        for told, event in story.of(AnalysisFailed)
        if event.captions_id == captions_id and event.lane != "replay"
    ]
    failed_attempts = {event.attempt_id for _, event in story.of(AnalysisFailed)}
    failed_requests = {
        attempt.claim.request_id
        for attempt_id, attempt in story.attempts.items()
        if attempt_id in failed_attempts
    }
    for _, request in story.requests.values():
        is_open = request.again is not None and request.request_id not in failed_requests
        if is_open and request.captions_id == captions_id and request.lane != "replay":
            return None
    return max(failures, key=lambda pair: pair[0].offset)[1] if failures else None


def _captioned(story: Story, captions_id: UUID, now: datetime) -> Standing:
    asked = [
        (offset, request)
        for offset, request in story.requests.values()
        if request.captions_id == captions_id and request.lane != "replay"
    ]
    last = _last_attempt(story, captions_id)
    since = {ANALYSES.name: last.claimed_at if last else None}
    letter = _letter(story, since if asked else {CAPTIONS.name: None, **since})
    if letter is not None:
        return Standing("captioned", "dead_letter", letter)
    if not asked:
        return Standing("captioned", "worker", "no analysis is requested yet")
    return _asked(story, asked[-1], last, now)


def _asked(
    story: Story, asked: tuple[int, AnalysisRequested], last: Attempt | None, now: datetime
) -> Standing:
    said = None if last is None or last.failure is None else last.failure.reason
    # An attempt before the last request was one at what is asked for again.
    is_of_it = last is not None and asked[0] < last.offset
    outcome = None if last is None or last.settled is None else last.settled.outcome
    retry_at = None if last is None or last.settled is None else last.settled.retry_at
    failure = None if last is None or last.failure is None else last.failure.outcome
    if last is not None and is_of_it and last.state(now) == "open":
        return Standing("captioned", "call", "Claude is being asked")
    if is_of_it and outcome in ("completed", "failed"):
        return Standing("captioned", "answer", "it was answered, and the answer is not in the log")
    if not story.of(PromptActivated):
        return Standing("captioned", "prompt", "no prompt is active")
    is_providers = failure in _PROVIDERS
    if retry_at is not None and retry_at > now:
        turn = said or ("the last call has no known outcome" if is_providers else "its turn has not come yet")
        return Standing("captioned", "provider" if is_providers else "analyst", turn, retry_at)
    if last is not None and is_of_it and (last.state(now) == "unknown" or is_providers):
        return Standing("captioned", "provider", said or "the last call has no known outcome", retry_at)
    return Standing("captioned", "analyst", said or "its turn has not come yet", retry_at)


def _last_attempt(story: Story, captions_id: UUID) -> Attempt | None:
    last = None
    for attempt in story.attempts.values():
        _, request = story.requests.get(attempt.claim.request_id, (None, None))
        if request is not None and request.captions_id == captions_id and attempt.claim.lane != "replay":
            last = attempt
    return last


def _letter(story: Story, since: Mapping[str, datetime | None]) -> str | None:
    """The video's last open dead letter in words, if it is of one of these topics and not before what is said there."""
    of_it = [
        number
        for number, letter in story.open_letters.items()
        if letter.topic in _OF_THE_VIDEO and letter.key_bytes == story.video_id.encode()
    ]
    if not of_it:
        return None
    number = max(of_it)
    letter = story.open_letters[number]
    if letter.topic not in since or letter.at < (since[letter.topic] or letter.at):
        return None
    place = f"{letter.topic}[{letter.partition}]@{letter.offset}"
    return f"dead letter {number} ({place}, {letter.handler}): {letter.error}"
