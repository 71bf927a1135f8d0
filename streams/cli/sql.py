"""`earmark sql`: queries on the read model."""

import os
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path

import click

from projections import sql as reader
from streams.cli.tables import Column, Kind, blocks, choose, grid, show_table, shown
from streams.cli.terminal import say, window
from streams.settings import load, parse_duration

SHOWN = 1000
MOST_BYTES = 4 * 10**9
"""Of this process: there are functions that take memory past the engine's own limit."""
_LINK = re.compile(r"https?://\S+")
_BLANK = re.compile(r"\s")
_WORD = re.compile(r"\w+")
_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"} | {
    f"U{name}" for name in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
}
_BROKEN = ("FLOAT", "DOUBLE", "DECIMAL")
_NESTED = ("JSON", "STRUCT", "MAP", "UNION")


def _seconds(_context: click.Context, _option: click.Parameter, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not seconds:
        raise click.BadParameter("a query needs some time: write it like 90s, 3h or 1h30m")
    return seconds


@click.command("sql")
@click.argument("query", required=False)
@click.option(
    "--query-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read the query from a file.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", *reader.FORMATS]),
    help="How to print the rows; table unless --output names a .csv, .json or .parquet file.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option(
    "--timeout",
    "timeout_s",
    default="60s",
    show_default=True,
    callback=_seconds,
    metavar="DURATION",
    help="End the query after so long.",
)
@click.option("--describe", "described", metavar="NAME", help="Print what a table, view or macro holds.")
@click.option("--wide", is_flag=True, help="Show every column, however wide the rows become.")
@click.option("--vertical", is_flag=True, help="Show a row a block, a column a line.")
def sql(
    query: str | None,
    query_file: Path | None,
    output_format: str | None,
    output: Path | None,
    timeout_s: float,
    described: str | None,
    *,
    wide: bool,
    vertical: bool,
) -> None:
    """Query the read model in DuckDB's SQL, while the pipeline runs. Without a query, list what can be asked.

    A table is for people: as wide as the terminal, its numbers rounded, its times in UTC. csv, json and parquet are
    exact. A query can read the read model, and nothing else of this machine; what it prints stands at --output.

    \b
    earmark sql "FROM mentions"
    earmark sql "SELECT symbol, count(*) FROM mentions GROUP BY ALL" --format csv
    """  # noqa: D301  click reads the control character
    if sum(given is not None for given in (query, query_file, described)) > 1:
        raise click.UsageError("give one of them: a query, --query-file or --describe")
    home = load().home
    if described is not None:
        _describe(home, described)
        return
    if query_file is not None:
        query = query_file.read_text()
    if query is None:
        _list(home)
        return
    if output_format is None:
        suffix = "" if output is None else output.suffix.removeprefix(".")
        output_format = suffix if suffix in reader.FORMATS else "table"
    if output_format != "table" and (wide or vertical):
        raise click.UsageError(f"--wide and --vertical are for tables: leave them out with {output_format}")
    timeout = reader.Timeout(timeout_s, _give_up)
    with _memory_bounded():
        if output_format == "table":
            _show(reader.read(home, query, SHOWN, timeout), query, output, wide=wide, vertical=vertical)
        else:
            _write(home, query, output_format, output, timeout)


def _write(home: Path, query: str, file_format: str, output: Path | None, timeout: reader.Timeout) -> None:
    if output is not None:
        reader.write(home, query, file_format, output, timeout)
    elif not sys.stdout.isatty():
        reader.stream(home, query, file_format, click.get_binary_stream("stdout"), timeout)
    elif file_format == "parquet":
        raise click.UsageError("parquet is not for a terminal: name a file with --output")
    else:
        rows_as_text = BytesIO()
        reader.stream(home, query, file_format, rows_as_text, timeout)
        say(rows_as_text.getvalue().decode(errors="replace"), nl=False)


def _give_up(sentence: str) -> None:
    say(f"earmark: {sentence}", err=True)
    os._exit(reader.SqlError.exit_code)


