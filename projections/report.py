"""What happened in a span of time, from the newest snapshot: the numbers of `earmark report`, as typed rows.

A span is [begins, ends). Calls are those that stand: grounded, of each video's current analysis, heard in the span. Money
stands in the UTC day of its claim, as in `daily_costs`. The queries are `reports/<name>.sql`, a row a dataclass here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from duckdb import DuckDBPyConnection

from projections.places import taken_at
from projections.sql import said_plainly, snapshot

CONSENSUS_DAYS = 30
CONSENSUS_CALLS = 2
"""Fewer calls on a symbol are no consensus."""
TOP = 10
ROWS = 20

_SQL = files("projections") / "reports"


@dataclass(frozen=True)
class Channel:
    """What came of a channel: videos in each step, calls that stand, US dollars charged. Null: not known of which."""

    channel_id: str | None
    channel: str | None
    discovered: int
    captioned: int
    analysed: int
    failed: int
    calls: int
    charged_usd: Decimal


@dataclass(frozen=True)
class Calls:
    """How many calls of an action, in how many videos, on how many symbols."""

    action: str
    calls: int
    videos: int
    symbols: int


@dataclass(frozen=True)
class Symbol:
    """How often a symbol was called, by how many channels, and to what."""

    symbol: str
    calls: int
    channels: int
    buy: int
    hold: int
    sell: int
    watch: int
    avoid: int


@dataclass(frozen=True)
class Consensus:
    """What more than half of a symbol's calls of the last CONSENSUS_DAYS said before the span and at its end, or mixed."""

    symbol: str
    before: str
    after: str
    calls_before: int
    calls_after: int


@dataclass(frozen=True)
class Failures:
    """What failed for good in a stage (captions, analysis, replay) for one reason; the newest of them as an example."""

    stage: str
    reason: str
    videos: int
    example_video_id: str
    example_title: str | None


@dataclass(frozen=True)
class Waiting:
    """How many videos wait for something now, how many of them are due, and when the next one is."""

    waits_for: str
    videos: int
    due: int
    next_try_at: datetime | None


@dataclass(frozen=True)
class Letter:
    """A dead letter of the span, or one that is open."""

    number: int
    at: datetime
    topic: str
    partition: int
    offset: int
    handler: str
    error: str
    is_open: bool


@dataclass(frozen=True)
class LaneCosts:
    """What a lane cost, US dollars: charged = billed + unknown + open."""

    lane: str
    attempts: int
    completed: int
    billed_usd: Decimal
    unknown_usd: Decimal
    open_usd: Decimal
    charged_usd: Decimal


@dataclass(frozen=True)
class BudgetDay:
    """A UTC day's cap, as last claimed against, and what is charged to it."""

    day: date
    cap_usd: Decimal
    charged_usd: Decimal
    left_usd: Decimal


@dataclass(frozen=True)
class Pause:
    """YouTube or Claude answered nobody: from the first refusal to the answer that ended it, null: not yet."""

    who: str
    since: datetime
    until: datetime | None
    refusals: int
    reason: str | None


@dataclass(frozen=True)
class Report:
    """The span, how old what it says is, and what happened. `is_over`: nothing more can fall into the span."""

    begins: datetime
    ends: datetime
    is_over: bool
    snapshot_at: datetime
    last_record_at: datetime | None
    channels: Sequence[Channel]
    calls: Sequence[Calls]
    symbols: Sequence[Symbol]
    consensus: Sequence[Consensus]
    failures: Sequence[Failures]
    waiting: Sequence[Waiting]
    dead_letters: Sequence[Letter]
    lanes: Sequence[LaneCosts]
    days: Sequence[BudgetDay]
    pauses: Sequence[Pause]


T = TypeVar("T")


def report(home: Path, begins: datetime, ends: datetime, now: datetime) -> Report:
    """What happened from `begins` on and before `ends`, two midnights UTC. Raises SqlError."""
    with snapshot(home) as database, said_plainly():
        return made_of(database, begins, ends, now, taken_at(home) or now)


def made_of(
    database: DuckDBPyConnection, begins: datetime, ends: datetime, now: datetime, snapshot_at: datetime
) -> Report:
    """The report on an open read model."""
    span = {"begins": begins, "ends": ends}
    days = {"first_day": begins.date(), "last_day": (ends - ends.resolution).date()}

    def rows(name: str, kind: type[T], **named: Any) -> list[T]:
        query = (_SQL / f"{name}.sql").read_text()
        return [kind(*row) for row in database.execute(query, named).fetchall()]

    [(last,)] = database.execute("SELECT max(last_record_at) FROM freshness").fetchall()
    return Report(
        begins=begins,
        ends=ends,
        is_over=ends <= now,
        snapshot_at=snapshot_at,
        last_record_at=last,
        channels=rows("channels", Channel, **span, **days),
        calls=rows("calls", Calls, **span),
        symbols=rows("symbols", Symbol, **span, top=TOP),
        consensus=rows("consensus", Consensus, **span, days=CONSENSUS_DAYS, least=CONSENSUS_CALLS),
        failures=rows("failures", Failures, **span),
        waiting=rows("waiting", Waiting, now=now),
        dead_letters=rows("dead_letters", Letter, **span, rows=ROWS),
        lanes=rows("lanes", LaneCosts, **days),
        days=rows("days", BudgetDay, **days),
        pauses=rows("pauses", Pause, **span),
    )
