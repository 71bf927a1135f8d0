"""What the newest snapshot says of itself: its tables, views and macros, and what each column means."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from duckdb import DuckDBPyConnection

from projections.sql import SqlError, attach_words, snapshot

_RELATIONS = """
SELECT table_name AS name, 'table' AS kind, NULL AS arguments, comment FROM duckdb_tables()
UNION
SELECT view_name, 'view', NULL, comment FROM duckdb_views() WHERE NOT internal
UNION
SELECT function_name, if(function_type = 'macro', 'function', 'macro'), parameters, comment
FROM duckdb_functions() WHERE NOT internal AND function_type IN ('macro', 'table_macro')
ORDER BY name
"""
_COLUMNS = """
SELECT column_name, comment FROM duckdb_columns() WHERE NOT internal AND table_name = ? ORDER BY column_index
"""


@dataclass(frozen=True)
class Relation:
    """A table or view; or a macro, which stands for a table, or a function, each with the names of its `arguments`."""

    name: str
    kind: str
    arguments: Sequence[str] | None
    meaning: str | None

    @property
    def call(self) -> str:
        """As one writes it in a query."""
        return self.name if self.arguments is None else f"{self.name}({', '.join(self.arguments)})"


@dataclass(frozen=True)
class Column:
    """A column, DuckDB's type of it, and what it means."""

    name: str
    type: str
    meaning: str | None


def catalogue(home: Path) -> list[Relation]:
    """Every table, view, macro and function for people, with its meaning; those for the views begin with `_`."""
    with snapshot(home) as database:
        attach_words(database, home)
        return [relation for relation in _relations(database) if not relation.name.startswith("_")]


def describe(home: Path, name: str) -> tuple[Relation, list[Column]]:
    """A relation and its columns; a function has none. Raises SqlError for a name that there is not."""
    with snapshot(home) as database:
        attach_words(database, home)
        known = {relation.name: relation for relation in _relations(database)}
        relation = known.get(name.partition("(")[0].strip().casefold())
        if relation is None:
            raise SqlError(_unknown(name, known))
        return relation, columns_of(database, relation)


def _relations(database: DuckDBPyConnection) -> list[Relation]:
    return [Relation(*row) for row in database.execute(_RELATIONS).fetchall()]


def columns_of(database: DuckDBPyConnection, relation: Relation) -> list[Column]:
    """The columns of a relation, in their order."""
    if relation.kind == "function":
        return []
    source = relation.name
    if relation.arguments is not None:
        source += f"({', '.join(['NULL'] * len(relation.arguments))})"
    meanings = dict(database.execute(_COLUMNS, [relation.name]).fetchall())
    return [
        Column(column, of_type.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"), meanings.get(column))
        for column, of_type, *_ in database.execute(f"DESCRIBE FROM {source}").fetchall()
    ]


def _unknown(name: str, known: dict[str, Relation]) -> str:
    public = [other for other in known if not other.startswith("_")]
    nearest = get_close_matches(name.casefold(), public, 3, 0.5)
    advice = f"did you mean {' or '.join(nearest)}?" if nearest else "`earmark sql` lists what there is"
    return f"there is no table, view or macro {name}: {advice}"
