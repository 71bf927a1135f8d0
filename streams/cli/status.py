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
from streams.cli.tables import Column, Kind, fitted, shown
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
        say("\n".join(block(overview, needs, window())))
    sys.exit(1 if needs else 0)


async def _look(settings: Settings) -> Overview:
    async with gathering(
        settings.home, limits_of(settings), settings.disk_min_free, partial(connection_of, settings), utc_now
    ) as gatherer:
        return await gatherer.look()


def _as_json(overview: Overview, needs: tuple[str, ...]) -> dict[str, Any]:
    return {"healthy": not needs, "needs_person": list(needs), **_FORM.dump_python(overview, mode="json")}


def block(overview: Overview, needs: tuple[str, ...], wide: int | None) -> list[str]:
    """The overview in lines of at most `wide` columns: what needs a person first."""
    lines = [f"{overview.at:%Y-%m-%d %H:%M:%S} UTC: {'something needs you' if needs else 'healthy'}"]
    for number, sentence in enumerate(needs, 1):
        lines += beside(f"{number}. ", sentence, wide)
    for columns, rows in ((STAGE_COLUMNS, stage_rows(overview)), (LANE_COLUMNS, lane_rows(overview))):
        if rows:
            kinds = [Column(name, _kind(name)) for name in columns]
            lines += ["", *fitted(kinds, [shown(kinds, row) for row in rows], wide)]
    lines.append("")
    for subject, sentence in facts(overview):
        lines += beside(f"{subject:{_LABEL}}", sentence, wide)
    for event in reversed(overview.events):
        lines += beside(f"{when(event.at, overview.at):{_LABEL}}", event.what, wide)
    return lines


def beside(label: str, sentence: str, wide: int | None) -> list[str]:
    """A sentence behind its label, and beside it where it is folded."""
    folded = fold(sentence, None if wide is None else max(wide - len(label), 20))
    return [f"{'' if number else label:{len(label)}}{line}" for number, line in enumerate(folded)]


def say_beside(label: str, sentence: str) -> None:
    """Print a sentence behind its label."""
    say("\n".join(beside(label, sentence, window())))


def quiet() -> None:
    """Keep aiokafka from shouting into what is printed: that Kafka is away is told in a sentence."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _kind(column: str) -> Kind:
    return "text" if column in {"stage", "lane", "oldest"} else "count"
