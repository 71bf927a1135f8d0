"""What the page of operations says is what the read model says, and what nobody knows is said to be unknown."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import duckdb
import pytest

from projections.ingest import apply
from projections.model import define
from projections.web.page import Asked, Lag, LaneNow, MoneyNow, Outside
from projections.web.pages import operations as page
from streams.events.event import Event
from streams.events.ledger import ReplayFilter, ReplayStarted
from streams.events.record import Record
from streams.events.videos import VideoDiscovered
from tests.builders.histories import spoilt
from tests.builders.pages_asked import HOSTILE, asked, page_of, rows
from tests.builders.read_model_world import (
    PROMPTS,
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
from tests.unit.projections.test_waits import letter

FIRST, SECOND = PROMPTS
LATER, NEW, GONE, GONE_TOO, REFUSED, CALLED, DONE, POISON = (
    video(number, title=HOSTILE if number == 2 else f"Video {number}") for number in range(8)
)
NOW = at(90)
CALLS = {
    each.video_id: reserved(requested(each), FIRST, UUID(int=number))
    for number, each in enumerate((REFUSED, CALLED, DONE), 1)
}
REPLAY = UUID(int=99)
OUTSIDE = Outside(
    at=NOW,
    needs=("2 dead letters wait → `earmark dead-letters list` says why",),
    troubles=("YouTube refuses (since 10:00)",),
    money=MoneyNow(Decimal("1.25"), Decimal(5), Decimal("0.5"), NOW + timedelta(hours=3)),
    lanes=(
        LaneNow("live", 1, 2, 3, Decimal(1), Decimal(5)),
        LaneNow("backfill", 10, 20, 30, Decimal("0.25"), Decimal("0.25")),
        LaneNow("replay", 100, 200, 300, Decimal(0), Decimal(0)),
    ),
    lags=(Lag("publish_signals", 7, 2), Lag("projector", None, None)),
    unknown=("no broker runs: how far the log is read is not known",),
    snapshot_at=NOW - timedelta(seconds=9),
)


def world() -> list[Event]:
    return [
        *activated(FIRST, 0, None),
        *(VideoDiscovered(at=at(0), video=each) for each in (LATER, NEW, GONE, GONE_TOO, REFUSED, CALLED, DONE)),
        unavailable(LATER, 1, at(60)),
        unavailable(NEW, 1, at(120)),
        unavailable(GONE, 1, None),
        unavailable(GONE_TOO, 1, None),
        ReplayStarted(
            at=at(0), replay_id=REPLAY, prompt_id=SECOND.prompt_id, filter=ReplayFilter(), seed=7, share=0.5,
            max_usd=Decimal(1), follow=False, captions_ends=(3, 4),
        ),
        *(event for each in (REFUSED, CALLED, DONE) for event in (extracted(each), requested(each))),
        *CALLS.values(),
        failed(REFUSED, FIRST, UUID(int=1), final=True),
        settled(CALLS[REFUSED.video_id], "failed", "0.25"),
        completed(DONE, FIRST, UUID(int=3)),
        settled(CALLS[DONE.video_id], "completed", "0.0045"),
        *(
            requested(each, replay=REPLAY).model_copy(update={"prompt_id": SECOND.prompt_id})
            for each in (CALLED, DONE)
        ),
        completed(DONE, SECOND, UUID(int=4)),
        letter(VideoDiscovered(at=at(0), video=POISON), "videos", 3, key=b"video-7"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("SET TimeZone = 'UTC'")
        define(database)
        ends: dict[tuple[str, int], int] = {}

        def next_one(event: Event) -> Record:
            made = record(event, 0, START_MS)
            place = made.topic, made.partition
            ends[place] = ends.get(place, -1) + 1
            return replace(made, offset=ends[place])

        apply(database, [next_one(event) for event in world()])
        apply(database, [spoilt(next_one(VideoDiscovered(at=at(9), video=NEW)), "without a time")])
        yield database


def asked_of(database: duckdb.DuckDBPyConnection, outside: Outside | None = OUTSIDE) -> Asked:
    return replace(asked(database, now=NOW), outside=outside)


def test_videos_are_counted_as_they_stand(database: duckdb.DuckDBPyConnection) -> None:
    shown = page.show(asked_of(database))
    counted = dict(rows(database, "SELECT status, count(*) FROM video_status GROUP BY status"))
    assert {state["status"]: state["videos"] for state in shown["states"]} == counted
    assert counted == {"discovered": 3, "captioned": 1, "analysed": 1, "failed": 3}
    oldest = {state["status"]: state["oldest"]["video_id"] for state in shown["states"]}
    assert oldest == {
        "discovered": "video-0",
        "captioned": "video-5",
        "analysed": "video-6",
        "failed": "video-2",
    }
    assert [
        (wait["waits_for"], wait["videos"], wait["due"], wait["next_try_at"]) for wait in shown["waits"]
    ] == rows(
        database,
        "SELECT waits_for, count(*) AS videos, count(*) FILTER (next_try_at <= ?), min(next_try_at) FILTER (next_try_at > ?)"
        " FROM video_status WHERE waits_for IS NOT NULL GROUP BY waits_for ORDER BY videos DESC, waits_for",
        NOW,
        NOW,
    )
    examples = {wait["waits_for"]: wait["example"] for wait in shown["waits"]}
    assert examples["dead_letter"]["next_step"] == "fix the cause, then: earmark dead-letters retry 0"
    assert shown["due"] == 1
    assert [(each["video_id"], each["next_try_at"]) for each in shown["tries"]] == [
        ("video-0", at(60)),
        ("video-1", at(120)),
    ]


def test_what_falls_due_does_so_without_a_new_snapshot(database: duckdb.DuckDBPyConnection) -> None:
    """What a snapshot says is asked once, and what the minute changes, once a minute."""
    first = asked_of(database)
    assert page.show(first)["due"] == 1
    later = replace(first, now=at(120))
    assert page.show(later)["due"] == 2
    database.execute("BEGIN; DELETE FROM caption_failures; DELETE FROM dead_letters")
    unchanged = page.show(replace(later, now=at(120) + timedelta(seconds=59)))
    changed = page.show(asked_of(database))
    database.execute("ROLLBACK")
    assert (unchanged["due"], unchanged["open_letters"]) == (2, 1)
    assert (changed["due"], changed["open_letters"]) == (0, 0)


def test_what_failed_says_why_and_what_to_type(database: duckdb.DuckDBPyConnection) -> None:
    shown = page.show(asked_of(database))
    assert [
        (each["stage"], each["kind"], each["videos"], each["newest"]["video_id"], each["newest"]["reason"])
        for each in shown["failed"]
    ] == [
        ("captions", "permanent", 2, "video-3", "no captions"),
        ("analysis", "invalid_answer", 1, "video-4", "no JSON in the answer"),
    ]
    [gone, refused] = shown["failed"]
    assert (gone["newest"]["next_step"], refused["newest"]["at"]) == ("earmark retry video-3", at(5))
    [each] = shown["letters"]
    assert (each["number"], each["topic"], each["handler"], shown["open_letters"]) == (
        0,
        "videos",
        "a_handler",
        1,
    )
    [reject] = shown["rejects"]
    assert (reject["topic"], reject["records"]) == ("videos", 1)
    assert sum(topic["rejects"] for topic in shown["topics"]) == 1


def test_money_and_replays(database: duckdb.DuckDBPyConnection) -> None:
    shown = page.show(asked_of(database))
    columns = ("day", "cap_usd", "charged_usd", "billed_usd", "unknown_usd", "open_usd", "left_usd")
    assert [tuple(day[name] for name in columns) for day in shown["days"]] == rows(
        database,
        f"SELECT {', '.join(columns)} FROM budget_days ORDER BY day DESC",  # noqa: S608  our own names
    )
    assert len(shown["days"]) == 1
    assert page.show(replace(asked_of(database), now=NOW + timedelta(days=14)))["days"] == []
    assert [(bar["name"], bar["part"], bar["left_usd"]) for bar in shown["bars"]] == [
        ("all lanes", 0.25, Decimal("3.75")),
        ("live", 0.2, Decimal(4)),
        ("backfill", 1.0, Decimal(0)),
        ("replay", 1.0, Decimal(0)),
    ]
    [replay] = shown["replays"]
    assert (replay.requested, replay.completed, replay.failed) == (2, 1, 0)


def test_the_page_says_what_to_type_and_strangers_words_are_text(database: duckdb.DuckDBPyConnection) -> None:
    text = page_of("operations.html", page.show(asked_of(database)))
    for said in (
        "<code>earmark dead-letters list</code>",
        "<code>earmark dead-letters retry 0</code>",
        "<code>earmark retry video-3</code>",
        "the cap is reached at",
        "111</td>",
        "published 9 s ago",
        "Not known: no broker runs",
    ):
        assert said in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "None" not in text


def test_what_nobody_knows_is_said_to_be_unknown(database: duckdb.DuckDBPyConnection) -> None:
    text = page_of("operations.html", page.show(asked_of(database, None)))
    for said in (
        "Whether everything runs is not known",
        "What may be spent today is not known",
        "readers are behind is not known",
        "published is not known",
    ):
        assert said in text


def test_an_empty_read_model_has_its_sentences() -> None:
    with duckdb.connect(config={"threads": 1}) as database:
        define(database)
        text = page_of("operations.html", page.show(asked_of(database)))
    for said in (
        "No video waits",
        "No video failed",
        "No dead letter is open",
        "Nothing was claimed",
        "No replay has asked",
    ):
        assert said in text
