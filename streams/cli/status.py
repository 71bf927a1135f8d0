"""`earmark status`: what Earmark is doing, and what needs a person."""

import asyncio
import json
import logging
import sys
from functools import partial
from typing import Any

import click
from pydantic import TypeAdapter

from streams.app.connections import connection_of
from streams.app.processes import limits_of
from streams.cli.tables import Column, Kind, show_table
from streams.cli.terminal import fold, say, window
from streams.clock import utc_now
from streams.overview.gather import gathering
from streams.overview.lines import LANE_COLUMNS, STAGE_COLUMNS, facts, lane_rows, stage_rows, when
from streams.overview.model import Overview
from streams.overview.needs import needs_person
from streams.settings import Settings, load

_FORM = TypeAdapter(Overview)
_LABEL = 13


@click.command()
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
def status(*, as_json: bool) -> None:
    """Print what Earmark is doing: stages, lanes, money, processes, lag, disk. Exit 1 when something needs a person.

    What needs a person comes first, with what to type. Money and videos are those of the read model.
    """
    quiet()
    overview = asyncio.run(_look(load()))
    needs = needs_person(overview)
    if as_json:
        say(json.dumps(_as_json(overview, needs), ensure_ascii=False, indent=2))
    else:
        _show(overview, needs)
    sys.exit(1 if needs else 0)


async def _look(settings: Settings) -> Overview:
    async with gathering(
        settings.home, limits_of(settings), settings.disk_min_free, partial(connection_of, settings), utc_now
    ) as gatherer:
        return await gatherer.look()


def _as_json(overview: Overview, needs: tuple[str, ...]) -> dict[str, Any]:
    return {"healthy": not needs, "needs_person": list(needs), **_FORM.dump_python(overview, mode="json")}


def _show(overview: Overview, needs: tuple[str, ...]) -> None:
    say(f"{overview.at:%Y-%m-%d %H:%M:%S} UTC: {'something needs you' if needs else 'healthy'}")
    for number, sentence in enumerate(needs, 1):
        say_beside(f"{number}. ", sentence)
    for columns, rows in ((STAGE_COLUMNS, stage_rows(overview)), (LANE_COLUMNS, lane_rows(overview))):
        if rows:
            say("")
            show_table([Column(name, _kind(name)) for name in columns], rows)
    say("")
    for subject, sentence in facts(overview):
        say_beside(f"{subject:{_LABEL}}", sentence)
    for event in reversed(overview.events):
        say_beside(f"{when(event.at, overview.at):{_LABEL}}", event.what)


def say_beside(label: str, sentence: str) -> None:
    """Print a sentence behind its label, and beside it where it is folded."""
    wide = window()
    lines = fold(sentence, None if wide is None else max(wide - len(label), 20))
    say("\n".join(f"{'' if number else label:{len(label)}}{line}" for number, line in enumerate(lines)))


def quiet() -> None:
    """Keep aiokafka from shouting into what is printed: that Kafka is away is told in a sentence."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _kind(column: str) -> Kind:
    return "text" if column in {"stage", "lane", "oldest"} else "count"
