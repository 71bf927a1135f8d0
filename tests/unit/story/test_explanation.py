"""The answer as people see it: where the video stands, what it cost, and its records with the time between."""

from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from streams.bulletin import Trouble
from streams.clock import utc_now
from streams.events.channels import ChannelScanned
from streams.events.event import Event
from streams.events.ledger import Usage
from streams.events.videos import VideoDiscovered
from streams.story.explanation import Explanation, as_text, explain, held_up
from streams.story.record import Story, in_order
from streams.story.standing import Standing
from tests.builders.read_model_histories import history
from tests.builders.read_model_world import (
    PROMPTS,
    START,
    START_MS,
    activated,
    at,
    completed,
    extracted,
    failed,
    record,
    requested,
    reserved,
    settled,
    unavailable,
    video,
)
from tests.builders.story_records import about

FIRST, _ = PROMPTS
OF_IT = video(1, title="Rates \x1b[31m& chips", channel_title="The Desk", published_at=at(-60))
REQUEST = requested(OF_IT)
CLAIM = reserved(REQUEST, FIRST, UUID(int=1))
URL = "https://www.youtube.com/watch?v=video-1"
WIDTH = 80
TOLD = """\
video-1  “Title, revision 1”
The Channel  published 2026-03-02 08:00 UTC
https://www.youtube.com/watch?v=video-1

It is captioned, and waits for the analyst: no JSON in the answer.
The next try is at 2026-03-02 11:30 UTC, in 30 min.
It has cost $0.10 so far.
- a note that is so long that it does not fit into a window of eighty columns,
  or so

2026-03-02 UTC
  09:00:00                watch found it on The Desk, published 2026-03-02 08:00
                          UTC
  09:01:10  +1 min 10 s   try 1 brought no captions: no captions; the next try
                          is at 2026-03-02 10:00 UTC
  09:02:20  +1 min 10 s   its captions were taken: 9 words in en, automatic (try
                          1)
  09:03:30  +1 min 10 s   its analysis was requested under the active prompt, in
                          lane live
  09:04:40  +1 min 10 s   attempt 1 reserved $0.50 of lane live for a call to
                          model-first under prompt first
  09:05:50  +1 min 10 s   the call failed (invalid_answer): no JSON in the
                          answer; nothing is charged
  09:07:00  +1 min 10 s   attempt 1 failed, and another follows from 11:30:00
                          UTC on: $0.10 billed (10 tokens read, 1 written)

7 records in the log"""


def story(*events: Event, step_s: float = 70) -> Story:
    """The events, so far apart by the log's clock."""
    records = [record(event, n, START_MS + round(1000 * step_s * n)) for n, event in enumerate(events)]
    return Story("video-1", in_order(about("video-1", records)), {FIRST.prompt_id: FIRST.name})


def explained(*events: Event, row: Standing | None = None, notes: tuple[str, ...] = ()) -> Explanation:
    return explain(story(*events), row, notes, URL, START + timedelta(hours=2))


def test_a_life_reads_from_where_it_stands_to_how_it_came_there() -> None:
    events = [
        VideoDiscovered(at=at(0), video=OF_IT),
        unavailable(OF_IT, 1, at(60)),
        extracted(OF_IT),
        REQUEST,
        CLAIM,
        failed(OF_IT, FIRST, CLAIM.attempt_id, final=False),
        settled(CLAIM, "retry", "0.1", Usage(input_tokens=10, output_tokens=1), at(150)),
        *activated(FIRST, 7, None),
    ]
    note = "a note that is so long that it does not fit into a window of eighty columns, or so"
    found = explained(*events, notes=(note,))
    assert as_text(found, WIDTH, START + timedelta(hours=2)) == TOLD


@pytest.mark.parametrize("seed", range(4))
def test_no_line_is_longer_than_the_window_and_none_commands_the_terminal(seed: int) -> None:
    events = [
        event.model_copy(update={"video": event.video.model_copy(update={"title": "\x1b[31m\n" * 9})})
        if isinstance(event, VideoDiscovered)
        else event
        for event in history(Random(seed), 2)
    ]
    found = explained(*events)
    lines = as_text(found, WIDTH, utc_now()).splitlines()
    assert [line for line in lines if len(line) > WIDTH] == []
    assert all(line.isprintable() for line in lines)
    assert len(found.story) >= sum(not isinstance(event, ChannelScanned) for event in found.notes)


def test_money_is_what_each_attempt_is_charged() -> None:
    """Billed, lost for good, denied, and settled too late, which changes nothing."""
    hour = timedelta(hours=1)
    claims = [reserved(REQUEST, FIRST, UUID(int=n), attempt=1) for n in range(4)]
    events = [
        REQUEST,
        *claims,
        settled(claims[0], "completed", "0.1", Usage(input_tokens=1, output_tokens=1)),
        settled(claims[2], "not_called", "0", granted=False),
    ]
    late = [settled(claims[3], "completed", "0.1", Usage(input_tokens=1, output_tokens=1))]
    records = [record(event, n, START_MS + n) for n, event in enumerate(events)]
    records += [record(event, 50, START_MS + 3_600_000) for event in late]
    told = Story("video-1", in_order(records))
    assert explain(told, None, (), URL, START + 2 * hour).charged_usd == Decimal("1.1")


def test_what_the_read_model_says_goes_before_what_is_worked_out() -> None:
    row = Standing(
        "captioned", "money", "lane live has nothing left", at(900), "wait for the next day's budget"
    )
    found = explained(VideoDiscovered(at=at(0), video=OF_IT), extracted(OF_IT), row=row)
    text = as_text(found, WIDTH, at(60))
    assert "It is captioned, and waits for money: lane live has nothing left." in text
    assert "The next try is at 2026-03-03 00:00 UTC, in 14 h." in text
    assert "What follows: wait for the next day's budget." in text


def test_a_try_that_is_due_says_since_when() -> None:
    found = explained(unavailable(OF_IT, 1, at(60)))
    assert "The next try is due since 2026-03-02 10:00 UTC." in as_text(found, WIDTH, at(90))


def test_a_video_that_is_not_there_has_its_reasons() -> None:
    found = explained(*activated(FIRST, 7, None), notes=("its channel was never followed",))
    assert (found.status, found.story) == (None, [])
    assert as_text(found, WIDTH, at(0)).splitlines()[-2:] == [
        "It is not in the log:",
        "- its channel was never followed",
    ]


def test_an_analysis_makes_it_analysed() -> None:
    found = explained(
        VideoDiscovered(at=at(0), video=OF_IT),
        *activated(FIRST, 7, None),
        completed(OF_IT, FIRST, UUID(int=3)),
    )
    assert found.status == "analysed"
    assert [line.type for line in found.story] == ["VideoDiscovered", "AnalysisCompleted"]


@pytest.mark.parametrize(
    ("waits_for", "kinds"),
    [
        ("money", ["cap-used-up", "disk-full"]),
        ("captions", ["disk-full"]),
        ("worker", ["disk-full"]),
        (None, []),
    ],
)
def test_what_keeps_everybody_is_said_of_whom_it_keeps(waits_for: str | None, kinds: list[str]) -> None:
    troubles = [
        Trouble("youtube-refuses", at(0), "YouTube refuses"),
        Trouble("cap-used-up", at(0), "cap-used-up", "raise it", at(900)),
        Trouble("disk-full", at(0), "disk-full", "make room"),
    ]
    said = held_up(waits_for, troubles, at(60))
    assert [words.partition(" ")[0] for words in said] == kinds
    assert all("(since 09:00" in words for words in said)
