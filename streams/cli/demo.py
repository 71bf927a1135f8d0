"""`earmark demo`: the main job on the sample channel."""

import asyncio
import sys

import click

from streams.cli.terminal import say
from streams.demo import run
from streams.settings import load


@click.command()
def demo() -> None:
    """Run the whole pipeline on a sample channel, without key or network, with scripted answers; exit 1 if a check fails."""
    if not asyncio.run(run.demo((load().home / "demo").absolute(), say)):
        sys.exit(1)
