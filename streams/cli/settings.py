"""`earmark settings`: what is set, and where it was set."""

import click
from pydantic import SecretStr
from rich.table import Table

from streams.cli.terminal import cell, console
from streams.settings import load, sources, variable


@click.command()
def settings() -> None:
    """Print each setting with its value and where it comes from: the environment, the .env file, or the default."""
    loaded = load()
    table = Table(box=None)
    for name in ("setting", "value", "from"):
        table.add_column(name, overflow="fold")
    for field, source in sources().items():
        table.add_row(variable(field), cell(_shown(getattr(loaded, field))), source)
    console().print(table)


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case SecretStr():
            return "(set, not shown)"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
