"""The benchmarks, against a real broker on this machine: `python -m tests.benchmarks [NAME…] [--quick] [--full] [--write]`."""

import argparse
import asyncio
import logging
import os
import platform
import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psutil

from streams.broker import local as broker
from streams.log.connection import Connection
from tests.benchmarks import (
    activation,
    apply,
    backfill,
    dashboard,
    discovery,
    freshness,
    in_flight,
    live,
    questions,
    rebuild,
    search,
    start_up,
    verbs,
)
from tests.benchmarks.table import Result, lines

PAGE = Path(__file__).with_name("README.md")
MARKED = re.compile(r"(<!-- bench -->\n)(.*?)(<!-- /bench -->)", re.DOTALL)
SECTION = re.compile(r"\n\n(?=\*\*)")
NAMES = (
    "backfill",
    "in-flight",
    "start-up",
    "live",
    "activation",
    "discovery",
    "freshness",
    "rebuild",
    "apply",
    "questions",
    "search",
    "dashboard",
    "verbs",
)

Benchmark = Callable[[Connection, Path], Awaitable[Result]]


def benchmarks(*, quick: bool = False, full: bool = False) -> dict[str, Benchmark]:
    """Each benchmark by name, at the usual size, in a minute for all of them, or with the longest log too."""
    models = freshness.QUICK if quick else freshness.FULL if full else freshness.USUAL
    logs = rebuild.QUICK if quick else rebuild.FULL if full else rebuild.USUAL
    ledgers = start_up.QUICK if quick else start_up.FULL if full else start_up.USUAL
    said = search.QUICK if quick else search.FULL if full else search.USUAL
    return {
        "backfill": lambda log, _: backfill.backfill(log, backfill.QUICK if quick else backfill.FULL),
        "in-flight": lambda log, _: in_flight.in_flight(log, in_flight.QUICK if quick else in_flight.FULL),
        "start-up": lambda log, _: start_up.start_up(log, ledgers),
        "live": lambda log, home: live.live(log, live.QUICK if quick else live.FULL, home),
        "activation": lambda log, home: activation.activation(
            log, activation.QUICK if quick else activation.FULL, home
        ),
        "discovery": lambda log, home: discovery.discovery(
            log, discovery.QUICK if quick else discovery.FULL, home
        ),
        "freshness": lambda log, _: freshness.freshness(log, models),
        "search": lambda _, home: search.search(said, home),
        "dashboard": lambda log, _: dashboard.dashboard(log, dashboard.QUICK if quick else dashboard.FULL),
        "rebuild": lambda log, home: rebuild.rebuild(log, logs, home),
        "apply": lambda log, home: apply.apply(
            log, apply.QUICK if quick else apply.FULL if full else apply.USUAL, home
        ),
        "verbs": lambda log, home: verbs.verbs(log, verbs.QUICK if quick else verbs.FULL, home / "verbs"),
        "questions": lambda _, home: questions.questions(questions.QUICK if quick else questions.FULL, home),
    }


def machine() -> str:
    """What the numbers are of."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Measured on {os.cpu_count()} cores of {platform.machine()} with {memory:.0f} GB, Python"
        f" {platform.python_version()}; broker, Claude, analyst and worker share them. Compare within a run: another"
        " machine, or this one at another hour, gives other milliseconds."
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(NAMES)}; none: all")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="so small that the numbers say little")
    size.add_argument(
        "--full", action="store_true", help="with a million analyses, and a million videos: an hour more"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the tables into tests/benchmarks/README.md"
    )
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    # A new topic's leader is news to a client, which it says in a warning.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    tables = [lines(machine())]
    print(f"{tables[0]}\nLoad now: {os.getloadavg()[0]:.1f}.\n")
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        home = Path(folder)
        try:
            connection = Connection(broker.start(home))
            for name, measure in benchmarks(quick=asked.quick, full=asked.full).items():
                if not asked.names or name in asked.names:
                    tables.append(asyncio.run(_run(measure, connection, home)).markdown())
                    print(tables[-1], "\n", flush=True)
        finally:
            broker.stop(home)
    if asked.write:
        PAGE.write_text(with_tables(PAGE.read_text(), tables))


def with_tables(page: str, tables: Sequence[str]) -> str:
    """The page with these tables in place of those of the last run, each told by its first line; the others stay."""
    found = MARKED.search(page)
    assert found is not None
    new = {_title(table): table for table in tables}
    stood = [part for part in SECTION.split(found[2].strip()) if part]
    merged = [new.pop(_title(part), part) for part in stood]
    body = "\n\n".join([*merged, *new.values()])
    return page.replace(found[0], f"{found[1]}\n{body}\n\n{found[3]}")


def _title(table: str) -> str:
    return table.partition("\n")[0] if table.startswith("**") else ""


async def _run(measure: Benchmark, connection: Connection, home: Path) -> Result:
    return await measure(connection, home)


if __name__ == "__main__":
    main()
