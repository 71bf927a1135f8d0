"""The demo's checks can fail: what they compare is told apart."""

from pathlib import Path

import duckdb
import pytest

from streams.demo.checks import differences
from streams.demo.run import TABS, is_done

DONE = {
    "scans": TABS,
    "videos": 8,
    "captions": 7,
    "waiting": 1,
    "analysed": 7,
    "mentions": 26,
    "signals": 33,
    "charged_usd": "0.004",
    "open_usd": "0.000000000",
}


def model(path: Path, *rows: str) -> Path:
    """A read model of one table and one view."""
    with duckdb.connect(path) as database:
        database.execute("CREATE TABLE calls (symbol VARCHAR); CREATE VIEW held AS FROM calls")
        for row in rows:
            database.execute("INSERT INTO calls VALUES (?)", [row])
    return path


def test_models_of_the_same_rows_do_not_differ(tmp_path: Path) -> None:
    """In whatever order they stand."""
    assert differences(model(tmp_path / "a", "KO", "F"), model(tmp_path / "b", "F", "KO")) == []


def test_a_row_too_many_is_told_for_table_and_view(tmp_path: Path) -> None:
    """Also where it is a second one of its kind."""
    assert differences(model(tmp_path / "a", "KO", "KO"), model(tmp_path / "b", "KO")) == [
        "calls: 1 rows only live, 0 only rebuilt",
        "held: 1 rows only live, 0 only rebuilt",
    ]


def test_nothing_to_compare_is_no_agreement(tmp_path: Path) -> None:
    for name in ("a", "b"):
        duckdb.connect(tmp_path / name).close()
    assert differences(tmp_path / "a", tmp_path / "b") == ["there is no table to compare"]


def test_it_is_done_when_nothing_is_under_way() -> None:
    assert is_done(DONE, videos=8)


@pytest.mark.parametrize(
    "other",
    [{"scans": TABS - 1}, {"videos": 7}, {"waiting": 0}, {"signals": 32}, {"open_usd": "0.002"}],
    ids=str,
)
def test_it_is_not_done_before(other: dict[str, object]) -> None:
    assert not is_done(DONE | other, videos=8)
