"""The models that tests begin with are those that `define` makes."""

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from projections.model import define
from tests.builders.empty_model import empty_model

CATALOGUE = {
    "columns": "SELECT * EXCLUDE (table_catalog) FROM information_schema.columns",
    "constraints": "SELECT table_name, constraint_type, constraint_text FROM duckdb_constraints()",
    "indexes": "SELECT index_name, table_name, sql FROM duckdb_indexes()",
    "macros": "SELECT function_name, parameters, macro_definition FROM duckdb_functions() WHERE NOT internal",
    "versions": "FROM _schema",
}
# DuckDB keeps what a view leaves out in no order.
VIEWS = """
SELECT view_name, list_sort(regexp_extract_all(sql, '\\w+')), comment FROM duckdb_views() WHERE NOT internal
"""


def sorted_rows(database: DuckDBPyConnection, query: str) -> list[str]:
    return sorted(map(repr, database.execute(query).fetchall()))


@pytest.mark.parametrize("query", [*CATALOGUE.values(), VIEWS], ids=[*CATALOGUE, "views"])
def test_a_copied_model_is_a_defined_one(query: str) -> None:
    with duckdb.connect() as made, empty_model() as copied:
        made.execute("SET TimeZone = 'UTC'")
        define(made)
        assert sorted_rows(copied, query) == sorted_rows(made, query)


def test_a_copied_model_is_written_to_like_any_other_and_no_other_sees_it() -> None:
    with empty_model() as one, empty_model() as other:
        [(before,)] = other.execute("SELECT count(*) FROM _schema").fetchall()
        one.execute("DELETE FROM _schema")
        assert one.execute("FROM _schema").fetchall() == []
        assert other.execute("SELECT count(*) FROM _schema").fetchall() == [(before,)]
