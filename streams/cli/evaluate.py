"""`earmark evaluate`: how well a prompt hears, against calls that a person heard."""

import click

from streams.cli.terminal import say
from streams.evaluation.gold import sentence
from streams.evaluation.read_gold import read_gold


@click.command()
@click.argument("gold")
def evaluate(gold: str) -> None:
    """Read the gold set GOLD and say what is in it: a folder, a CSV of VideoConviction, or `demo`."""
    say(sentence(read_gold(gold)), folds=True)
