"""`earmark settings`: what is set, and where it was set."""

import click
from pydantic import SecretStr

from streams.cli.tables import Column, show_table
from streams.settings import load, sources, variable


@click.command()
def settings() -> None:
    """Print each setting with its value and where it comes from: the environment, the .env file, or the default."""
    loaded = load()
    rows = [(variable(field), _shown(getattr(loaded, field)), source) for field, source in sources().items()]
    show_table([Column("setting", "id"), Column("value"), Column("from")], rows)


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
