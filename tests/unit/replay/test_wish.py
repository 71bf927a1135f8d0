from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from streams.events.ledger import ReplayFilter, ReplayStarted
from streams.replay.wish import Wish, newest, resumption
from tests.builders.analyst_scene import PROMPT

AT = datetime(2026, 11, 1, tzinfo=UTC)
TYPED = Wish(
    prompt=PROMPT,
    which=ReplayFilter(since=datetime(2026, 10, 1, tzinfo=UTC), channel_id="UCfirst", sample=20),
    seed=7,
    share=Decimal("0.5"),
    max_usd=Decimal("2.50"),
    follow=True,
    since_typed="30d",
)
DATED = replace(TYPED, since_typed=None)
PLAIN = Wish(PROMPT, ReplayFilter(), 0, Decimal("0.5"), Decimal(1), follow=False)


def on(day: int, of: Wish = TYPED) -> Wish:
    """The same words on another day."""
    since = datetime(2026, 10, day, tzinfo=UTC)
    return replace(of, which=of.which.model_copy(update={"since": since}))


def start(wish: Wish) -> ReplayStarted:
    return wish.start(AT, (3, 0))


def among(*started: ReplayStarted) -> dict[UUID, ReplayStarted]:
    return {one.replay_id: one for one in started}


def test_a_date_names_the_replay_that_it_always_named() -> None:
    """As the first version computed it: these ids stand in logs."""
    assert DATED.replay_id == UUID("0b6218d5-3158-5b4d-a8d7-586f97dd1644")
    assert replace(DATED, max_usd=Decimal("2.5")).replay_id == DATED.replay_id
    assert PLAIN.replay_id == UUID("9988bb34-1b2a-582d-8dbc-36f099576062")


def test_how_far_back_is_the_same_replay_on_another_day() -> None:
    first = start(on(1))
    assert on(2).replay_id != first.replay_id
    assert on(2).found(among(first, start(PLAIN)), cancelled=()) == first
    assert on(2).found(among(start(PLAIN)), cancelled=()) is None


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": PROMPT.model_copy(update={"name": "other"})},
        {"since_typed": "31d"},
        {"which": ReplayFilter(since=TYPED.which.since, channel_id="UCsecond", sample=20)},
        {"which": ReplayFilter(since=TYPED.which.since, channel_id="UCfirst", sample=21)},
        {"seed": 8},
        {"share": Decimal("0.4")},
        {"max_usd": Decimal(3)},
        {"follow": False},
    ],
)
def test_anything_else_typed_is_another_replay(change: dict[str, Any]) -> None:
    assert replace(on(2), **change).found(among(start(on(1))), cancelled=()) is None


def test_of_several_the_newest_goes_on_that_is_not_cancelled() -> None:
    """Two machines may have started it at once, on both sides of midnight."""
    older, newer = start(on(1)), start(on(2))
    both = among(older, newer)
    assert on(3).found(both, cancelled=()) == newer
    assert on(3).found(both, cancelled={newer.replay_id}) == older
    assert on(3).found(both, cancelled=set(both)) == newer


def test_what_another_version_or_a_date_started_is_found_by_its_id() -> None:
    """On the day on which how far back comes to that date; and a date finds what was started with how far back."""
    assert on(1).found(among(start(on(1, DATED))), cancelled=()) == start(on(1, DATED))
    assert on(2).found(among(start(on(1, DATED))), cancelled=()) is None
    assert on(1, DATED).found(among(start(on(1))), cancelled=()) == start(on(1))
    assert on(2, DATED).found(among(start(on(1))), cancelled=()) is None


def resumed(cancelled: ReplayStarted, spent_usd: str = "0.75") -> ReplayStarted:
    return resumption(cancelled, Decimal(spent_usd), AT, (9, 9))


def test_a_cancelled_replay_goes_on_as_one_of_its_own_within_what_it_left() -> None:
    first = start(DATED)
    second = resumed(first)
    assert second.resumes == first.replay_id != second.replay_id
    assert second.max_usd == Decimal("1.75")
    kept = {"prompt_id", "filter", "seed", "share", "follow"}
    assert second.model_dump(include=kept) == first.model_dump(include=kept)
    assert resumed(second).max_usd == 1
    assert resumed(second, "1.80").max_usd == 0


def test_there_is_one_resumption_of_a_replay_whoever_resumes_it() -> None:
    first = start(DATED)
    assert resumed(first).replay_id == resumed(first, "0.70").replay_id
    assert len({first.replay_id, resumed(first).replay_id, resumed(resumed(first)).replay_id}) == 3
    assert resumed(start(PLAIN)).replay_id != resumed(first).replay_id


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"follow": False}, (3, 0)),
        ({"follow": True, "which": ReplayFilter()}, (9, 9)),
        ({"follow": True, "which": ReplayFilter(sample=20)}, (3, 0)),
    ],
)
def test_its_list_is_the_old_one_and_what_it_would_have_followed(
    change: dict[str, Any], ends: tuple[int, ...]
) -> None:
    assert resumed(start(replace(DATED, **change))).captions_ends == ends


def test_the_newest_goes_on_however_often_it_was_cancelled() -> None:
    first = start(on(1))
    second = resumed(first)
    third = resumed(second)
    known = among(first, second, third, start(PLAIN))
    assert newest(known, first) == newest(known, second) == newest(known, third) == third
    assert newest(known, start(PLAIN)) == start(PLAIN)
    assert on(2).found(known, cancelled={first.replay_id, second.replay_id}) == first
