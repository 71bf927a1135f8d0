from datetime import UTC, datetime, timedelta

import pytest

from streams.captions.extract_captions import extract_captions
from streams.captions.fetch import NotTaken, Taken
from streams.captions.json3 import Transcript
from streams.captions.schedule import Failure
from streams.events.captions import CaptionsExtracted, CaptionsRequested, CaptionsUnavailable, captions_id
from streams.events.channels import ChannelUnfollowed
from streams.events.event import Event, Position
from streams.events.videos import Video, VideoDiscovered

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


async def test_an_event_that_asks_for_no_captions_is_refused() -> None:
    with pytest.raises(TypeError, match="ChannelUnfollowed asks for no captions"):
        await handled(ChannelUnfollowed(at=NOW, channel_id="UC"), TAKEN)
