"""Tables for people: what a column's kind says of its alignment, rounding and folding, and what fits a window.

A kind is `text` (folded at blanks), `json` (folded, and the first to be hidden), `id` and `link` (never broken), `count`,
`number`, `money` (US dollars), `share` (of 1, in percent), `moment` (to the second, Z where it is UTC) or `minute` (UTC).
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from rich.cells import cell_len, chop_cells

from streams.budget.money import usd
from streams.cli.terminal import LINK, fold, printable, say, window

Kind = Literal["text", "json", "id", "link", "count", "number", "money", "share", "moment", "minute"]

GAP = 2
FOLD_AT = 24
"""Columns that a text has at least, before another column is hidden for its sake."""
_FOLDED: Collection[Kind] = {"text", "json"}
_RIGHT: Collection[Kind] = {"count", "number", "money", "share"}
_LAST: Sequence[Kind] = ("id", "link", "json")
_PIECE = re.compile(r"[^ _]*[ _]?")
_MOMENT = re.compile(r"(\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(\+00)?")


@dataclass(frozen=True)
class Column:
    """A column's name and kind."""

    name: str
    kind: Kind = "text"


def show_table(
    columns: Sequence[Column], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> None:
    """Print rows as a table, or a row a block where the terminal is too narrow. Into a pipe nothing is folded."""
    cells = [shown(columns, row) for row in rows]
    if title is not None:
        say(title, folds=True)
    say("\n".join(fitted(columns, cells, window())))


def fitted(columns: Sequence[Column], cells: Sequence[Sequence[str]], wide: int | None) -> list[str]:
    """The table, or blocks where its columns do not fit."""
    form = blocks if fit(measure(columns, cells), wide) is None else grid
    return list(form(columns, cells, wide))


def shown(columns: Sequence[Column], row: Sequence[object]) -> list[str]:
    """A row's values as a person reads them."""
    return [
        _FORMS[column.kind](value) if value is not None else ""
        for column, value in zip(columns, row, strict=True)
    ]


@dataclass(frozen=True)
class Measured:
    """How wide a column is where nothing is folded, and at least."""

    natural: int
    least: int


def measure(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> list[Measured]:
    """How much room each column takes."""
    return [_measured(column, [row[at] for row in cells]) for at, column in enumerate(columns)]


def _measured(column: Column, values: Iterable[str]) -> Measured:
    name = printable(column.name)
    widest, link = 0, 0
    for value in values:
        widest = max(widest, *map(cell_len, value.split("\n")))
        if column.kind in _FOLDED and "://" in value:
            link = max(link, *map(cell_len, LINK.findall(value)), 0)
    natural = max(cell_len(name), widest)
    head = max(map(cell_len, _PIECE.findall(name)))
    least = max(min(widest, FOLD_AT), link) if column.kind in _FOLDED else widest
    return Measured(natural, min(natural, max(least, min(head, FOLD_AT), 1)))


def fit(columns: Sequence[Measured], wide: int | None) -> list[int] | None:
    """The width of each column in a window of `wide` (None: any), or None where they do not fit."""
    if wide is None:
        return [column.natural for column in columns]
    widths = [column.least for column in columns]
    left = wide - sum(widths) - GAP * (len(widths) - 1)
    if left < 0:
        return None
    # Whatever is left goes to the columns that need least first, in equal shares: short ones are not folded at all.
    needy = sorted(range(len(columns)), key=lambda at: columns[at].natural - widths[at])
    for done, at in enumerate(needy):
        more = min(columns[at].natural - widths[at], left // (len(needy) - done))
        widths[at] += more
        left -= more
    return widths


@dataclass(frozen=True)
class Choice:
    """Which columns are shown, in their order: `beside` each other, and links `below` their row."""

    beside: list[int]
    below: list[int]


def choose(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], wide: int, named: Collection[str] = ()
) -> Choice:
    """What to show in a window of `wide`, never nothing.

    First come the columns that the reader `named` (in lower case), then those that are no id, link or JSON, then those
    whose values differ. The first long text among them has two fifths of the window. A named link that does not fit
    stands below its row.
    """
    least = [size.least for size in measure(columns, cells)]
    sizes = measure(columns, cells)
    texts = (
        at
        for at, column in enumerate(columns)
        if column.kind == "text" and sizes[at].natural > FOLD_AT and _differ(cells, at)
    )
    if (long_text := next(texts, None)) is not None:
        natural = sizes[long_text].natural
        sizes[long_text] = Measured(natural, max(least[long_text], min(natural, wide * 2 // 5)))

    def is_named(at: int) -> bool:
        return columns[at].name.casefold() in named

    def rank(at: int) -> tuple[object, ...]:
        kind = columns[at].kind
        return (
            not is_named(at),
            _LAST.index(kind) if kind in _LAST else -1,
            len(cells) > 1 and not _differ(cells, at),
            at != long_text,
            at,
        )

    beside: list[int] = []
    below: list[int] = []
    ranked = sorted(range(len(columns)), key=rank)
    for at in ranked:
        if fit([sizes[other] for other in (*beside, at)], wide) is not None:
            beside.append(at)
        elif columns[at].kind == "link" and is_named(at) and sizes[at].natural + GAP <= wide:
            below.append(at)
    return Choice(sorted(beside or [min(ranked, key=least.__getitem__)]), sorted(below) if beside else [])


def _differ(cells: Sequence[Sequence[str]], at: int) -> bool:
    return any(row[at] != cells[0][at] for row in cells)


def blocks(columns: Sequence[Column], cells: Iterable[Sequence[str]], wide: int | None) -> Iterator[str]:
    """A row a block, a column a line, a blank line between blocks; what does not fit behind its name stands below it."""
    names = [printable(column.name) for column in columns]
    indent = max(map(cell_len, names), default=0) + GAP
    for number, row in enumerate(cells):
        if number:
            yield ""
        for name, column, value in zip(names, columns, row, strict=True):
            folds = column.kind in _FOLDED
            behind = (
                fold(value, max((wide or 0) - indent, 1)) if folds and wide is not None else value.split("\n")
            )
            if wide is None or max(map(cell_len, behind)) <= wide - indent:
                yield from _beside(name, behind, indent)
            else:
                yield from fold(name, wide)
                yield from fold(value, wide) if folds else [value]


def _beside(name: str, value: Sequence[str], indent: int) -> Iterator[str]:
    for number, line in enumerate(value):
        yield (_padded("" if number else name, indent) + line).rstrip()


def grid(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], wide: int | None, below: Collection[int] = ()
) -> Iterator[str]:
    """A row a line, or more where it is folded, under the columns' names; the columns `below` on lines of their own.

    Where the columns do not fit `wide`, texts have all of it each, and nothing else is shortened.
    """
    beside = [at for at in range(len(columns)) if at not in below]
    sizes = [size for at, size in enumerate(measure(columns, cells)) if at in beside]
    kinds = [columns[at].kind for at in beside]
    rights = [kind in _RIGHT for kind in kinds]
    widths = fit(sizes, wide) or [
        wide if wide is not None and kind in _FOLDED else size.natural
        for kind, size in zip(kinds, sizes, strict=True)
    ]

    def laid(row: Sequence[Sequence[str]]) -> Iterator[str]:
        for number in range(max(map(len, row))):
            parts = [part[number] if number < len(part) else "" for part in row]
            yield (" " * GAP).join(map(_padded, parts, widths, rights)).rstrip()

    yield from laid([_head(columns[at].name, width) for at, width in zip(beside, widths, strict=True)])
    yield from (" " * GAP + printable(columns[at].name) for at in below)
    yield (" " * GAP).join("─" * width for width in widths)
    for row in cells:
        yield from laid([fold(row[at], width) for at, width in zip(beside, widths, strict=True)])
        yield from (" " * GAP + row[at] for at in below if row[at])


def _head(name: str, wide: int) -> list[str]:
    """A column's name, broken behind its underscores too."""
    folded = [""]
    for piece in _PIECE.findall(printable(name)):
        if cell_len(folded[-1] + piece.rstrip()) <= wide:
            folded[-1] += piece
        else:
            folded += chop_cells(piece, wide)
    return [line.rstrip() for line in folded if line] or [""]


def _padded(text: str, width: int, right: bool = False) -> str:  # noqa: FBT001, FBT002  it is mapped over
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks


def _text(value: object) -> str:
    return printable(str(value).replace("\r\n", "\n").replace("\t", "    "), "\n")


def _word(value: object) -> str:
    return printable(str(value))


def _number(value: object) -> str:
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return _word(value)
    if not exact.is_finite() or exact == exact.to_integral_value():
        return _word(value).removesuffix(".0")
    if abs(exact) < Decimal("0.0001"):
        return f"{exact:.1e}"
    return f"{exact:.4f}".rstrip("0").rstrip(".")


def _money(value: object) -> str:
    try:
        return usd(str(value))
    except InvalidOperation:
        return _word(value)


def _share(value: object) -> str:
    exact = Decimal(str(value))
    return "<1%" if 0 < exact < Decimal("0.005") else f"{exact:.0%}"


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return f"{_utc(value):%Y-%m-%d %H:%M:%S}Z"
    found = _MOMENT.fullmatch(str(value))
    return _word(value) if found is None else found[1] + ("Z" if found[2] else "")


def _minute(value: object) -> str:
    return f"{_utc(value):%Y-%m-%d %H:%M}" if isinstance(value, datetime) else _word(value)


def _utc(moment: datetime) -> datetime:
    """In UTC, as which a time without a zone counts, wherever this machine stands."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


_FORMS: dict[Kind, Callable[[object], str]] = {
    "text": _text,
    "json": _text,
    "id": _word,
    "link": _word,
    "count": _word,
    "number": _number,
    "money": _money,
    "share": _share,
    "moment": _moment,
    "minute": _minute,
}
