"""Every verb says what it is for, and the pages name verbs that there are."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterable

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import VERBS as LISTED
from streams.cli.main import earmark
from tests.docs.pages import PAGES, VERBS
from tests.docs.readme import summary, verbs

COMMANDS = dict(verbs())
# `earmark …`, in a block or between backticks, with the variables or the path it may begin with.
MENTION = re.compile(r"(?:^|[ /(])earmark ([a-z].*)")


def found_in(texts: Iterable[str]) -> list[str]:
    """What stands behind every `earmark` in some texts."""
    found = [match[1] for text in texts for match in MENTION.finditer(text)]
    return sorted({re.split(r" [|─]| > ", text)[0].strip() for text in found})


TYPED = found_in(line.partition("  #")[0] for page in PAGES for block in page.blocks for line in block.lines)
NAMED = found_in(span for page in PAGES for span in page.spans)


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_verb_has_help(verb: str) -> None:
    """One sentence at least, and the usage."""
    result = CliRunner().invoke(earmark, [*verb.split(), "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage: ")
    assert re.fullmatch(r"[A-Z].{10,}", summary(COMMANDS[verb]))
    assert (COMMANDS[verb].help or "").rstrip().partition("\n\n")[0].endswith(".")


def test_the_list_of_verbs_says_what_they_say_themselves() -> None:
    """It is printed without asking them, for that would import everything."""
    assert {name: verb.meaning for name, verb in LISTED.items()} == {
        name: summary(COMMANDS[name]) for name in LISTED
    }
    shown = CliRunner().invoke(earmark, []).output
    for name in LISTED:
        assert f"  {name} " in shown


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    """Not what a verb alone needs by the list of verbs, nor what a process alone needs by all the others."""
    program = """if True:
        import sys
        from streams.cli.main import earmark
        earmark(["--help"], standalone_mode=False)
        print("then:", *{"asyncio", "pydantic", "duckdb"} & {*sys.modules})
        import streams.app.processes
        alone = {"aiohttp", "anthropic", "duckdb", "faust", "genai_prices", "icu4py", "pytickersymbols"}
        print("then:", *alone & {*sys.modules})
    """
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split("then:")[1:] == ["\n", "\n"]


@pytest.mark.parametrize(
    "verb", [verb for verb, command in COMMANDS.items() if not isinstance(command, click.Group)]
)
def test_a_verb_stands_on_the_page_of_verbs_with_every_option(verb: str) -> None:
    assert re.search(rf"^\| `earmark {verb}\b", VERBS.text, re.MULTILINE)
    _, _, below = VERBS.text.partition(f"\n### {verb}\n")
    options = [option for option in COMMANDS[verb].params if isinstance(option, click.Option)]
    said = below.partition("\n### ")[0]
    assert [option.opts[0] for option in options if f"| `{option.opts[0]}" not in said] == []


def understood(text: str) -> tuple[click.Command, click.Context, list[str]]:
    """The verb that a text names, its context, and what stands behind it; placeholders stand for arguments."""
    words = [word for word in shlex.split(text) if word != "…"]
    command: click.Command = earmark
    context = click.Context(earmark, info_name="earmark")
    while isinstance(command, click.Group) and words:
        name = words.pop(0)
        verb = command.get_command(context, name)
        assert verb is not None, f"there is no verb {name!r}"
        command = verb
    return command, context, words


@pytest.mark.parametrize("text", TYPED)
def test_what_the_pages_type_is_understood(text: str) -> None:
    """By the real command line, options and all."""
    command, context, words = understood(text)
    assert not isinstance(command, click.Group)
    command.make_context(command.name, words, parent=context)


@pytest.mark.parametrize("text", NAMED)
def test_what_the_pages_name_is_understood(text: str) -> None:
    """A verb may be named without what it needs."""
    command, context, words = understood(text)
    if words:
        command.make_context(command.name, words, parent=context)


def test_the_mentions_are_found() -> None:
    assert {"up", "sql", "signals tail --symbol PLTR --from beginning"} <= set(TYPED)
    assert {"signals contract", "rebuild"} <= set(NAMED)
