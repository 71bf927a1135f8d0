"""The CSV of VideoConviction as a gold set. Its licence (CC BY-NC-SA 4.0) forbids shipping it: it is read where it lies.

A row is a recommendation, or a video that has none. Its actions and convictions are not ours: `ACTIONS` and `CONVICTIONS`
say what they become. Its transcripts have no times, so no second is compared.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from streams.evaluation.gold import Gold, GoldCall, GoldError, GoldVideo
from streams.events.analyses import Action
from streams.events.symbols import normalise

ACTIONS: dict[str, Action] = {
    "buy": "buy",
    "hold": "hold",
    "don't buy": "avoid",
    "sell": "sell",
    "short sell": "sell",
    "unclear": "watch",
}
"""What their actions become; Unclear has no counterpart, and watch is the one that acts on nothing."""
CONVICTIONS = {1: 0.15, 2: 0.5, 3: 0.85}
"""What their scores become: the middle of their third of the scale, in steps of 0.05."""
COLUMNS = ("video_id", "action", "conviction_score", "ticker_name", "is_rec_present", "transcript")
WORDS_A_SEGMENT = 12
_MS_A_WORD = 400
_LONGEST_FIELD = 2**31 - 1


def read_csv(file: Path) -> Gold:
    """The gold set in a file, its videos in the file's order; those without words are left out. Raises GoldError."""
    csv.field_size_limit(_LONGEST_FIELD)
    videos: dict[str, dict[str, str]] = {}
    calls: dict[str, list[GoldCall]] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for line, row in _rows(file, csv.DictReader(stream)):
                videos.setdefault(row["video_id"], row)
                heard = calls.setdefault(row["video_id"], [])
                if row["is_rec_present"].strip().lower() == "yes":
                    heard.append(_call(f"{file}, line {line}", row))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GoldError(f"{file} cannot be read as CSV: {error}") from error
    spoken = [row for row in videos.values() if row["transcript"].strip()]
    if not spoken:
        raise GoldError(f"{file}: no video in it has a transcript")
    return Gold(
        file.stem,
        tuple(_video(row, calls[row["video_id"]]) for row in spoken),
        left_out=len(videos) - len(spoken),
    )


def _rows(file: Path, rows: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str]]]:
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise GoldError(f"{file}, line 1: there is no column {missing[0]}: is it the CSV of VideoConviction?")
    for row in rows:
        yield rows.line_num, {name: value or "" for name, value in row.items() if name is not None}


def _call(where: str, row: dict[str, str]) -> GoldCall:
    action = ACTIONS.get(row["action"].strip().lower())
    if action is None:
        raise GoldError(f"{where}: action {row['action']!r} is none of {', '.join(ACTIONS)}")
    try:
        conviction = CONVICTIONS[int(float(row["conviction_score"]))]
    except (ValueError, KeyError) as error:
        raise GoldError(
            f"{where}: conviction_score {row['conviction_score']!r} is none of 1, 2, 3"
        ) from error
    said = row["ticker_name"]
    # What is no symbol to us stays as it was written down: nobody can find it, and it counts as missed.
    return GoldCall(normalise(said) or said.strip().upper(), action, conviction)


def _video(row: dict[str, str], calls: list[GoldCall]) -> GoldVideo:
    words = row["transcript"].split()
    starts = range(0, len(words), WORDS_A_SEGMENT)
    return GoldVideo(
        row["video_id"],
        row.get("video_title") or None,
        row.get("channelTitle") or None,
        _moment(row.get("publishedAt", "")),
        tuple(" ".join(words[start : start + WORDS_A_SEGMENT]) for start in starts),
        tuple(start * _MS_A_WORD for start in starts),
        tuple(min(start + WORDS_A_SEGMENT, len(words)) * _MS_A_WORD for start in starts),
        tuple(calls),
    )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
