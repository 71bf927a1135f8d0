"""What people see: tables as wide as their terminal, and text that cannot command it."""

import sys

from rich.console import Console

PIPED = 100_000
"""Columns where no terminal reads: no row is folded."""


def console(piped: int = PIPED) -> Console:
    """A console on stdout: as wide as the terminal, or `piped` columns where something else reads."""
    return Console() if sys.stdout.isatty() else Console(width=piped)


def printable(line: str) -> str:
    """One line without control characters: the words are a stranger's, and a terminal obeys them."""
    return "".join(character if character.isprintable() else " " for character in line)
