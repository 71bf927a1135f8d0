"""The page of a video: what it says is what the read model has, and what strangers said stays text."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import duckdb
import pytest
from multidict import MultiDict

from projections.ingest import Place, apply
from projections.model import define
from projections.web.page import Asked, NothingThereError, WrongFilterError
from projections.web.pages import video as page
from projections.web.revisions import Changed
from streams.events.analyses import AnalysisCompleted, Dropped, Level, mention_id
from streams.events.dead_letters import DeadLettered
from streams.events.event import Event
from streams.events.prompts import PromptRegistered
from streams.events.signals import MentionAdded, MentionChanged
from streams.events.videos import Video, VideoDiscovered
from tests.builders.large_model import fill
from tests.builders.pages_asked import page_of
from tests.builders.read_model_world import (
    PROMPTS,
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
from tests.builders.said import put_words_beside

NOW = datetime(2026, 3, 9, tzinfo=UTC)
VIDEO, FOUND, HOSTILE, LONG = (
    video(number, title="Chips", published_at=at(0), published_precision="second") for number in range(1, 5)
)
FIRST = completed(VIDEO, PROMPTS[0], UUID(int=2))
CALL = mention_id("video-1", "NVDA", 0)
WORDS = '<script>alert(1)</script>"><img onerror=x>{{ 7 * 7 }}\u202e\x00' + "w" * 10_000
LEVEL = Level(
    kind="entry", value=Decimal(120), value_to=Decimal("123.5"), unit="USD", words="low one twenties"
)


def told_whole() -> list[Event]:
    """A video whose captions come at the second try, and whose analysis does."""
    request = requested(VIDEO)
    one, two = (reserved(request, PROMPTS[0], UUID(int=number), number) for number in (1, 2))
    return [
        *(PromptRegistered(at=at(0), prompt_id=prompt.prompt_id, prompt=prompt) for prompt in PROMPTS),
        *activated(PROMPTS[0], 0, None),
        VideoDiscovered(at=at(0), video=VIDEO),
        unavailable(VIDEO, 1, at(2)),
        asked_again(VIDEO, 2),
        extracted(VIDEO, minutes=2),
        request,
        one,
        failed(VIDEO, PROMPTS[0], UUID(int=1), final=False),
        settled(one, "retry", "0", retry_at=at(9)),
        two,
        settled(two, "completed", "0.0045"),
        FIRST,
    ]


def letter() -> DeadLettered:
    return DeadLettered(
        at=at(8),
        topic="captions",
        partition=1,
        offset=2,
        original_key=b64encode(b"video-1").decode(),
        original_value=None,
        original_headers=(),
        handler="request_analysis",
        error="it broke",
        attempt=3,
    )


def changed(answer: AnalysisCompleted, fields: tuple[str, ...], **now: object) -> list[Event]:
    """What was published of an answer's call, and that it changed."""
    added = signals(answer)[0]
    assert isinstance(added, MentionAdded)
    change = MentionChanged(
        **added.model_dump(exclude={"at", "revision", "cause", "mention"}),
        at=at(9),
        revision=4,
        cause="activation",
        mention=added.mention.model_copy(update=now),
        previous=added.mention,
        changed=fields,
    )
    return [added, change]


def with_mentions(of: Video, count: int, **fields: object) -> AnalysisCompleted:
    answer = completed(of, PROMPTS[0], UUID(int=9))
    mentions = [
        answer.mentions[0].model_copy(update={"mention_id": UUID(int=1000 + number), **fields})
        for number in range(count)
    ]
    return answer.model_copy(update={"mentions": tuple(mentions)})


def hostile() -> list[Event]:
    answer = with_mentions(
        HOSTILE,
        1,
        quote=WORDS,
        said_as=WORDS,
        condition=WORDS,
        expires=WORDS,
        levels=(LEVEL.model_copy(update={"words": WORDS}),),
        dropped=(Dropped(part="condition", reason="not_near_the_quote", words=WORDS),),
    ).model_copy(update={"summary": WORDS, "risks": (WORDS,), "themes": (WORDS,)})
    return [answer, *signals(answer)]


