"""`earmark projector` and `earmark rebuild`: the read model's writer."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import click

from projections import rebuild as read_model
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

    Interrupted, it leaves the old one as it is; run again, it begins anew.
    """
    if only_verify:
        asyncio.run(_verify(load()))
        return
    records = asyncio.run(_rebuild(load()))
    say(f"rebuilt the read model from {records} records")


async def _rebuild(settings: Settings) -> int | None:
    connection = await open_log(settings)
    with _shown() as tell:
        return await read_model.rebuild(settings.home, connection.consumer, connection.name, tell)


async def _verify(settings: Settings) -> None:
    connection = await open_log(settings)
    with _shown() as tell:
        found = await read_model.verify(settings.home, connection.consumer, connection.name, tell)
    if found:
        named = ", ".join(
            f"{each.table} ({each.model} only in the model, {each.log} only in the log)" for each in found
        )
        raise EarmarkError(
            f"the read model is not what the log says, in rows of {named}: run `earmark rebuild` to replace it"
        )
    say("the read model is what the log says, row for row")


@contextmanager
def _shown() -> Iterator[read_model.Told]:
    """Shows how far it is: a bar with rate and time left, or a line now and then where nobody looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    began = shown = monotonic()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("", total=None, rate="")

        def tell(done: int, whole: int) -> None:
            nonlocal shown
            now = monotonic()
            rate = done / max(now - began, 0.001)
            bar.update(task, completed=done, total=whole, rate=f"{rate:,.0f} records/s")
            if bar.disable and now - shown > LINE_EVERY_S:
                left_s = (whole - done) / max(rate, 0.001)
                say(f"{done} of {whole} records, {rate:,.0f} a second, some {left_s:.0f} s left")
                shown = now

        yield tell
