"""README.md as the tests read it. `python -m tests.docs.readme` writes its tables of verbs and settings anew."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from streams.cli.main import earmark
from streams.settings import Settings, variable

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the heading above it."""

    heading: str
    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """What stands in it, without empty lines and lines that are only a comment."""
        return [line for line in self.text.splitlines() if line.strip() and not line.startswith("#")]


def blocks() -> list[Block]:
    """Every fenced block, in order."""
    found, heading = [], ""
    part = re.compile(r"^#+ (?P<heading>.+)|^```(?P<language>\w+)\n(?P<text>[\s\S]*?)^```$", re.MULTILINE)
    for match in part.finditer(README.read_text()):
        if match["heading"] is not None:
            heading = match["heading"]
        else:
            found.append(Block(heading, match["language"], match["text"]))
    return found


def commands(heading: str | None = None) -> list[str]:
    """Every command in a shell block, under a heading or at all, as one types it: without its comment."""
    return [
        line.partition("  #")[0].rstrip()
        for block in blocks()
        if block.language == "shell" and heading in (None, block.heading)
        for line in block.lines
    ]


def verbs(group: click.Group = earmark, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every verb of the command line with its command; those of a group stand behind the group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))


def summary(command: click.Command) -> str:
    """The first sentence of a command's help."""
    paragraph = " ".join((command.help or "").partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".")


def verbs_table() -> str:
    """The verbs as the command line has them."""
    rows = [
        f"| `earmark {' '.join([name, *arguments(command)])}` | {summary(command)} |"
        for name, command in verbs()
        if not isinstance(command, click.Group)
    ]
    return "\n".join(["| command | |", "|---|---|", *rows])


def arguments(command: click.Command) -> list[str]:
    """What a command must or may be given besides options that can be left out, as its usage line has it."""
    context = click.Context(command)
    shown = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            shown.append(parameter.make_metavar(context))
        elif parameter.required:
            shown.append(f"{parameter.opts[0]} {parameter.make_metavar(context)}")
    return shown


def prose() -> list[str]:
    """The lines that are neither heading nor marker, and neither in a block nor in a table."""
    text = re.sub(r"^```.*?^```$", "", README.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [line for line in text.splitlines() if line and not line.startswith(("|", "#", "<!--"))]


def settings_table() -> str:
    """The settings as the code has them; the values are those of .env.example, whose own test holds them."""
    example = (ROOT / ".env.example").read_text()
    values = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    rows = []
    for name, field in Settings.model_fields.items():
        value = values[variable(name)]
        rows.append(f"| `{variable(name)}` | {f'`{value}`' if value else ''} | {field.description} |")
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows])


def up_to_date() -> str:
    """README.md as it should be: what stands between its markers comes from the code."""
    text = README.read_text()
    for name, table in (("verbs", verbs_table()), ("settings", settings_table())):
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda match, table=table: f"{match[1]}\n{table}\n\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
    return text


if __name__ == "__main__":
    README.write_text(up_to_date())
