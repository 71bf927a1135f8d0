"""`earmark demo`: the main job on the sample channel."""

import asyncio
import sys

import click
from rich.console import Console

from streams.demo import run
from streams.settings import load


@click.command()
def demo() -> None:
    """Run the whole pipeline on a sample channel, without key or network, with scripted answers; exit 1 if a check fails."""
    if not asyncio.run(run.demo((load().home / "demo").absolute(), Console(width=160))):
        sys.exit(1)
