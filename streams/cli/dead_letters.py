"""`earmark dead-letters`: what could not be handled, and its way back."""

import asyncio
from collections.abc import Iterable, Iterator

import click

from streams.app.letters import letters_of, whole
from streams.app.letters import retry as retry_letters
from streams.cli.log import open_log
from streams.cli.tables import Column, show_table
from streams.cli.terminal import printable, say
from streams.clock import utc_now
from streams.errors import RefusedError
from streams.events.dead_letters import DeadLettered
from streams.log.fetch import fetcher
from streams.log.letters import Letter, Letters
from streams.settings import load

SHOWN = 2000
ERROR_SHOWN = 100
COLUMNS = (
    Column("ID", "count"),
    Column("time", "moment"),
    Column("place", "id"),
    Column("key", "id"),
    Column("handler", "id"),
    Column("error"),
    Column("state"),
)


@click.group("dead-letters")
def dead_letters() -> None:
    """Messages that no retry of the worker helped: which, why, and handling them again."""


@dead_letters.command("list")
@click.option("--all", "every", is_flag=True, help="Those that were retried, too.")
def list_(*, every: bool) -> None:
    """List the open dead letters: number, time, place, key, handler and error."""
    letters = asyncio.run(_letters())
    shown = list(letters.by_number.values()) if every else letters.open()
    if shown:
        show_table(COLUMNS, _rows(shown, letters))
    else:
        say("there are no dead letters" if every else "no dead letter is open")
    if letters.unreadable:
        say(f"{letters.unreadable} records of the topic cannot be read", err=True)


@dead_letters.command()
@click.argument("number", type=click.IntRange(min=0), metavar="ID")
def show(number: int) -> None:
    """Print the dead letter ID: where its message stood, why it failed, its key, headers and bytes as text."""
    letters, letter = asyncio.run(_whole(number))
    known = letters.by_number[number]
    for line in _lines(letter, letters.refusal(known)):
        say(printable(line))


@dead_letters.command()
@click.argument("numbers", type=click.IntRange(min=0), nargs=-1, metavar="ID...")
@click.option("--all", "every", is_flag=True, help="Every open letter that can be retried.")
def retry(numbers: tuple[int, ...], *, every: bool) -> None:
    """Have the message of each dead letter ID handled again, once the cause is fixed.

    The original bytes, key and headers go to a new offset of their partition.
    In analyses and prompts the place is part of the meaning: there the handler runs again on the old one.
    A letter is retried once; if it fails again, that is another letter.
    Exit 3 where one cannot be retried: nothing is done then.
    """
    if every == bool(numbers):
        raise click.UsageError("name dead letters, or give --all")
    asyncio.run(_retry(numbers, every=every))


async def _letters() -> Letters:
    return await letters_of(await open_log(load()))


async def _whole(number: int) -> tuple[Letters, DeadLettered]:
    connection = await open_log(load())
    letters = await letters_of(connection)
    letter = letters.by_number.get(number)
    if letter is None:
        raise RefusedError(f"there is no dead letter {number}: `earmark dead-letters list` has them")
    async with fetcher(connection) as log:
        return letters, await whole(log, letter)


async def _retry(numbers: Iterable[int], *, every: bool) -> None:
    connection = await open_log(load())
    letters = await letters_of(connection)
    if every:
        refusals = {letter.number: letters.refusal(letter) for letter in letters.open()}
        numbers = [number for number, refusal in refusals.items() if refusal is None]
        for number, refusal in refusals.items():
            if refusal is not None:
                say(f"dead letter {number} is left: {refusal}", err=True)
    async for line in retry_letters(connection, letters.to_retry(numbers), utc_now):
        say(printable(line))


def _rows(shown: Iterable[Letter], letters: Letters) -> Iterator[tuple[object, ...]]:
    for letter in shown:
        yield (
            letter.number,
            letter.at,
            letter.place,
            _text(letter.key),
            letter.handler,
            letter.error if len(letter.error) <= ERROR_SHOWN else f"{letter.error[:ERROR_SHOWN]}…",
            "retried" if letter.number in letters.retried else "",
        )


def _lines(letter: DeadLettered, refusal: str | None) -> list[str]:
    value = letter.value_bytes
    text = _text(value)
    return [
        f"place    {letter.topic}[{letter.partition}]@{letter.offset}",
        f"time     {letter.at:%Y-%m-%d %H:%M:%S} UTC, after {letter.attempt} tries of {letter.handler}",
        f"error    {letter.error}",
        f"retry    {refusal or 'possible'}",
        f"key      {_text(letter.key_bytes)}",
        *(f"header   {name}: {_text(content)}" for name, content in letter.header_bytes),
        f"value    {text[:SHOWN]}",
        *([f"         … {len(value)} bytes in all"] if value is not None and len(text) > SHOWN else []),
    ]


def _text(part: bytes | None) -> str:
    """Bytes as text, those that are no UTF-8 in hex."""
    return "(none)" if part is None else part.decode(errors="backslashreplace")
