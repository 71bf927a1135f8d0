"""A question is answered, refused or taken back by a person; where there is none, a sentence says what to type."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import streams.cli
from streams.cli.confirm import confirm
from streams.errors import EarmarkError


@click.command()
def verb() -> None:
    click.echo("yes" if confirm("Take them?") else "no")


@pytest.mark.parametrize(("typed", "said"), [("y\n", "yes"), ("n\n", "no"), ("\n", "no")])
def test_an_answer_is_taken_from_a_pipe_too(typed: str, said: str) -> None:
    assert CliRunner().invoke(verb, input=typed).output.splitlines()[-1].endswith(said)


def test_without_a_terminal_or_an_answer_a_sentence_says_what_to_type() -> None:
    result = CliRunner().invoke(verb, input="")
    assert isinstance(result.exception, EarmarkError)
    assert "Take them?" in str(result.exception)
    assert "--yes" in str(result.exception)


def test_who_sits_at_a_terminal_and_gives_no_answer_takes_it_back() -> None:
    ours, theirs = os.openpty()
    program = "import click; from streams.cli.confirm import confirm; click.command()(lambda: confirm('?'))()"
    os.write(ours, b"\x04")  # Ctrl-D
    ended = subprocess.run([sys.executable, "-c", program], stdin=theirs, capture_output=True, check=False)
    os.close(theirs)
    os.close(ours)
    assert (ended.returncode, ended.stderr.strip()) == (1, b"Aborted!")


def test_every_verb_asks_through_the_one_function() -> None:
    folder = Path(streams.cli.__file__ or "").parent
    asking = [file.name for file in folder.glob("*.py") if "click.confirm" in file.read_text()]
    assert asking == ["confirm.py"]
