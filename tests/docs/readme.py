"""What the code writes of the pages: `python -m tests.docs.readme` writes it anew, between the markers of each page."""

import re
from collections.abc import Callable, Iterator, Mapping

import click
import duckdb

from projections import transcripts
from projections.describe import Column, Description, Relation, catalogue, comment, describe
from projections.ingest import TABLES
from projections.model import define
from streams.cli.main import earmark
from streams.events.event import Event
from streams.log.topics import TOPICS, Topic
from streams.metrics import DECLARED
from streams.settings import Settings, variable
from tests.docs.pages import PAGES, ROOT, Page


def verbs(group: click.Group = earmark, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every verb of the command line with its command; those of a group stand behind the group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))


def help_of(command: click.Command) -> list[str]:
    """A command's help, a paragraph each; one that must keep its lines begins with a control character."""
    return (command.help or "").split("\n\n")


def summary(command: click.Command) -> str:
    """The first sentence of a command's help."""
    paragraph = " ".join(help_of(command)[0].split())
    return paragraph.partition(". ")[0].removesuffix(".")


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


def verbs_section() -> str:
    """The verbs in a table, then each with all of its help and its options."""
    leaves = [(name, command) for name, command in verbs() if not isinstance(command, click.Group)]
    rows = [
        f"| `earmark {' '.join([name, *arguments(command)])}` | {summary(command)} |"
        for name, command in leaves
    ]
    table = "\n".join(["| command | |", "|---|---|", *rows])
    return "\n\n".join([table, *(_verb(name, command) for name, command in leaves if _has_more(command))])


def _options(command: click.Command) -> list[click.Option]:
    return [option for option in command.params if isinstance(option, click.Option)]


def _has_more(command: click.Command) -> bool:
    """Whether a command says more than its line in the table."""
    return bool(_options(command)) or " ".join((command.help or "").split()) != f"{summary(command)}."


def _verb(name: str, command: click.Command) -> str:
    parts = [f"### {name}"]
    for paragraph in help_of(command):
        if paragraph.lstrip().startswith("\b"):
            lines = [line.strip() for line in paragraph.strip().splitlines()[1:]]
            parts.append("\n".join(["```text", *lines, "```"]))
        else:
            parts.append(_lines(" ".join(paragraph.split())))
    if options := _options(command):
        context = click.Context(command)
        rows = [record for option in options if (record := option.get_help_record(context)) is not None]
        cells = [f"| `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in rows]
        parts.append("\n".join(["| option | |", "|---|---|", *cells]))
    return "\n\n".join(parts)


def settings_section() -> str:
    """The settings as the code has them; the values are those of .env.example, whose own test holds them."""
    example = (ROOT / ".env.example").read_text()
    values = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", example, re.MULTILINE))
    rows = []
    for name, field in Settings.model_fields.items():
        value = values[variable(name)]
        rows.append(f"| `{variable(name)}` | {f'`{value}`' if value else ''} | {field.description} |")
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows])


def metrics_section() -> str:
    """The metrics as they are declared."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.meaning} |"
        for metric in DECLARED
    ]
    return "\n".join(["| metric | | labels | |", "|---|---|---|---|", *rows])


def events_section() -> str:
    """The topics with their events: what each says and what it carries."""
    count = sum(len(topic.types) for topic in TOPICS)
    parts = [f"There are {count} events in {len(TOPICS)} topics."]
    return "\n\n".join([*parts, *map(_topic, TOPICS)])


def _topic(topic: Topic) -> str:
    partitions = "1 partition" if topic.partitions == 1 else f"{topic.partitions} partitions"
    rows = [f"| {kind.__name__} | {_says(kind)} | {_carries(kind)} |" for kind in topic.types]
    return "\n".join(
        [f"**`{topic.name}`**, {partitions}", "", "| event | | carries |", "|---|---|---|", *rows]
    )


def _says(kind: type[Event]) -> str:
    return _cell(" ".join((kind.__doc__ or "").partition("\n\n")[0].split()))


def _carries(kind: type[Event]) -> str:
    return ", ".join(name for name in kind.model_fields if name != "at")


def relations_section() -> str:
    """The tables, views and macros of the read model with their columns: those for people, then what serves the views."""
    with duckdb.connect() as database:
        define(database)
        comment(database)
        found = [describe(database, relation.name) for relation in catalogue(database, private=True)]
    for_people = [_relation(one) for one in found if one.relation.name[0] != "_"]
    behind = [
        f"| `{one.relation.name}` | {_what(one.relation)} | {', '.join(map(_column, one.columns))} |"
        for one in found
        if one.relation.name[0] == "_" and one.columns
    ]
    table = "\n".join(["### Behind the views", "", "| name | | columns |", "|---|---|---|", *behind])
    return "\n\n".join([*for_people, table])


def said_section() -> str:
    """What stands in the words' own file, for people."""
    with duckdb.connect() as database:
        transcripts.define(database)
        found = [describe(database, relation.name) for relation in catalogue(database)]
    return "\n\n".join(map(_relation, found))


def _relation(found: Description) -> str:
    relation = found.relation
    parts = [f"### {relation.called}", f"A {_what(relation)}."]
    if relation.example:
        parts.append(f"```sql\n{relation.example}\n```")
    if found.columns:
        rows = [f"| {_column(column)} | {_cell(column.meaning or '')} |" for column in found.columns]
        parts.append("\n".join(["| column | |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def _column(column: Column) -> str:
    return f"`{column.name}` {column.type.replace('TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ')}"


def _what(relation: Relation) -> str:
    """What a relation is, which events fill it, and what it means."""
    types = [event for table in TABLES if table.name == relation.name for event in sorted(table.types)]
    filled = f", filled by {', '.join(types)}" if types else ""
    return relation.kind + filled + (f": {relation.meaning}" if relation.meaning else "")


def _lines(text: str) -> str:
    """A line for each sentence."""
    return re.sub(r"(?<=[.!?]) (?=[A-Z])", "\n", text)


def _cell(text: str) -> str:
    """Text as it may stand in a table."""
    return text.replace("|", "\\|").replace("<", "\\<")


SECTIONS: Mapping[str, Callable[[], str]] = {
    "verbs": verbs_section,
    "settings": settings_section,
    "metrics": metrics_section,
    "events": events_section,
    "relations": relations_section,
    "said": said_section,
}


def up_to_date(page: Page) -> str:
    """A page as it should be: what stands between its markers comes from the code."""
    text = page.text
    for name, section in SECTIONS.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if marked.search(text):
            body = section()
            text = marked.sub(lambda match, body=body: f"{match[1]}\n{body}\n\n{match[2]}", text)
    return text


if __name__ == "__main__":
    for written in PAGES:
        written.file.write_text(up_to_date(written))
