"""Pages of a read model in memory, as large_model fills it, with what that leaves out: conditions, guests, sponsors, days."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from multidict import MultiDict

from projections import model
from projections.web.page import Asked
from projections.web.render import environment, here_with, render
from projections.web.standing import Standing
from tests.builders.large_model import fill

NOW = datetime(2025, 11, 26, 12, tzinfo=UTC)
"""A day after the last video."""
HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}'
_VARIED = f"""
UPDATE all_mentions SET
  condition = if(ordinal = 2, 'the next quarter is good', NULL), speaker = ['host', 'guest', 'relayed', NULL][1 + ordinal % 4],
  paid = ordinal = 5, said_as = if(ordinal % 3 = 0, 'another name', said_as),
  quote = if(ordinal = 1, '{HOSTILE}', quote),
  published_precision = if(ordinal = 3, 'day', 'second'),
  channel_id = if(ordinal = 7, NULL, channel_id), channel_title = if(ordinal = 7, NULL, channel_title)
"""  # noqa: S608  our own words, values by name
# Two years in eight months, so that several channels speak of a symbol in a week.
_CLOSER = f"published_at = TIMESTAMPTZ '{NOW}' - (TIMESTAMPTZ '{NOW}' - published_at) / 3"


@cache
def filled() -> DuckDBPyConnection:
    """Three hundred videos in eight months; take a cursor, and leave what is in it."""
    database = duckdb.connect()
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    model.define(database)
    fill(database, 300)
    database.execute(_VARIED)
    for table in ("all_mentions", "analyses", "videos"):
        database.execute(f"UPDATE {table} SET {_CLOSER}")  # noqa: S608  our own words
    return database


def asked(database: DuckDBPyConnection, *, now: datetime = NOW, query: str = "", **path: str) -> Asked:
    """What is asked of a page, `query` as it stands in an address."""
    pairs = MultiDict(pair.split("=") for pair in query.split("&") if pair)
    return Asked(database, path, pairs, now, Decimal(5))


def rows(database: DuckDBPyConnection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What plain SQL says of the same read model."""
    return database.execute(sql, list(values)).fetchall()


def page_of(template: str, values: Mapping[str, object], path: str = "/") -> str:
    """The page as it is sent to whoever asks for `path`."""
    frame = {
        "page": template.removesuffix(".html"),
        "here_with": here_with(path, {}),
        "live": 0,
        "standing": Standing.THERE,
        "snapshot": None,
    }
    return render(environment(), template, {**frame, **values}).decode()
