"""The calls of a filter as a file: exactly those that the page counts, in the page's order."""

import csv
import io
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import orjson
from aiohttp import web
from duckdb import DuckDBPyConnection

from projections.web.pages.calls import asked_for, select
from projections.web.reader import Opened

logger = logging.getLogger(__name__)

LIMIT_S = 60.0
"""Of each piece."""
_ROWS = 2048

Made = Callable[[Sequence[str], Iterator[Sequence[Any]]], Iterator[bytes]]
"""A file's bytes, a piece at a time, from its columns and rows."""


def _csv(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(columns)
    while True:
        yield text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()
        if not (piece := list(islice(rows, _ROWS))):
            return
        lines.writerows(map(_cells, piece))


def _cells(row: Sequence[Any]) -> list[Any]:
    return [value.isoformat() if isinstance(value, datetime) else value for value in row]


def _json(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    begin = b"["
    while piece := list(islice(rows, _ROWS)):
        objects = (orjson.dumps(dict(zip(columns, row, strict=True)), default=str) for row in piece)
        yield begin + b"\n" + b",\n".join(objects)
        begin = b","
    yield (b"[]" if begin == b"[" else b"\n]") + b"\n"


FILES: Mapping[str, tuple[str, Made]] = {
    "calls.csv": ("text/csv", _csv),
    "calls.json": ("application/json", _json),
}


async def send(
    request: web.Request, opened: Opened, name: str, headers: Mapping[str, str], now: datetime
) -> web.StreamResponse:
    """Send the calls that the address asks for, a piece at a time: whoever reads slowly holds the question, not the memory.

    Raises WrongFilterError. What fails on the way ends the connection, so that half a file is not taken for a whole one.
    """
    query, named = select(asked_for(request.query), now)
    kind, made = FILES[name]
    response = web.StreamResponse(headers={**headers, "Cache-Control": "no-cache"})
    response.content_type, response.charset = kind, "utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    async with opened.question() as question:
        found = await question.ask(lambda database: database.execute(query, named), LIMIT_S)
        columns = [column[0] for column in found.description]
        pieces = made(columns, _rows(found))
        await response.prepare(request)
        try:
            while request.method != "HEAD" and (
                piece := await question.ask(lambda _: next(pieces, b""), LIMIT_S)
            ):
                await response.write(piece)
            await response.write_eof()
        except ConnectionError:  # whoever asked is gone
            return response
        except Exception:
            # Whatever it is: the answer has begun, and a page of it would be taken for a part of the file.
            logger.exception("a file of calls was broken off")
            if request.transport is not None:
                request.transport.abort()
    return response


def _rows(found: DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    while rows := found.fetchmany(_ROWS):
        yield from rows
