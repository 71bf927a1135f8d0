"""`earmark projector` and `earmark rebuild`: the read model's writer."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import click

from projections import rebuild as read_model
from projections.fold import Told
from projections.verify import verify, verify_words
from streams.app import processes as app
from streams.cli.log import open_log
from streams.cli.terminal import say
from streams.errors import EarmarkError
from streams.settings import Settings, load

LINE_EVERY_S = 5.0


@click.command()
def projector() -> None:
    """Keep the read model up to date with the log, until SIGTERM or Ctrl-C.

    A read model whose tables are of another version is rebuilt first; readers keep the old one until it is complete.
    """
    app.projector(load())


@click.command()
@click.option(
    "--verify",
    "only_verify",
    is_flag=True,
    help="Fold the log beside the read model and compare, instead; exit 1 where a table differs.",
)
def rebuild(*, only_verify: bool) -> None:
    """Rebuild the read model from the whole log. Readers keep the old one until it is complete; a projector may run.

    The words (transcripts, segments, search) come second, and readers keep the old ones until these are complete.
    Interrupted, it leaves as it is what is not complete yet; run again, it begins anew.
    """
    asyncio.run((_verify if only_verify else _rebuild)(load()))


async def _rebuild(settings: Settings) -> None:
    connection = await open_log(settings)
    with _shown("the read model") as tell:
        records = await read_model.rebuild(settings.home, connection.consumer, connection.name, tell)
    say(f"rebuilt the read model from {records} records")
    with _shown("transcripts, segments and search") as tell:
        captions = await read_model.rebuild_words(settings.home, connection.consumer, connection.name, tell)
    say(f"rebuilt transcripts, segments and search from {captions} captions")


async def _verify(settings: Settings) -> None:
    connection = await open_log(settings)
    with _shown("the read model") as tell:
        found = await verify(settings.home, connection.consumer, connection.name, tell)
    with _shown("transcripts, segments and search") as tell:
        words = await verify_words(settings.home, connection.consumer, connection.name, tell)
    if found := found + (words or []):
        named = ", ".join(
            f"{each.table} ({each.model} only in the model, {each.log} only in the log)" for each in found
        )
        raise EarmarkError(
            f"the read model is not what the log says, in rows of {named}: run `earmark rebuild` to replace it"
        )
    say("the read model is what the log says, row for row")
    if words is None:
        say("there are no transcripts yet: the projector makes them, and `earmark rebuild` does")


@contextmanager
def _shown(what: str) -> Iterator[Told]:
    """Shows how far it is: a bar with rate and time left, or a line on stderr now and then where nobody looks at stdout."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    began = shown = monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task(what, total=None, rate="")

        def tell(done: int, whole: int) -> None:
            nonlocal shown
            now = monotonic()
            rate = done / max(now - began, 0.001)
            bar.update(task, completed=done, total=whole, rate=f"{rate:,.0f}/s")
            # Of what is done already the result tells.
            if bar.disable and done < whole and now - shown > LINE_EVERY_S:
                left_s = (whole - done) / max(rate, 0.001)
                say(
                    f"{what}: {done} of {whole} records, {rate:,.0f} a second, some {left_s:.0f} s left",
                    err=True,
                )
                shown = now

        yield tell
