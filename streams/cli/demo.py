"""`earmark demo`: the main job on the sample channel."""

import asyncio
import sys

import click
from rich.console import Console

from streams.demo import run
from streams.settings import load


@click.command()
def demo() -> None:
    """Show it all on a sample channel: no key, no network, scripted answers; exits 1 if a check fails."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    if not asyncio.run(run.demo((load().home / "demo").absolute(), console)):
        sys.exit(1)
