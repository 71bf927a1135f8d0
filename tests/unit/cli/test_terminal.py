"""No control character of a stranger reaches a terminal, from any verb; a file or a pipe gets what was said."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

import streams.cli
from streams.app.diagnostics import Lines
from streams.cli.terminal import printable
from tests.builders.pseudo_terminal import on_a_terminal
from tests.builders.read_model_world import PROMPTS, activated, completed, video
from tests.builders.snapshot import publish

ODD = "NUL \0 escape \x1b[2J bell \a C1 \x9b2J return \r right-to-left \u202e end"


def shown_to_a_person(*command: str, home: Path) -> str:
    return on_a_terminal(command, 400, {"EARMARK_HOME": str(home)}, home)


def commands(shown: str) -> set[str]:
    """The characters in it that a terminal would obey."""
    return {character for character in shown if not character.isprintable() and character not in "\n\t"}


@pytest.mark.parametrize(
    ("text", "layout", "shown"),
    [
        ("a\0b\x1b[2Jc\x7fd\x9be\u202ef\u2028g", "", "a b [2Jc d e f g"),
        ("a\nb\tc\rd", "", "a b c d"),
        ("a\nb\tc\rd", "\n\t", "a\nb\tc d"),
        (
            "\U0001f469\u200d\U0001f680 \u0645\u06cc\u200c\u062e\u0648",
            "",
            "\U0001f469\u200d\U0001f680 \u0645\u06cc\u200c\u062e\u0648",
        ),
    ],
)
def test_a_control_character_becomes_a_blank_and_what_joins_letters_stays(
    text: str, layout: str, shown: str
) -> None:
    assert printable(text, layout) == shown


def test_a_log_line_commands_nothing() -> None:
    record = logging.LogRecord("n", logging.ERROR, "", 0, "it said %s", (ODD,), None)
    assert commands(Lines("worker").format(record)) == set()


def test_what_is_said_reaches_a_pipe_as_it_is_and_a_terminal_without_control_characters(
    tmp_path: Path,
) -> None:
    command = [
        sys.executable,
        "-c",
        f"from streams.cli.terminal import say; say({ODD!r}); say({ODD!r}, err=True)",
    ]
    piped = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path)
    assert piped.stdout.decode() == piped.stderr.decode() == f"{ODD}\n"
    shown = shown_to_a_person(*command, home=tmp_path)
    assert shown.count("escape  [2J bell") == 2
    assert commands(shown) == set()


EARMARK = (sys.executable, "-c", "from streams.cli.main import main; main()")


@pytest.fixture(scope="module")
def odd_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a read model has an outlook whose summary is ODD."""
    home = tmp_path_factory.mktemp("home")
    analysis = completed(video(1), PROMPTS[0], UUID(int=1)).model_copy(update={"summary": ODD})
    publish(home, *activated(PROMPTS[0], 0, None), analysis)
    return home


SUMMARIES = ("sql", "SELECT summary FROM outlooks", "--format")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_sql_shows_a_strangers_words_in_every_form(odd_home: Path, form: str) -> None:
    shown = shown_to_a_person(*EARMARK, *SUMMARIES, form, home=odd_home)
    assert "right-to-left" in shown
    assert commands(shown) == set()


@pytest.mark.parametrize(
    ("form", "unescaped"), [("csv", str), ("json", lambda text: json.loads(text)[0]["summary"])]
)
def test_sql_pipes_a_strangers_words_as_they_are(
    odd_home: Path, form: str, unescaped: Callable[[str], str]
) -> None:
    environment = {**os.environ, "EARMARK_HOME": str(odd_home)}
    command = [*EARMARK, *SUMMARIES, form]
    piped = subprocess.run(command, capture_output=True, check=True, cwd=odd_home, env=environment)
    assert ODD in unescaped(piped.stdout.decode())


def test_an_error_shows_a_strangers_words(odd_home: Path) -> None:
    shown = shown_to_a_person(*EARMARK, "sql", "SELECT \x1b[2J", home=odd_home)
    assert "earmark: " in shown
    assert commands(shown) == set()


def test_every_verb_prints_through_the_one_function() -> None:
    folder = Path(streams.cli.__file__ or "").parent
    others = [file.name for file in folder.glob("*.py") if "click.echo" in file.read_text()]
    assert others == [], "print with `say` of streams/cli/terminal.py"
