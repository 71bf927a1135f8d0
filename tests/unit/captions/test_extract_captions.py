import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from streams.captions.extract_captions import extract_captions
from streams.captions.fetch import NotTaken, Taken
from streams.captions.json3 import Transcript
from streams.captions.schedule import Failure
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable, captions_id
from streams.events.channels import ChannelUnfollowed
from streams.events.envelope import encode
from streams.events.event import Event, Position
from streams.events.videos import Video, VideoDiscovered
from streams.log.topics import MAX_MESSAGE_BYTES

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HERE = Position(partition=3, offset=14)
VIDEO = Video(video_id="v1", url="u", origin="backfill")
COMPLETED = VIDEO.model_copy(update={"title": "Completed"})
DISCOVERED = VideoDiscovered(at=NOW, video=VIDEO)
RETRY = CaptionsRequested(at=NOW, video=VIDEO, revision=2, attempt=4, cause="retry")
TAKEN = Taken(COMPLETED, "captions_auto", "en", "yes", Transcript(("a b", "c"), (0, 5), (5, 9)))


async def handled(event: Event, result: Taken | NotTaken) -> list[Event]:
    async def fetch(video: Video) -> Taken | NotTaken:
        assert video == VIDEO
        return result

    return await extract_captions(event, HERE, fetch=fetch, delays=(60.0, 120.0), now=lambda: NOW)


@pytest.mark.parametrize(("event", "revision", "attempt"), [(DISCOVERED, 1, 1), (RETRY, 2, 4)])
async def test_words_become_captions_of_the_revision_that_was_asked_for(
    event: Event, revision: int, attempt: int
) -> None:
    assert await handled(event, TAKEN) == [
        CaptionsExtracted(
            at=NOW,
            video=COMPLETED,
            captions_id=captions_id("v1", revision),
            revision=revision,
            attempt=attempt,
            source="captions_auto",
            language="en",
            original="yes",
            texts=("a b", "c"),
            starts_ms=(0, 5),
            ends_ms=(5, 9),
            words=3,
        )
    ]


@pytest.mark.parametrize(
    ("event", "revision", "attempt", "next_try_at"),
    [(DISCOVERED, 1, 1, NOW + timedelta(seconds=60)), (RETRY, 2, 4, None)],
)
async def test_a_failure_becomes_a_scheduled_try_or_the_end(
    event: Event, revision: int, attempt: int, next_try_at: datetime | None
) -> None:
    assert await handled(event, NotTaken(COMPLETED, Failure("no captions yet", "later"))) == [
        CaptionsUnavailable(
            at=NOW,
            video=COMPLETED,
            revision=revision,
            attempt=attempt,
            tries=attempt,
            reason="no captions yet",
            failure="later",
            starts_at=None,
            next_try_at=next_try_at,
        )
    ]


def talk(words: int, word: Callable[[], str]) -> Taken:
    """So many words, seven a segment."""
    texts = tuple(" ".join(word() for _ in range(7)) for _ in range(words // 7))
    starts = tuple(range(0, 2000 * len(texts), 2000))
    return Taken(VIDEO, "captions_auto", "en", "yes", Transcript(texts, starts, starts))


async def test_48_hours_of_talk_in_letters_of_three_bytes_are_captions() -> None:
    """250 words a minute: as fast as anybody talks for two days."""
    random = Random(48)
    said = ["".join(random.choices("कखगघचछजझटडतदनपबमयरलव", k=5)) for _ in range(20_000)]
    [event] = await handled(DISCOVERED, talk(48 * 60 * 250, lambda: random.choice(said)))
    assert isinstance(event, CaptionsExtracted)
    assert len(encode(event).value) > MAX_MESSAGE_BYTES, "only compression makes it fit"


@pytest.mark.parametrize("letters", ["a", "कखगघचछजझटडतदनपबमयरलव"])
async def test_what_no_topic_takes_is_a_failure_with_its_size_and_is_tried_no_more(letters: str) -> None:
    """Whether it is too large for the producer, or compressed for the broker."""
    random = Random(49)
    length, words = (40, 500_000) if len(letters) == 1 else (15, 400_000)
    too_much = talk(words, lambda: "".join(random.choices(letters, k=length)))
    [event] = await handled(RETRY, too_much)
    assert isinstance(event, CaptionsUnavailable)
    assert (event.failure, event.next_try_at, event.attempt, event.tries) == ("permanent", None, 4, 4)
    assert re.fullmatch(r"captions too large: \d+\.\d MB, \d+\.\d MB compressed", event.reason)


async def test_an_event_that_asks_for_no_captions_is_refused() -> None:
    with pytest.raises(TypeError, match="ChannelUnfollowed asks for no captions"):
        await handled(ChannelUnfollowed(at=NOW, channel_id="UC"), TAKEN)
