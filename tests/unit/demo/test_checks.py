"""The demo's checks can fail: what they compare is told apart."""

from pathlib import Path

import duckdb
import pytest

from streams.demo.checks import STATE, Call, Signal, activations, calls, counted, differences, standing
from streams.demo.first_act import TABS, is_done

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


def signal(kind: str, revision: int, cause: str = "live", activation: int = 1, quote: str = "q") -> Signal:
    """A signal of one mention, all of whose fields but one say "x"."""
    mention = dict.fromkeys(STATE, "x") | {"quote": quote}
    body = {
        "revision": revision,
        "cause": cause,
        "activation": activation,
        "mention_id": "m",
        "mention": mention,
    }
    return Signal(kind, body)


def state(quote: str) -> tuple[str, ...]:
    return tuple(quote if name == "quote" else "x" for name in STATE)


def test_a_subscriber_applies_what_is_newer_and_nothing_else() -> None:
    """A repeat and a signal that comes late change nothing; a retraction leaves the revision."""
    heard = [signal("MentionAdded", 1), signal("MentionChanged", 3, quote="new"), signal("MentionChanged", 2)]
    assert calls([*heard, heard[1]]) == {"m": Call(3, state("new"))}
    known = calls([*heard, signal("MentionRetracted", 4)])
    assert known == {"m": Call(4, None)}
    assert standing(known) == {}


def test_outlooks_are_no_calls() -> None:
    assert calls([Signal("OutlookAdded", {"revision": 1, "outlook_id": "o"})]) == {}


def test_each_activation_is_counted_by_itself() -> None:
    """What came live is none of them, under whatever activation."""
    heard = [
        signal("MentionAdded", 1),
        signal("MentionChanged", 3, "activation", activation=9),
        signal("MentionChanged", 2, "activation", activation=4),
        signal("MentionRetracted", 2, "activation", activation=4),
    ]
    assert activations(heard) == [{"MentionChanged": 1, "MentionRetracted": 1}, {"MentionChanged": 1}]


def test_what_the_dry_run_says_is_read_as_it_is_said() -> None:
    said = (
        "activating b publishes 3 MentionAdded, 12 OutlookChanged, with cause=activation\n"
        "videos that switch to it: 7; that have no analysis under it and keep theirs: 0"
    )
    assert counted(said) == {"MentionAdded": 3, "OutlookChanged": 12}
    assert counted("activating b publishes no signal, with cause=activation").total() == 0
