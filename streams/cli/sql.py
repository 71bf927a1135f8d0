"""`earmark sql`: queries on the read model."""

import sys
from io import BytesIO
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from projections import sql as reader
from streams.cli.terminal import PIPED, cell, console, say
from streams.settings import load

SHOWN = 1000


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
def sql(query: str | None, query_file: Path | None, output_format: str | None, output: Path | None) -> None:
    """Query the read model in DuckDB's SQL, while the pipeline runs. Without a query, list its tables and views.

    \b
    earmark sql "FROM mentions"
    earmark sql "SELECT symbol, count(*) FROM mentions GROUP BY ALL" --format csv
    """  # noqa: D301  click reads the control character
    if query is not None and query_file is not None:
        raise click.UsageError("give a query or --query-file, not both")
    home = load().home
    if query_file is not None:
        query = query_file.read_text()
    if query is None:
        _list(reader.catalogue(home))
        return
    if output_format is None:
        suffix = "" if output is None else output.suffix.removeprefix(".")
        output_format = suffix if suffix in reader.FORMATS else "table"
    if output_format == "table":
        rows = reader.read(home, query, SHOWN)
        if output is None:
            _print(rows, console())
        else:
            with output.open("w") as file:
                _print(rows, Console(file=file, width=PIPED))
    elif output is not None:
        reader.write(home, query, output_format, output)
    elif output_format == "parquet" and sys.stdout.isatty():
        raise click.UsageError("parquet is not for a terminal: name a file with --output")
    elif sys.stdout.isatty():
        rows_as_text = BytesIO()
        reader.stream(home, query, output_format, rows_as_text)
        say(rows_as_text.getvalue().decode(errors="replace"), nl=False)
    else:
        reader.stream(home, query, output_format, click.get_binary_stream("stdout"))


def _list(entries: list[tuple[str, str]]) -> None:
    table = Table(box=None, show_header=False)
    for entry in entries:
        table.add_row(*entry)
    console().print(table)


def _print(rows: reader.Rows, out: Console) -> None:
    table = Table()
    for name, numeric in zip(rows.columns, rows.numeric, strict=True):
        table.add_column(cell(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows.rows:
        table.add_row(*map(cell, row))
    out.print(table)
    if rows.more:
        say(f"… the first {SHOWN} rows; --format csv, json or parquet gives them all", err=True)
