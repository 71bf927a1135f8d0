"""Questions to whoever typed the verb."""

import sys

import click

from streams.cli.terminal import say
from streams.errors import EarmarkError


def confirm(question: str) -> bool:
    """Whether the answer is yes. Raises EarmarkError where nobody can give one."""
    try:
        return click.confirm(question)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        say("")
        raise EarmarkError(
            f"“{question}” has no answer, for there is no terminal here to type it at: nothing is done; with --yes it"
            " is not asked"
        ) from None
