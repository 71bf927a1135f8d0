"""What a page is: a function of a snapshot and of what was asked for, and a template for what it returns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from duckdb import DuckDBPyConnection
from multidict import MultiMapping

from streams.errors import EarmarkError
from streams.events.event import Lane

T = TypeVar("T")


class WrongFilterError(EarmarkError):
    """A filter that is none: the sentence names it and what can be written."""


class NothingThereError(EarmarkError):
    """There is no such video, symbol or channel."""


@dataclass(frozen=True)
class LaneNow:
    """A lane's videos and its money of the day, US dollars."""

    lane: Lane
    waiting: int
    in_work: int
    done_today: int
    charged_usd: Decimal
    cap_usd: Decimal


@dataclass(frozen=True)
class Lag:
    """How many records a reader of the log has not read; `late`: of them, those that are there for minutes. None: not known."""

    reader: str
    behind: int | None
    late: int | None


@dataclass(frozen=True)
class MoneyNow:
    """The UTC day's budget in US dollars; `used_up_at`: when nothing is left at the last hour's pace, None: not today."""

    charged_usd: Decimal
    cap_usd: Decimal
    hour_usd: Decimal
    used_up_at: datetime | None


@dataclass(frozen=True)
class LookAtChannel:
    """The last look at a channel, the last that brought its videos, and why the last one did not."""

    at: datetime
    success_at: datetime | None
    problem: str | None


@dataclass(frozen=True)
class Outside:
    """What the read model does not know, at `at`; `needs`: what needs a person, `unknown`: what could not be learnt, a sentence each.

    `snapshot_at`: when the newest snapshot was published, None: not known. `youtube`: the troubles that keep YouTube from
    being asked; `looks`: by channel id.
    """

    at: datetime
    needs: tuple[str, ...]
    troubles: tuple[str, ...]
    money: MoneyNow | None
    lanes: tuple[LaneNow, ...]
    lags: tuple[Lag, ...]
    unknown: tuple[str, ...]
    snapshot_at: datetime | None = None
    youtube: tuple[str, ...] = ()
    looks: Mapping[str, LookAtChannel] = field(default_factory=dict)

    @classmethod
    def not_known(cls, at: datetime, why: str) -> "Outside":
        """Nothing of it, and why."""
        return cls(at, (), (), None, (), (), (why,))


Look = Callable[[], Awaitable[Outside]]


@dataclass(frozen=True)
class Asked:
    """What a page is asked: `path` holds the names in the address, `query` the form. `cap_usd`: the day's cap as it is set.

    `outside` is there for pages that ask for it. `kept`: what pages of one snapshot have found out already.
    """

    database: DuckDBPyConnection
    path: Mapping[str, str]
    query: MultiMapping[str]
    now: datetime
    cap_usd: Decimal
    outside: Outside | None = None
    kept: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, find: Callable[[], T]) -> T:
        """What `find` finds, which is asked once a snapshot: it may depend on nothing else, but on the day."""
        key = f"{name} {self.now:%Y-%m-%d}"
        if key not in self.kept:
            self.kept[key] = find()
        found: T = self.kept[key]
        return found

    def rows(self, sql: str, /, **named: object) -> list[dict[str, Any]]:
        """The result of a query, a mapping a row."""
        found = self.database.execute(sql, named)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@dataclass(frozen=True)
class Page:
    """`pattern` as aiohttp has it. `show` returns what the template needs.

    `outside`: it shows what is so now, not only the snapshot. `prepare`: asks `once` for what takes long, as a new snapshot is
    opened, so that nobody who looks at the page waits for it.
    """

    name: str
    pattern: str
    template: str
    show: Callable[[Asked], Mapping[str, object]]
    outside: bool = False
    prepare: Callable[[Asked], object] | None = None
