"""The tables and views for people as files, for notebooks and for other engines, with a manifest that says what they are.

All of the model is of one snapshot, and the words, where they are asked for, of the newest one of theirs. It is written
whole or not at all: into a folder beside the one that was asked for, which gets its name once everything is on the disk.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path

from duckdb import DuckDBPyConnection

from projections.describe import Column, Relation, catalogue, describe
from projections.sql import MEMORY, SqlError, attach_words, said_plainly, snapshot

FORMATS = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}
MANIFEST = "manifest.json"
WORDS = "transcripts"
# Of so many videos at a time: of all at once the engine would hold every text in memory.
_AT_ONCE = 512
# Other engines see bytes in them.
_AS_TEXT = ("UUID", "JSON")


@dataclass(frozen=True)
class Position:
    """How far the snapshot has read a partition of the log: the offset that it reads next."""

    topic: str
    partition: int
    next_offset: int


@dataclass(frozen=True)
class File:
    """A relation's file; `columns` have the types of the read model."""

    relation: str
    kind: str
    meaning: str | None
    file: str
    rows: int
    bytes: int
    sha256: str
    columns: Sequence[Column]


@dataclass(frozen=True)
class Manifest:
    """What an export holds. `last_record_at`: the broker's time of the newest record in it, null where there is none.

    `words_positions`: how far the transcripts have come, which follow the log on their own; empty where none were asked for.
    """

    earmark: str
    exported_at: str
    last_record_at: str | None
    format: str
    files: Sequence[File]
    positions: Sequence[Position]
    words_positions: Sequence[Position]


def export(home: Path, folder: Path, file_format: str, now: datetime, *, words: bool = False) -> Manifest:
    """Write the newest snapshot's tables and views to `folder`, in one of FORMATS, with a manifest.

    `words`: `transcripts` and `segments`, too. Raises SqlError: where there is no snapshot, where `folder` holds something already, and where it cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise SqlError(f"{folder} is there already and is not empty: name another folder, or remove it first")
    try:
        with snapshot(home) as database, said_plainly(), _made_whole(folder) as unfinished:
            if words:
                attach_words(database, home)
            manifest = _written(database, unfinished, file_format, now, words=words)
    except OSError as error:
        raise SqlError(f"{folder} cannot be written: {error.strerror}") from error
    return manifest


def _written(
    database: DuckDBPyConnection, folder: Path, file_format: str, now: datetime, *, words: bool
) -> Manifest:
    spill = folder / "spill"
    database.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{_quoted(spill)}'")
    relations = [relation for relation in catalogue(database) if relation.kind in ("table", "view")]
    if words:
        if not any(relation.name == WORDS for relation in relations):
            raise SqlError(
                "there are no transcripts yet: `earmark up` (or `earmark projector`) makes them; or leave out --words"
            )
        _put_texts_together(database)
    files = [_file(database, folder, relation, file_format) for relation in relations]
    shutil.rmtree(spill, ignore_errors=True)
    [(last,)] = database.execute("SELECT max(last_record_at) FROM freshness").fetchall()
    manifest = Manifest(
        earmark=version("earmark"),
        exported_at=now.isoformat(),
        last_record_at=None if last is None else last.isoformat(),
        format=file_format,
        files=files,
        positions=_positions(database, "_positions"),
        words_positions=_positions(database, f"{WORDS}._positions") if words else [],
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n")
    return manifest


def _positions(database: DuckDBPyConnection, table: str) -> list[Position]:
    query = f"SELECT topic, log_partition, next_offset FROM {table} ORDER BY ALL"  # noqa: S608  our own
    return [Position(*position) for position in database.execute(query).fetchall()]


def _put_texts_together(database: DuckDBPyConnection) -> None:
    """Make `texts`, all of `transcripts`, which may lie on the disk."""
    captions = [
        each
        for (each,) in database.execute(
            "SELECT captions_id FROM _documents ANTI JOIN _superseded USING (doc) ORDER BY doc"
        ).fetchall()
    ]
    database.execute(f"CREATE TEMP TABLE texts AS FROM {WORDS} LIMIT 0")
    for begin in range(0, len(captions), _AT_ONCE):
        database.execute(
            f"INSERT INTO texts FROM {WORDS} WHERE captions_id IN (SELECT unnest(?::UUID[]))",
            [captions[begin : begin + _AT_ONCE]],
        )


def _file(database: DuckDBPyConnection, folder: Path, relation: Relation, file_format: str) -> File:
    columns = describe(database, relation.name).columns
    path = folder / f"{relation.name}.{file_format}"
    selected = ", ".join(_selected(column, file_format) for column in columns)
    source = "texts" if relation.name == WORDS else relation.name
    [(rows,)] = database.execute(
        f"COPY (SELECT {selected} FROM {source}) TO '{_quoted(path)}' ({FORMATS[file_format]})"  # noqa: S608  names of the model's own
    ).fetchall()
    with path.open("rb") as content:
        digest = file_digest(content, "sha256").hexdigest()
    size = path.stat().st_size
    return File(relation.name, relation.kind, relation.meaning, path.name, rows, size, digest, columns)


def _selected(column: Column, file_format: str) -> str:
    if column.type in _AS_TEXT:
        return f'"{column.name}"::VARCHAR AS "{column.name}"'
    if file_format == "csv" and column.type.endswith("]"):
        return f'to_json("{column.name}")::VARCHAR AS "{column.name}"'
    return f'"{column.name}"'


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """A folder that becomes `folder` where the block ends well, and goes where it does not. Raises OSError."""
    # A killed predecessor's stays, under a name that says so; another one's may be at work.
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        for path in (*unfinished.iterdir(), unfinished):
            _sync(path)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
