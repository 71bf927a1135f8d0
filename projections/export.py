"""The tables and views for people as files, for notebooks and for other engines, with a manifest that says what they are.

All of it is of one snapshot. It is written whole or not at all: into a folder beside the one that was asked for, which
gets its name once everything is on the disk.
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
from projections.sql import MEMORY, SqlError, said_plainly, snapshot

FORMATS = {"parquet": "FORMAT parquet, COMPRESSION zstd", "csv": "FORMAT csv, HEADER"}
MANIFEST = "manifest.json"
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
    """What an export holds. `last_record_at`: the broker's time of the newest record in it, null where there is none."""

    earmark: str
    exported_at: str
    last_record_at: str | None
    format: str
    files: Sequence[File]
    positions: Sequence[Position]


def export(home: Path, folder: Path, file_format: str, now: datetime) -> Manifest:
    """Write the newest snapshot's tables and views to `folder`, in one of FORMATS, with a manifest.

    Raises SqlError: where there is no snapshot, where `folder` holds something already, and where it cannot be written.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise SqlError(f"{folder} is there already and is not empty: name another folder, or remove it first")
    try:
        with snapshot(home) as database, said_plainly(), _made_whole(folder) as unfinished:
            manifest = _written(database, unfinished, file_format, now)
    except OSError as error:
        raise SqlError(f"{folder} cannot be written: {error.strerror}") from error
    return manifest


def _written(database: DuckDBPyConnection, folder: Path, file_format: str, now: datetime) -> Manifest:
    spill = folder / "spill"
    database.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{_quoted(spill)}'")
    files = [
        _file(database, folder, relation, file_format)
        for relation in catalogue(database)
        if relation.kind in ("table", "view")
    ]
    shutil.rmtree(spill, ignore_errors=True)
    positions = database.execute(
        "SELECT topic, log_partition, next_offset FROM _positions ORDER BY ALL"
    ).fetchall()
    [(last,)] = database.execute("SELECT max(last_record_at) FROM freshness").fetchall()
    manifest = Manifest(
        earmark=version("earmark"),
        exported_at=now.isoformat(),
        last_record_at=None if last is None else last.isoformat(),
        format=file_format,
        files=files,
        positions=[Position(*position) for position in positions],
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=1) + "\n")
    return manifest


def _file(database: DuckDBPyConnection, folder: Path, relation: Relation, file_format: str) -> File:
    columns = describe(database, relation.name).columns
    path = folder / f"{relation.name}.{file_format}"
    selected = ", ".join(_selected(column, file_format) for column in columns)
    [(rows,)] = database.execute(
        f"COPY (SELECT {selected} FROM {relation.name}) TO '{_quoted(path)}' ({FORMATS[file_format]})"  # noqa: S608  names of the model's own
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
