"""What `earmark replay` prints: a plan, a comparison, how far a replay is while it runs."""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from io import StringIO
from pathlib import Path
from time import monotonic

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from projections.history import ChannelComparison, Comparison, MentionComparison
from streams.budget.money import usd
from streams.cli.tables import Column, show_table
from streams.cli.terminal import printable, say
from streams.clock import utc_now
from streams.log.connection import Connection
from streams.replay import run as replays
from streams.replay.plan import Plan
from streams.replay.progress import sentence

COLUMNS = (
    Column("channel"),
    *(Column(field.name, "count") for field in fields(ChannelComparison) if field.type is int),
    *(Column(name, "share") for name in ("a_rejected", "b_rejected")),
    *(Column(name, "money") for name in ("a_usd_per_video", "b_usd_per_video")),
)


def print_comparison(found: Comparison, form: str, title: str) -> None:
    """Print a comparison as csv (its channels alone), as json or, for people, as a table with examples."""
    if form == "csv":
        channels = [asdict(channel) for channel in found.channels]
        text = StringIO()
        rows = csv.DictWriter(text, channels[0])
        rows.writeheader()
        rows.writerows(channels)
        say(text.getvalue(), nl=False)
    elif form == "json":
        say(json.dumps(asdict(found), default=str, indent=2))
    else:
        _print_table(found, title)


def _print_table(found: Comparison, title: str) -> None:
    rows = [[getattr(channel, column.name) for column in COLUMNS] for channel in found.channels]
    show_table(COLUMNS, rows, title=title)
    for example in found.examples:
        say("\n".join(told(example)), folds=True)


def told(example: MentionComparison) -> Iterator[str]:
    """An example in lines: what became of the call, then each prompt's side with its quote and its address."""
    change = f"{', '.join(example.changed)} changed" if example.change == "changed" else example.change
    yield printable(f"{change}: {example.symbol} on {example.channel_title or 'a channel without a name'}")
    a = (example.a_action, example.a_time_horizon, example.a_conviction, example.a_quote, example.a_url)
    b = (example.b_action, example.b_time_horizon, example.b_conviction, example.b_quote, example.b_url)
    for name, (action, horizon, conviction, quote, url) in (("A", a), ("B", b)):
        said = "-" if action is None else f"{action}, {horizon}, {conviction:.2f}: {quote} ({url})"
        condition = example.a_condition if name == "A" else example.b_condition
        said += f", hangs on: {condition}" if condition else ""
        yield printable(f"  {name} {said}")


def print_plan(found: Plan) -> None:
    """Print what a replay would take."""
    failed = f", {found.failed} failed under it for good" if found.failed else ""
    say(f"{found.videos} videos, {found.already} of them analysed under this prompt already{failed}")
    say(f"about {found.prompt_tokens} tokens to read and {found.answer_tokens} to write")
    say(
        f"expected ${usd(found.expected_usd)} at list price; the first attempts reserve at most ${usd(found.first_usd)}, and"
        " what fails is charged and made again"
    )
    say(
        "never at a daily cap of 0"
        if found.days is None
        else f"{found.days} day{'' if found.days == 1 else 's'} at the replay share of the daily cap"
    )


async def watch(connection: Connection, home: Path, begun: replays.Begun, prompt: str) -> None:
    """Show how far a replay is until it runs no more: a bar, or a line every five seconds where nobody looks."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[money]}"), TimeRemainingColumn())
    shown = monotonic() - 60
    with Bar(*columns, disable=not sys.stdout.isatty()) as bar:
        task = bar.add_task("replay", money="")
        replay_id = begun.progress.started.replay_id
        async with replays.watching(connection, home, replay_id, begun.listing, utc_now) as steps:
            async for progress in steps:
                left = progress.started.max_usd - progress.spent_usd
                money = f"${usd(progress.spent_usd)} spent, ${usd(left)} left"
                bar.update(
                    task,
                    total=progress.requested,
                    completed=progress.requested - progress.waiting,
                    money=money,
                )
                if bar.disable and monotonic() - shown > 5:
                    say(sentence(progress, prompt), folds=True)
                    shown = monotonic()
                if progress.state != "running":
                    break
    say(sentence(progress, prompt), folds=True)
