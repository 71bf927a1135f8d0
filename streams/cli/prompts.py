"""`earmark prompts`: the prompts in the log, and which of them is active."""

import asyncio
from difflib import unified_diff
from pathlib import Path

import click

from streams.app.processes import model_limit
from streams.budget.prices import price
from streams.cli.confirm import confirm
from streams.cli.log import open_log
from streams.cli.tables import Column, show_table
from streams.cli.terminal import say
from streams.clock import utc_now
from streams.errors import RefusedError
from streams.events.ledger import Usage
from streams.events.prompts import Prompt
from streams.log.publish import publisher
from streams.prompts.files import read_prompt
from streams.prompts.registry import Prompts, activation, named, read_prompts, registration
from streams.replay.activate import Difference, activate, difference
from streams.settings import Settings, load

MARKERS_LIMIT_S = 20.0
COLUMNS = (
    Column("name", "id"),
    Column("id", "id"),
    Column("model", "id"),
    Column("effort"),
    Column("max_tokens", "count"),
    Column("registered (UTC)", "minute"),
    Column("state"),
)


@click.group()
def prompts() -> None:
    """Prompts for Claude. The log keeps them; they are never edited; exactly one is active."""


@prompts.command("list")
def list_prompts() -> None:
    """List the registered prompts: name, id, model, effort, max_tokens, time of registration, and which is active."""
    found = asyncio.run(_read())
    if not found.by_name:
        say("no prompt is registered: earmark prompts register FILE")
        return
    rows = [
        (
            name,
            prompt.prompt_id,
            prompt.model,
            prompt.effort,
            prompt.max_tokens,
            found.registered_at[name],
            "active" if prompt == found.active else "",
        )
        for name, prompt in found.by_name.items()
    ]
    show_table(COLUMNS, rows)


@prompts.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the prompt NAME as a file. To change it, edit the file, give it a new name and register it."""
    say(_as_file(named(asyncio.run(_read()), name)))


@prompts.command()
@click.argument("a")
@click.argument("b")
def diff(a: str, b: str) -> None:
    """Print a unified diff from prompt A to prompt B, settings included."""
    found = asyncio.run(_read())
    say(_diff(named(found, a), named(found, b)))


@prompts.command()
@click.argument("file", type=click.Path(path_type=Path))
def register(file: Path) -> None:
    """Register the prompt in FILE; exit 3 if its name has other words, its model no known list price, or its max_tokens are above the model's limit."""
    prompt = read_prompt(file)
    price(prompt.model, Usage(input_tokens=1, output_tokens=1))
    asyncio.run(_register(prompt, load()))


async def _register(prompt: Prompt, settings: Settings) -> None:
    limit = await model_limit(settings, prompt.model)
    if limit is None:
        say(f"the limit of model {prompt.model} is not known here: its max_tokens are not checked", err=True)
    elif limit == 0:
        say(
            f"Claude's API knows no model {prompt.model}: nobody will be asked with this prompt while that is so",
            err=True,
        )
    elif prompt.max_tokens > limit:
        raise RefusedError(
            f"prompt {prompt.name} asks for {prompt.max_tokens} max_tokens, and an answer of {prompt.model} may have {limit}"
            " at most: lower max_tokens"
        )
    connection = await open_log(settings)
    found = await read_prompts(connection)
    try:
        registered = registration(found, prompt, utc_now())
        if registered is None:
            say(f"{prompt.name} is registered already, as {prompt.prompt_id}")
            return
        async with publisher(connection) as out:
            await out.append(registered)
        # Somebody may have taken the name meanwhile: the log knows who was first.
        found = await read_prompts(connection)
        registration(found, prompt, utc_now())
    except RefusedError:
        say(_diff(found.by_name[prompt.name], prompt), err=True)
        raise
    say(f"{prompt.name} is registered as {prompt.prompt_id}; no request uses it yet")


@prompts.command("activate")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only print what it would publish.")
@click.option("--yes", is_flag=True, help="Activate without printing the differences and without asking.")
def activate_prompt(name: str, *, dry_run: bool, yes: bool) -> None:
    """Make NAME the active prompt: its analyses become current, and the differences are published.

    To roll back, activate the previous prompt.
    """
    asyncio.run(_activate(name, dry_run=dry_run, yes=yes))


async def _activate(name: str, *, dry_run: bool, yes: bool) -> None:
    connection = await open_log(load())
    found = await read_prompts(connection)
    prompt = named(found, name)
    if prompt == found.active:
        say(f"{name} is active already")
        return
    if dry_run or not yes:
        say(_in_words(name, await difference(connection, prompt.prompt_id, utc_now())))
    if dry_run or not (yes or confirm("Activate it?")):
        return
    async with publisher(connection) as out:
        event = activation(await read_prompts(connection), name, utc_now())
        marked = await activate(connection, out, event, MARKERS_LIMIT_S)
    say(
        f"{name} is active: new videos are analysed with it, and a worker publishes the differences now"
        if marked
        else f"{name} will be active as soon as a worker runs: no worker has processed the activation yet"
    )


def _in_words(name: str, found: Difference) -> str:
    counts = ", ".join(f"{number} {kind}" for kind, number in sorted(found.signals.items()))
    return (
        f"activating {name} publishes {counts or 'no signal'}, with cause=activation\n"
        f"videos that switch to it: {found.switched}; that have no analysis under it and keep theirs: {found.kept}"
    )


def _as_file(prompt: Prompt) -> str:
    schema = "" if prompt.schema_version == 1 else f"schema_version: {prompt.schema_version}\n"
    return (
        f"---\nname: {prompt.name}\nmodel: {prompt.model}\nmax_tokens: {prompt.max_tokens}\neffort: {prompt.effort}\n"
        f"{schema}---\n{prompt.words}"
    )


def _diff(a: Prompt, b: Prompt) -> str:
    before, after = (
        f"{_as_file(prompt)}\n(answer schema {prompt.schema_version})".splitlines() for prompt in (a, b)
    )
    return "\n".join(
        unified_diff(before, after, f"{a.name} {a.prompt_id}", f"{b.name} {b.prompt_id}", lineterm="")
    )


async def _read() -> Prompts:
    return await read_prompts(await open_log(load()))