@contextmanager
def read(*events: Event) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read model in memory that has read these events."""
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        define(database)
        ends = Counter[Place]()
        records = []
        for event in events:
            appended = record(event, 0)
            place = Place(appended.topic, appended.partition)
            records.append(replace(appended, offset=ends[place]))
            ends[place] += 1
        apply(database, records)
        yield database


@pytest.fixture(scope="module")
def model() -> Iterator[duckdb.DuckDBPyConnection]:
    """One of several videos, with their words."""
    many = with_mentions(LONG, 400)
    with read(
        *told_whole(),
        letter(),
        *changed(
            FIRST,
            ("conviction", "condition", "levels"),
            conviction=0.75,
            condition="if it falls",
            levels=(LEVEL,),
        ),
        *(VideoDiscovered(at=at(0), video=each) for each in (FOUND, HOSTILE, LONG)),
        *hostile(),
        many,
        *signals(many),
    ) as database:
        words = extracted(HOSTILE).model_copy(update={"texts": (WORDS, WORDS)})
        put_words_beside(database, [extracted(VIDEO), words, extracted(LONG)])
        yield database


def shown(database: duckdb.DuckDBPyConnection, video_id: str = "video-1", **query: str) -> Any:
    return page.show(Asked(database, {"video_id": video_id}, MultiDict(query), NOW, Decimal(5)))


def rendered(values: Any) -> str:
    return page_of("video.html", values, "/video/video-1")


def test_each_call_stands_in_its_lines_and_what_grounding_rejected_apart(
    model: duckdb.DuckDBPyConnection,
) -> None:
    values = shown(model, call=str(CALL))
    [call] = values["calls"]
    assert [(line.start_ms, line.text, line.is_marked) for line in call["lines"]] == [
        (61_500, "I am buying in video", True),
        (64_000, "and I sell the rest", False),
    ]
    assert call["is_marked"]
    assert [(each["rejected"], each["why"]) for each in values["rejected"]] == [
        ("quote_not_in_transcript", "nobody said it in these words")
    ]
    html = rendered(values)
    assert "<mark>I am buying in video</mark>" in html
    assert 'id="call"' in html
    assert "$0.0045" in html


def test_without_the_words_the_quote_stands_alone() -> None:
    with read(*told_whole()) as database:
        html = rendered(shown(database, at="0"))
    assert "<q>I am buying [Music] in video</q>" in html
    assert "<mark>" not in html
    assert "each quote stands alone" in html
    assert "The words of this video are not there yet" in html


def test_a_place_is_shown_in_its_lines_with_the_way_on(model: duckdb.DuckDBPyConnection) -> None:
    values = shown(model, at="64000")
    assert [(line.text, line.is_marked) for line in values["place"]] == [
        ("I am buying in video", False),
        ("and I sell the rest", True),
    ]
    assert 'href="/video/video-1?at=61500#place">Earlier' in rendered(values)


def test_a_video_that_is_only_discovered_has_its_page(model: duckdb.DuckDBPyConnection) -> None:
    values = shown(model, "video-2", call=str(CALL))
    assert (values["status"]["status"], values["status"]["waits_for"]) == ("discovered", "worker")
    assert [(step.name, step.detail) for step in values["steps"]] == [
        ("discovered", "published after its channel was followed")
    ]
    html = rendered(values)
    assert "a running worker takes it" in html
    assert "is in no current analysis: this video has none" in html


def test_all_that_became_of_it_stands_in_order_of_time(model: duckdb.DuckDBPyConnection) -> None:
    steps = shown(model)["steps"]
    assert [step.happened_at for step in steps] == sorted(step.happened_at for step in steps)
    assert Counter(step.name for step in steps) == {
        "discovered": 1,
        "no captions": 1,
        "captions asked for again": 1,
        "captions taken": 1,
        "analysis asked for": 1,
        "money claimed": 2,
        "claim settled": 2,
        "analysed": 1,
        "dead letter": 1,
    }
    tried = next(step for step in steps if step.name == "no captions")
    assert (tried.detail, tried.reason, tried.next_try_at) == (
        "the video is not ready",
        "revision 1, attempt 1: no captions",
        at(2),
    )
    again = next(step for step in steps if step.detail.startswith("attempt 1: retry"))
    assert (again.reason, again.next_try_at) == ("invalid_answer: no JSON in the answer", at(9))


def test_what_changed_is_told_with_the_values_before_and_after(model: duckdb.DuckDBPyConnection) -> None:
    latest, first = shown(model)["switches"]
    assert (latest.revision, latest.cause, latest.meaning) == (
        4,
        "activation",
        "another prompt became active",
    )
    assert [tuple(each) for each in latest.revisions[0].changes] == [
        ("conviction", "0.15", "0.75"),
        ("condition", "none", "if it falls"),
        ("levels", "none", "entry 120 to 123.5 USD, “low one twenties”"),
    ]
    assert first.counts == {"added": 1}


def test_a_change_whose_revision_before_is_lost_says_so() -> None:
    [_, change] = changed(FIRST, ("action", "url"))
    with read(*told_whole(), change) as database:
        values = shown(database)
    assert values["switches"][0].revisions[0].changes == [Changed("action", None, "buy")]
    assert "was, is not on record here" in rendered(values)


def test_what_strangers_said_stays_text(model: duckdb.DuckDBPyConnection) -> None:
    html = rendered(shown(model, "video-3", at="0"))
    assert not [letters for letters in ("<script", "<img", "\u202e", "\x00", "49") if letters in html]
    assert html.count("&lt;script&gt;") >= 10


def test_four_hundred_calls_are_there_each_with_its_lines_folded(model: duckdb.DuckDBPyConnection) -> None:
    values = shown(model, "video-4", call=str(UUID(int=1007)))
    html = rendered(values)
    assert len(values["calls"]) == 400
    assert html.count("<summary>in its lines</summary>") == 400
    # The one that was asked for; the signals are folded, too.
    assert html.count("<details open>") == 1
    assert len(html) < 1_000_000


def test_the_figures_are_those_of_the_model() -> None:
    with duckdb.connect(config={"threads": 1}) as database:
        define(database)
        fill(database, 12)
        known = database.execute(
            """
            SELECT v.video_id, s.status,
              (SELECT count(*) FROM all_mentions m WHERE m.video_id = v.video_id AND is_current AND rejected IS NULL),
              (SELECT count(*) FROM all_mentions m WHERE m.video_id = v.video_id AND is_current AND rejected IS NOT NULL),
              (SELECT count(*) FROM analyses a WHERE a.video_id = v.video_id),
              (SELECT count(*) FROM signals g WHERE g.video_id = v.video_id)
            FROM videos v JOIN video_status s USING (video_id)
            """
        ).fetchall()
        assert {status for _, status, *_ in known} == {"analysed", "captioned", "failed"}
        for video_id, status, calls, rejected, analyses, published in known:
            values = shown(database, video_id)
            assert values["status"]["status"] == status
            assert (len(values["calls"]), len(values["rejected"])) == (calls, rejected)
            assert len(values["analyses"]) == (analyses if analyses > 1 else 0)
            assert sum(each["calls"] for each in values["analyses"] if each["is_current"]) == (
                calls if analyses > 1 else 0
            )
            assert sum(len(switch.revisions) for switch in values["switches"]) == published


@pytest.mark.parametrize(
    ("query", "says"),
    [({"call": "first"}, "call is 'first'"), ({"at": "-1"}, "at is '-1'")],
)
def test_what_names_no_call_and_no_place_is_refused(
    model: duckdb.DuckDBPyConnection, query: dict[str, str], says: str
) -> None:
    with pytest.raises(WrongFilterError, match=says):
        shown(model, **query)


def test_a_video_that_nobody_has_seen_is_named(model: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NothingThereError, match="there is no video video-7"):
        shown(model, "video-7")
