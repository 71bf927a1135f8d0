"""The report as Markdown, whose tables are laid out for a window of 80 columns."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from rich.cells import cell_len, set_cell_size

from projections.report import CONSENSUS_CALLS, CONSENSUS_DAYS, Report
from streams.events.text import printable
from streams.story.words import count, minute, span, usd

WIDTH = 80
NOTHING = "Nothing."

Row = Sequence[str]


def as_markdown(report: Report, now: datetime) -> str:
    """The report for people, without a line break at its end."""
    parts = [*_head(report, now)]
    for title, section in _sections(report):
        parts += [f"## {title}", section or NOTHING]
    return "\n\n".join(parts)


def _head(report: Report, now: datetime) -> Iterator[str]:
    first, last = report.begins.date(), (report.ends - timedelta(days=1)).date()
    days = f"{first}" if first == last else f"{first} to {last}"
    so_far = "" if report.is_over else ", so far"
    yield f"# Earmark on {days} UTC{so_far}"
    age = f"From the read model of {minute(report.snapshot_at)}, {span(now - report.snapshot_at)} old"
    newest = (
        "" if report.last_record_at is None else f";\nits newest record is of {minute(report.last_record_at)}"
    )
    yield f"{age}{newest}."


def _sections(report: Report) -> Iterator[tuple[str, str]]:
    yield "Videos", _videos(report)
    yield "Calls", _calls(report)
    yield f"Changed consensus of {CONSENSUS_DAYS} days", _consensus(report)
    yield "Failed for good", _failures(report)
    yield "Waiting now", _waiting(report)
    yield "Dead letters", _letters(report)
    yield "Money", _money(report)
    yield "Pauses", _pauses(report)


def _videos(report: Report) -> str:
    rows = [
        [
            channel.channel or channel.channel_id or "(unknown)",
            *map(
                str, (channel.discovered, channel.captioned, channel.analysed, channel.failed, channel.calls)
            ),
            usd(channel.charged_usd),
        ]
        for channel in report.channels
    ]
    if len(rows) > 1:
        sums = [
            sum(getattr(channel, name) for channel in report.channels)
            for name in ("discovered", "captioned", "analysed", "failed", "calls")
        ]
        charged = sum((channel.charged_usd for channel in report.channels), Decimal(0))
        rows.append(["all", *map(str, sums), usd(charged)])
    return _table("channel", ["found", "captions", "analysed", "failed", "calls", "charged"], rows)


def _calls(report: Report) -> str:
    if not report.calls:
        return ""
    said = ", ".join(f"{one.calls} {one.action}" for one in report.calls)
    names = ["calls", "channels", "buy", "hold", "sell", "watch", "avoid"]
    rows = [[one.symbol, *(str(getattr(one, name)) for name in names)] for one in report.symbols]
    return (
        f"{count(sum(one.calls for one in report.calls), 'call')}: {said}.\n\n{_table('symbol', names, rows)}"
    )


def _consensus(report: Report) -> str:
    rows = [
        [one.symbol, one.before, one.after, f"{one.calls_before} to {one.calls_after}"]
        for one in report.consensus
    ]
    table = _table("symbol", ["before", "now", "calls"], rows)
    return table and (
        f"What more than half of a symbol's calls say, of {CONSENSUS_CALLS} at least, else mixed.\n\n{table}"
    )


def _failures(report: Report) -> str:
    return "\n".join(
        _item(
            f"{count(one.videos, 'video')}, {one.stage}: {one.reason.strip().rstrip('.')}, as {one.example_video_id}",
        )
        for one in report.failures
    )


def _waiting(report: Report) -> str:
    rows = [
        [
            one.waits_for.replace("_", " "),
            str(one.videos),
            str(one.due),
            "" if one.next_try_at is None else f"{one.next_try_at:%Y-%m-%d %H:%M}",
        ]
        for one in report.waiting
    ]
    return _table("for", ["videos", "due", "the next at (UTC)"], rows)


def _letters(report: Report) -> str:
    return "\n".join(
        _item(
            f"{one.number}, {'open' if one.is_open else 'retried'}, {minute(one.at)},"
            f" {one.topic}[{one.partition}]@{one.offset}, {one.handler}: {one.error.strip()}"
        )
        for one in report.dead_letters
    )


def _money(report: Report) -> str:
    days = "\n".join(
        _item(f"{day.day}: {usd(day.charged_usd)} charged of {usd(day.cap_usd)}, {usd(day.left_usd)} left")
        for day in report.days
    )
    rows = [
        [
            lane.lane,
            str(lane.attempts),
            str(lane.completed),
            *map(usd, (lane.billed_usd, lane.unknown_usd, lane.open_usd, lane.charged_usd)),
        ]
        for lane in report.lanes
    ]
    names = ["attempts", "answered", "billed", "unknown", "open", "charged"]
    return "\n\n".join(part for part in (days, _table("lane", names, rows)) if part)


def _pauses(report: Report) -> str:
    return "\n".join(
        _item(
            f"{one.who}, from {minute(one.since)}"
            + (" on" if one.until is None else f" for {span(one.until - one.since)}")
            + f", {count(one.refusals, 'refusal')}: {(one.reason or 'no reason').strip().rstrip('.')}"
        )
        for one in report.pauses
    )


def _item(text: str) -> str:
    return textwrap.fill(
        f"- {_escaped(text)}", WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _escaped(text: str) -> str:
    """A stranger's words: on one line, and neither markup nor the end of a cell."""
    plain = "".join(f"\\{one}" if one in "\\`*<|" else one for one in printable(text))
    return plain.replace("](", "]\\(")


def _table(first: str, others: Sequence[str], rows: Sequence[Row]) -> str:
    """A table, the first column of words, the others of numbers; words are cut where a line would be too long."""
    if not rows:
        return ""
    columns = list(zip(*([others, *(row[1:] for row in rows)]), strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    room = max(WIDTH - sum(width + 3 for width in widths) - 4, 8)
    words = [_cut(_escaped(row[0]), room) for row in rows]
    widest = max(map(cell_len, [first, *words]))
    lines = [[first, *others], *([word, *row[1:]] for word, row in zip(words, rows, strict=True))]
    drawn = [
        "| "
        + " | ".join(
            [
                set_cell_size(line[0], widest),
                *(f"{cell:>{width}}" for cell, width in zip(line[1:], widths, strict=True)),
            ]
        )
        + " |"
        for line in lines
    ]
    rule = "|" + "|".join(["-" * (widest + 2), *("-" * (width + 1) + ":" for width in widths)]) + "|"
    return "\n".join([drawn[0], rule, *drawn[1:]])


def _cut(text: str, room: int) -> str:
    if cell_len(text) <= room:
        return text
    return set_cell_size(text, room - 1).rstrip().rstrip("\\") + "…"
