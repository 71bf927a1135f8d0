"""Gold sets from files: a folder of our own format, or the CSV of VideoConviction. The format stands in README.md."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from streams.captions.json3 import BrokenCaptionsError, Transcript, parse
from streams.evaluation.gold import BUNDLED, Gold, GoldCall, GoldError, GoldVideo
from streams.evaluation.timed_lines import timed_lines
from streams.evaluation.videoconviction import read_csv
from streams.events.analyses import Action
from streams.events.symbols import normalise

CALLS, VIDEOS, TRANSCRIPTS = "calls.jsonl", "videos.jsonl", "transcripts"
_READERS = (".json3", ".txt")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    video: str = Field(min_length=1)


class _CallRow(_Row):
    symbol: str
    action: Action
    conviction: float = Field(ge=0, le=1)
    quote: str | None = None
    second: float | None = Field(default=None, ge=0)


class _VideoRow(_Row):
    title: str | None = None
    channel: str | None = None
    published_at: AwareDatetime | None = None
    transcript: str | None = None


_AnyRow = TypeVar("_AnyRow", bound=_Row)


def read_gold(where: str) -> Gold:
    """The gold set at a path, or the bundled one of that name where no file has it. Raises GoldError."""
    path = Path(where)
    if not path.exists() and where in BUNDLED:
        path = BUNDLED[where]
    if path.suffix == ".csv":
        return read_csv(path)
    calls = path / CALLS if path.is_dir() else path
    return _read_folder(calls.parent, calls)


def _read_folder(folder: Path, calls_file: Path) -> Gold:
    if not calls_file.is_file():
        raise GoldError(
            f"{calls_file} is not there: a gold set is a folder with {CALLS} and transcripts, or the CSV of"
            " VideoConviction"
        )
    listed = folder / VIDEOS
    videos = {row.video: row for _, row in _rows(listed, _VideoRow)} if listed.exists() else {}
    for file in sorted((folder / TRANSCRIPTS).glob("*")):
        if file.suffix in _READERS:
            videos.setdefault(file.stem, _VideoRow(video=file.stem))
    calls: dict[str, list[GoldCall]] = {}
    for line, row in _rows(calls_file, _CallRow):
        if row.video not in videos:
            raise GoldError(
                f"{calls_file}, line {line}: video {row.video} has no transcript: put"
                f" {TRANSCRIPTS}/{row.video}.json3 or .txt beside it, or name its file in {VIDEOS}"
            )
        symbol = normalise(row.symbol)
        if symbol is None:
            raise GoldError(
                f"{calls_file}, line {line}: {row.symbol!r} is no symbol: write it like NVDA or BRK.B"
            )
        calls.setdefault(row.video, []).append(
            GoldCall(symbol, row.action, row.conviction, row.quote, row.second)
        )
    if not videos:
        raise GoldError(f"{folder} has no transcripts: put a file a video into {folder / TRANSCRIPTS}")
    return Gold(folder.resolve().name, tuple(_video(folder, videos[key], calls) for key in sorted(videos)))


def _video(folder: Path, row: _VideoRow, calls: dict[str, list[GoldCall]]) -> GoldVideo:
    words = _transcript(folder, row)
    return GoldVideo(
        row.video,
        row.title,
        row.channel,
        row.published_at and row.published_at.astimezone(UTC),
        words.texts,
        words.starts_ms,
        words.ends_ms,
        tuple(calls.get(row.video, ())),
    )


def _transcript(folder: Path, row: _VideoRow) -> Transcript:
    named = [folder / row.transcript] if row.transcript else []
    usual = [folder / TRANSCRIPTS / f"{row.video}{suffix}" for suffix in _READERS]
    file = next((file for file in named or usual if file.is_file()), None)
    if file is None:
        raise GoldError(f"{(named or usual)[0]} is not there: it is the transcript of video {row.video}")
    text = _text(file)
    if file.suffix == ".txt":
        return timed_lines(file, text)
    try:
        found = parse(text)
    except BrokenCaptionsError as error:
        raise GoldError(f"{file}: {error}") from error
    if not found.texts:
        raise GoldError(f"{file}: nothing is said in it")
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GoldError(f"{file} cannot be read: {error}") from error


def _rows(file: Path, kind: type[_AnyRow]) -> Iterator[tuple[int, _AnyRow]]:
    """Each line of JSON Lines with its number; empty ones are passed over."""
    for number, line in enumerate(_text(file).splitlines(), 1):
        if line.strip():
            try:
                yield number, kind.model_validate_json(line)
            except ValidationError as error:
                raise GoldError(f"{file}, line {number}: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    what = error.errors(include_url=False)[0]
    place = ".".join(map(str, what["loc"]))
    return f"{place}: {what['msg']}" if place else what["msg"]
