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
            f"“{question}” needs an answer, and there is no terminal to type it at: give --yes"
        ) from None