@contextmanager
def _memory_bounded() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MOST_BYTES if soft == resource.RLIM_INFINITY else min(soft, MOST_BYTES)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _list(home: Path) -> None:
    from projections.describe import catalogue  # noqa: PLC0415  it brings the language, for the words

    with reader.snapshot(home) as database:
        reader.attach_words(database, home)
        rows = [(relation.called, relation.meaning) for relation in catalogue(database)]
    show_table([Column("name", "id"), Column("what its rows are")], rows)


def _describe(home: Path, name: str) -> None:
    from projections.describe import catalogue, describe  # noqa: PLC0415  likewise

    name = name.partition("(")[0].strip().lower()
    with reader.snapshot(home) as database:
        reader.attach_words(database, home)
        known = [relation.name for relation in catalogue(database, private=True)]
        if name not in known:
            nearest = get_close_matches(name, [each for each in known if not each.startswith("_")], 3, 0.5)
            advice = (
                f"did you mean {' or '.join(nearest)}?" if nearest else "`earmark sql` lists what there is"
            )
            raise reader.SqlError(f"there is no table, view or macro {name}: {advice}")
        found = describe(database, name)
    title = f"{found.relation.called}, a {found.relation.kind}"
    say(title if found.relation.meaning is None else f"{title}: {found.relation.meaning}", folds=True)
    if found.columns:
        long, short = "TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"
        rows = [(each.name, each.type.replace(long, short), each.meaning) for each in found.columns]
        show_table([Column("column", "id"), Column("type", "id"), Column("what it says")], rows)
    if found.relation.example is not None:
        say(f"For example: {found.relation.example}")


def _show(rows: reader.Rows, query: str, output: Path | None, *, wide: bool, vertical: bool) -> None:
    columns = [
        Column(name, kind_of(name, kind, [row[at] for row in rows.rows]))
        for at, (name, kind) in enumerate(zip(rows.columns, rows.types, strict=True))
    ]
    room = None if wide or output is not None else window()
    cells = [shown(columns, row) for row in rows.rows]
    hidden: list[str] = []
    if vertical:
        text = blocks(columns, cells, room)
    elif room is None:
        text = grid(columns, cells, None)
    else:
        choice = choose(columns, cells, room, set(_WORD.findall(query.casefold())))
        seen = sorted(choice.beside + choice.below)
        hidden = [column.name for at, column in enumerate(columns) if at not in seen]
        below = [seen.index(at) for at in choice.below]
        text = grid([columns[at] for at in seen], [[row[at] for at in seen] for row in cells], room, below)
    if output is None:
        say("\n".join(text))
    else:
        output.write_text("".join(f"{line}\n" for line in text))
    if hidden:
        hint = f"hidden: {', '.join(hidden)}; --wide shows all, --vertical a row a block"
        say(hint, err=True, folds=True)
    if rows.more:
        say(f"… the first {SHOWN} rows; --format csv, json or parquet gives them all", err=True, folds=True)


def kind_of(name: str, sql_type: str, values: Iterable[str | None]) -> Kind:
    """What a column is to a person: by DuckDB's type and, where that is a text or a number, by its name and values."""
    match sql_type:
        case _ if sql_type.endswith("]") or sql_type.startswith(_NESTED):
            return "json"
        case _ if sql_type in _WHOLE or sql_type.startswith(_BROKEN):
            return "money" if "usd" in name.casefold() else "count" if sql_type in _WHOLE else "number"
        case _ if sql_type.startswith("TIMESTAMP"):
            return "moment"
        case "UUID":
            return "id"
        case _:
            return _kind_of_text(name, [value for value in values if value])


def _kind_of_text(name: str, values: list[str]) -> Kind:
    if values and all(map(_LINK.fullmatch, values)):
        return "link"
    return "id" if name.casefold().endswith("id") and not any(map(_BLANK.search, values)) else "text"
