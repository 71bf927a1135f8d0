"""Every verb says what it is for, and README.md names verbs that there are."""

import re
import shlex

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import earmark
from tests.docs.readme import README, blocks, prose, summary, verbs

VERBS = dict(verbs())
# `earmark …`, in a block or between backticks, with the variables or the path it may begin with.
MENTION = re.compile(r"(?:^|[ /(])earmark ([a-z].*)")


def mentions() -> list[str]:
    """What stands behind every `earmark` in README.md, but for the table of verbs, which the code writes."""
    typed = [line.partition("  #")[0] for block in blocks() for line in block.lines]
    spans = [span for line in prose() for span in re.findall(r"`([^`]+)`", line)]
    found = [match[1] for text in (*typed, *spans) for match in MENTION.finditer(text)]
    return sorted({re.split(r" [|─]| > ", text)[0].strip() for text in found})


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_help(verb: str) -> None:
    """One sentence at least, and the usage."""
    result = CliRunner().invoke(earmark, [*verb.split(), "--help"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage: ")
    assert re.fullmatch(r"[A-Z].{10,}", summary(VERBS[verb]))
    assert (VERBS[verb].help or "").rstrip().partition("\n\n")[0].endswith(".")


@pytest.mark.parametrize(
    "verb", [verb for verb, command in VERBS.items() if not isinstance(command, click.Group)]
)
def test_a_verb_stands_in_the_readme(verb: str) -> None:
    assert re.search(rf"\bearmark {verb}\b", README.read_text())


@pytest.mark.parametrize("text", mentions())
def test_what_the_readme_types_is_understood(text: str) -> None:
    """By the real command line, options and all; placeholders stand for arguments."""
    words = [word for word in shlex.split(text) if word != "…"]
    command: click.Command | None = earmark
    context = click.Context(earmark, info_name="earmark")
    while isinstance(command, click.Group) and words:
        name = words.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"there is no verb {name!r}"
    assert command is not None
    if not isinstance(command, click.Group):
        command.make_context(command.name, words, parent=context)


def test_the_mentions_are_found() -> None:
    assert {
        "up",
        "sql",
        "signals tail --symbol PLTR --from beginning",
        "follow @SomeChannel --since 30d",
    } <= set(mentions())
