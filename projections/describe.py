"""What the relations and macros of a read model mean, as the model says it itself.

Their words stand in the database as comments, where any client finds them; what has no place there, the columns of a
macro, is taken from where those words come from.
"""

from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from projections.words import words_of
from streams.errors import EarmarkError

_EXAMPLE = "; example: "
# `transcripts` is the words' own file, where it is attached.
_HERE = (
    "database_name IN (current_database(), 'transcripts') AND schema_name = current_schema() AND NOT internal"
)
_CATALOGUE = f"""
SELECT table_name AS name, 'table' AS kind, comment, NULL AS parameters FROM duckdb_tables() WHERE {_HERE}
UNION ALL
SELECT view_name, 'view', comment, NULL FROM duckdb_views() WHERE {_HERE}
UNION ALL
SELECT function_name, CASE function_type WHEN 'macro' THEN 'macro' ELSE 'table macro' END, comment, parameters
FROM duckdb_functions() WHERE {_HERE} AND function_type IN ('macro', 'table_macro')
ORDER BY starts_with(name, '_'), name
"""  # noqa: S608  our own words
_COLUMNS = f"""
SELECT column_name, data_type, comment FROM duckdb_columns()
WHERE {_HERE} AND table_name = ? AND NOT starts_with(column_name, '_')
ORDER BY column_index
"""  # noqa: S608


@dataclass(frozen=True)
class Column:
    """A column: its type as DuckDB writes it, and what it says."""

    name: str
    type: str
    meaning: str | None


@dataclass(frozen=True)
class Relation:
    """A table, a view, a table macro or a macro. `parameters`: a macro's, else none; `example`: how one is asked."""

    name: str
    kind: str
    meaning: str | None
    parameters: tuple[str, ...] = ()
    example: str | None = None

    @property
    def called(self) -> str:
        """Its name, a macro's with its parameters."""
        return f"{self.name}({', '.join(self.parameters)})" if "macro" in self.kind else self.name


@dataclass(frozen=True)
class Description:
    """A relation with its columns but the private ones; a macro that gives a value has none."""

    relation: Relation
    columns: tuple[Column, ...]


def comment(database: DuckDBPyConnection) -> None:
    """Write what the columns of every public table and view say into the database."""
    columns = database.execute(
        f"SELECT table_name, column_name FROM duckdb_columns() WHERE {_HERE} AND NOT starts_with(table_name, '_')"  # noqa: S608
    ).fetchall()
    said = [(table, name, words_of(table, name)) for table, name in columns]
    statements = [
        f"""COMMENT ON COLUMN "{table}"."{name}" IS '{words.replace("'", "''")}'"""
        for table, name, words in said
        if words is not None
    ]
    database.execute(";".join(statements))


def catalogue(database: DuckDBPyConnection, *, private: bool = False) -> list[Relation]:
    """All that there is to ask, by name; with `private`, what serves the views, too."""
    found = database.execute(_CATALOGUE).fetchall()
    relations = [_relation(*row) for row in found]
    return [relation for relation in relations if private or not relation.name.startswith("_")]


def describe(database: DuckDBPyConnection, name: str) -> Description:
    """One of them with its columns. Raises EarmarkError where nothing has that name."""
    relations = {relation.name: relation for relation in catalogue(database, private=True)}
    relation = relations.get(name.lower())
    if relation is None:
        public = ", ".join(known for known in relations if not known.startswith("_"))
        raise EarmarkError(f"there is no {name} in the read model; there are {public}")
    return Description(relation, tuple(_columns(database, relation)))


def _relation(name: str, kind: str, comment: str | None, parameters: list[str] | None) -> Relation:
    meaning, _, example = (comment or "").partition(_EXAMPLE)
    return Relation(name, kind, meaning or None, tuple(parameters or ()), example or None)


def _columns(database: DuckDBPyConnection, relation: Relation) -> list[Column]:
    if relation.kind in ("table", "view"):
        return [Column(*row) for row in database.execute(_COLUMNS, [relation.name]).fetchall()]
    if relation.kind == "macro":
        return []
    arguments = ", ".join("NULL" for _ in relation.parameters)
    rows = database.execute(f"DESCRIBE FROM {relation.name}({arguments})").fetchall()
    return [Column(name, of_type, words_of(relation.name, name)) for name, of_type, *_ in rows]
