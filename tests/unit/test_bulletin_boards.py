"""What processes show of themselves, and what is new in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.bulletin import STALE, Board, Trouble, board_of, boards, news, show, together

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
AWAY = Trouble("kafka-away", NOON, "Kafka does not answer")
FULL = Trouble("share-used-up", NOON + HOUR, "lane backfill waits", "raise it", NOON + 12 * HOUR, "backfill")


def board(process: str, *troubles: Trouble) -> Board:
    return Board(process, 1, NOON, NOON, troubles=troubles)


def test_a_trouble_is_news_when_it_begins_and_when_it_is_over_and_not_in_between() -> None:
    assert news([], [AWAY]) == ([AWAY], [])
    later = replace(AWAY, what="Kafka still does not answer", since=NOON + HOUR)
    assert news([AWAY], [later]) == ([], [])
    assert news([AWAY], [AWAY, FULL, replace(FULL, subject="live")]) == (
        [FULL, replace(FULL, subject="live")],
        [],
    )
    assert news([AWAY, FULL], [FULL]) == ([], [AWAY])


def test_what_several_processes_say_is_one_trouble_with_its_oldest_beginning() -> None:
    later = replace(AWAY, since=NOON + HOUR / 2)
    assert together([board("worker", FULL, later), board("watch", AWAY)]) == [AWAY, FULL]


def test_a_board_comes_back_as_it_was_put_up_and_a_torn_one_is_none(tmp_path: Path) -> None:
    assert boards(tmp_path) == []
    shown = replace(
        board("analyst", FULL), positions={"analyst": {"analyses": {3: 17}}}, in_flight=2, ready=True
    )
    show(tmp_path, shown)
    show(tmp_path, board("watch"))
    assert boards(tmp_path) == [shown, board("watch")]
    assert board_of(tmp_path, "analyst") == shown
    [file] = tmp_path.rglob("watch.json")
    file.write_text('{"process": "wa')
    assert boards(tmp_path) == [shown]


def test_a_board_that_nobody_writes_any_more_is_stale() -> None:
    assert not board("watch").is_stale(NOON + STALE)
    assert board("watch").is_stale(NOON + STALE + timedelta(seconds=1))


def test_a_sentence_has_since_until_and_what_to_do_and_names_another_day() -> None:
    assert AWAY.sentence(NOON) == "Kafka does not answer (since 12:00)"
    assert FULL.sentence(NOON) == "lane backfill waits (since 13:00, until 2026-11-21 00:00) → raise it"
    assert (
        FULL.sentence(NOON + 24 * HOUR)
        == "lane backfill waits (since 2026-11-20 13:00, until 00:00) → raise it"
    )
