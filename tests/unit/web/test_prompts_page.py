"""What the page of prompts says of two of them is what the read model says of them."""

from collections import Counter
from dataclasses import asdict
from datetime import timedelta

import duckdb
import pytest
from multidict import MultiDict

from projections.activating import activation
from projections.model import define
from projections.web.page import Asked, WrongFilterError
from projections.web.pages import prompts as page
from projections.web.prompts_compared import EXAMPLES, KINDS
from projections.web.word_diff import Piece
from tests.builders.pages_asked import HOSTILE, NOW, asked, filled, page_of, rows

PAIR = "a=now&b=candidate"


@pytest.fixture
def database() -> duckdb.DuckDBPyConnection:
    return filled().cursor()


def test_each_prompt_has_its_state_and_its_cost(database: duckdb.DuckDBPyConnection) -> None:
    shown = page.show(asked(database))
    assert [(each["name"], each["analyses"], each["usd"]) for each in shown["prompts"]] == rows(
        database,
        "SELECT name, count(analysis_id), sum(usd)::DECIMAL(18, 9) FROM prompts p LEFT JOIN analyses a USING (prompt_id)"
        " GROUP BY name ORDER BY list_position(['old', 'now', 'candidate'], name)",
    )
    assert (shown["active"]["name"], shown["marked"]) == ("now", 12)
    assert [each["name"] for each in shown["activations"]] == ["now", "old"]
    # Nobody named two: the form offers the newest beside the active one, and nothing is compared.
    assert (shown["a"], shown["b"], shown["pair"]) == ("now", "candidate", None)


def test_two_prompts_are_compared_as_the_read_model_compares_them(
    database: duckdb.DuckDBPyConnection,
) -> None:
    compared = page.show(asked(database, query=PAIR))["pair"]["compared"]
    columns = compared["channels"][0].keys()
    assert [tuple(row[name] for name in columns) for row in compared["channels"]] == rows(
        database, "FROM compare_channels('now', 'candidate')"
    )
    kinds = rows(
        database,
        "SELECT unnest(if(change = 'changed', changed, [change])) AS kind, count(*)"
        " FROM compare_mentions('now', 'candidate') GROUP BY kind",
    )
    assert Counter({each["title"]: each["calls"] for each in compared["changes"]}) == Counter(
        {KINDS[kind]: calls for kind, calls in kinds if kind != "same"}
    )
    assert {"Added", "Dropped", "Another action", "Another conviction", "Another horizon"} <= {
        each["title"] for each in compared["changes"]
    }
    for change in compared["changes"]:
        assert len(change["examples"]) == min(EXAMPLES, change["calls"])
        for before, after in change["examples"]:
            assert (before is None, after is None) == (
                change["title"] == "Added",
                change["title"] == "Dropped",
            )
            if change["title"] == "Another action":
                assert before["action"] != after["action"]
            for side, prompt in ((before, "now"), (after, "candidate")):
                if side is not None:
                    assert rows(
                        database,
                        "SELECT quote FROM all_mentions WHERE mention_id = ? AND prompt = ?",
                        side["mention_id"],
                        prompt,
                    ) == [(side["quote"],)]


def test_what_an_activation_publishes_is_told_at_once_or_where_it_takes_a_while_to_who_asks(
    database: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(prompt_id,)] = rows(database, "SELECT prompt_id FROM prompts WHERE name = 'candidate'")
    expected = activation(database, prompt_id)
    assert expected.switched == 15
    assert page.show(asked(database, query=PAIR))["pair"]["publishes"] == expected
    monkeypatch.setattr(page, "AT_ONCE", 0)
    shown = page.show(asked(database, query=PAIR))
    assert shown["pair"]["publishes"] is None
    assert "publishes=1" in page_of("prompts.html", shown)
    assert page.show(asked(database, query=f"{PAIR}&publishes=1"))["pair"]["publishes"] == expected
    active = page.show(asked(database, query="a=candidate&b=now&publishes=1"))["pair"]
    assert (active["b_is_active"], active["publishes"]) == (True, None)


def test_an_unknown_name_is_answered_with_those_there_are(database: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(WrongFilterError, match=r"b is 'none such'.*choose one of old, now, candidate"):
        page.show(Asked(database, {}, MultiDict(a="now", b="none such"), NOW, asked(database).cap_usd))


def test_the_page_marks_what_was_taken_out_and_put_in_with_more_than_a_colour(
    database: duckdb.DuckDBPyConnection,
) -> None:
    database.execute("BEGIN")
    database.execute(
        "UPDATE prompts SET words = ? WHERE name = 'now'", [f"Listen. {HOSTILE} Say what is bought."]
    )
    database.execute(
        "UPDATE prompts SET words = ? WHERE name = 'candidate'", [f"Listen. {HOSTILE} Say what is sold."]
    )
    shown = page.show(asked(database, query=PAIR))
    text = page_of("prompts.html", shown)
    same = page_of("prompts.html", page.show(asked(database, query="a=now&b=now")))
    database.execute("ROLLBACK")
    assert [asdict(piece)["kind"] for piece in shown["pair"]["words"]] == ["same", "removed", "added"]
    assert (
        '<del><span class="unseen">removed: </span><span aria-hidden="true">[-</span>bought.'
        '<span aria-hidden="true">-]</span></del>'
    ) in text
    assert '<ins><span class="unseen">added: </span><span aria-hidden="true">{+</span>sold.' in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "Their words are the same." in same
    assert "They hear the same." in same


def test_the_middle_of_what_is_the_same_is_left_out() -> None:
    words = [str(number) for number in range(1000)]
    [same, removed] = page.shown((Piece("same", " ".join(words)), Piece("removed", " ".join(words))))
    assert same.text.split() == words[: page.AROUND]
    assert same.end.split() == words[-page.AROUND :]
    assert same.left_out == 1000 - 2 * page.AROUND
    assert removed == page.Shown("removed", " ".join(words))


def test_a_sign_stands_behind_a_word_and_not_on_a_line_of_its_own() -> None:
    pieces = (
        Piece("removed", "one\n"),
        Piece("added", "two\n"),
        Piece("same", "three\n"),
        Piece("removed", "four\n"),
    )
    assert [(each.text, each.blank) for each in page.shown(pieces)] == [
        ("one", " "),
        ("two", "\n"),
        ("three\n", ""),
        ("four", "\n"),
    ]


def test_a_read_model_without_a_prompt_says_how_to_get_one() -> None:
    with duckdb.connect(config={"threads": 1}) as empty:
        define(empty)
        shown = page.show(asked(empty, now=NOW + timedelta(days=1)))
        assert "No prompt is registered yet" in page_of("prompts.html", shown)
        with pytest.raises(WrongFilterError, match="none is registered"):
            page.show(asked(empty, query=PAIR))
