"""The read model explains itself: in words that are complete, that name what the language has, and that can be run."""

import re
from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest

from projections import model
from projections.describe import catalogue, comment, describe
from projections.words import COLUMNS, OF
from streams.errors import EarmarkError
from streams.events.analyses import Action, AttemptOutcome, Direction, Rejection, TimeHorizon
from streams.events.captions import CaptionsSource, FailureClass, Original
from streams.events.event import Lane
from streams.events.ledger import SettledOutcome
from streams.events.prompts import Effort
from streams.events.signals import Cause, Reason
from streams.events.videos import Origin, Precision
from tests.builders.said import words_in_memory
from tests.unit.projections.conftest import Told

ENUMS: dict[str, Any] = {
    "mentions.action": Action,
    "mentions.time_horizon": TimeHorizon,
    "mentions.published_precision": Precision,
    "all_mentions.rejected": Rejection,
    "outlooks.direction": Direction,
    "attempts.lane": Lane,
    "attempts.outcome": SettledOutcome,
    "attempts.failure": AttemptOutcome,
    "captions.source": CaptionsSource,
    "captions.original": Original,
    "caption_failures.failure": FailureClass,
    "prompts.effort": Effort,
    "signals.cause": Cause,
    "signals.reason": Reason,
    "videos.origin": Origin,
    "video_status.lane": Lane,
}


@pytest.fixture
def explained(told: Told) -> Told:
    """An empty read model with its comments."""
    comment(told.database)
    return told


def test_a_private_column_has_words_for_who_meets_it_and_is_not_listed(explained: Told) -> None:
    commented = explained.rows(
        "SELECT table_name, comment FROM duckdb_columns() WHERE column_name = '_video_number' AND table_name = 'captions'"
    )
    assert commented == [("captions", COLUMNS["_video_number"])]
    assert "_video_number" not in [column.name for column in describe(explained.database, "captions").columns]


def test_every_table_view_column_and_macro_has_words_and_no_words_are_left_over(explained: Told) -> None:
    with words_in_memory() as words:
        found = [describe(of, one.name) for of in (explained.database, words) for one in catalogue(of)]
    assert {relation.relation.kind for relation in found} == {"table", "view", "table macro", "macro"}
    assert [one.relation.name for one in found if not one.relation.meaning] == []
    columns = [(one.relation.name, column) for one in found for column in one.columns]
    assert [(name, column.name) for name, column in columns if not column.meaning] == []
    assert {name for name in COLUMNS if not name.startswith("_")} <= {column.name for _, column in columns}
    assert {(name, column) for name, of in OF.items() for column in of} <= {
        (name, column.name) for name, column in columns
    }


@pytest.mark.parametrize("where", ENUMS)
def test_the_words_of_an_enum_name_each_of_its_values(explained: Told, where: str) -> None:
    name, column = where.split(".")
    (words,) = (each.meaning for each in describe(explained.database, name).columns if each.name == column)
    assert words
    assert [value for value in get_args(ENUMS[where]) if value not in words] == []


def test_every_action_is_counted_for_itself(explained: Told) -> None:
    for name in ("consensus_weeks", "channel_weeks"):
        assert set(get_args(Action)) <= {column.name for column in describe(explained.database, name).columns}


def test_what_is_no_table_shows_how_it_is_asked_and_can_be_asked_so(explained: Told) -> None:
    examples = [relation.example for relation in catalogue(explained.database) if relation.example]
    assert len(examples) > 15
    for example in examples:
        assert explained.database.execute(example).description


def test_a_macro_is_shown_with_its_arguments_and_the_columns_of_its_rows(explained: Told) -> None:
    found = describe(explained.database, "COMPARE_channels")
    assert (found.relation.called, found.relation.example) == (
        "compare_channels(a, b)",
        "FROM compare_channels('default', 'calm')",
    )
    assert found.columns[-1].meaning == "by prompt b: mean charge of a video, in US dollars"
    assert describe(explained.database, "url_at").columns == ()


def test_what_is_not_there_is_answered_with_what_is(explained: Told) -> None:
    with pytest.raises(
        EarmarkError, match=r"there is no calls in the read model; there are activations, .*mentions"
    ):
        describe(explained.database, "calls")
    assert describe(explained.database, "_claims").columns[0].meaning is None


def test_a_client_that_attaches_the_file_is_told_the_same(tmp_path: Path) -> None:
    database = model.create(tmp_path / "made")
    said = describe(database, "mentions")
    model.finish(database)
    database = model.open_model(tmp_path / "made")
    assert describe(database, "mentions") == said
    database.close()
    with duckdb.connect(tmp_path / "made", read_only=True) as reader:
        assert describe(reader, "mentions") == said
        assert reader.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'mentions' AND column_name = 'url'"
        ).fetchall() == [("opens the video at the second of the quote",)]


def test_no_view_says_what_older_clients_cannot_read(explained: Told) -> None:
    """DuckDB 1.x knows if() where it is typed, and not in a view that 2.0 has stored."""
    stored = explained.rows("SELECT sql FROM duckdb_views() WHERE NOT internal")
    assert [text for (text,) in stored if re.search(r"\bif\W*\(", str(text), re.IGNORECASE)] == []
