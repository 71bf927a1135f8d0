"""The read model's own files, which only their writer opens: `EARMARK_HOME/model/rm-<generation>.duckdb`.

The highest generation is the model. A rebuild makes a new file under another name and renames it to the next
generation once it is whole, which a running projector notices between two batches: it goes on from the positions in
the new file and removes the old one. Readers never come here: they have the snapshots.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from shutil import rmtree

import duckdb
from duckdb import DuckDBPyConnection

from projections import blocks
from streams.errors import EarmarkError

# Any DuckDB from 1.2 on opens this.
STORAGE_VERSION = "v1.2.0"
# Half of DuckDB's own. As small groups of rows fill up, a checkpoint writes a whole one anew, and readers wait for it: a
# second in place of two, for a file that is a twentieth larger.
_ROW_GROUP = 61_440
# What waits in memory for its place in a file that is made anew, and all that DuckDB may hold of it.
CHECKPOINT_BYTES = "64MB"
MEMORY = "256MB"
KIND = "rm"
"""What the names of the model's files begin with."""
REBUILT = "rebuild.unfinished"
"""The name of the file in which a rebuild makes the next model."""
VIEWS = ("links", "channels", "mentions", "money", "waits", "status", "compare", "questions")
_SQL = files("projections")
_SCHEMA = _SQL.joinpath("schema.sql").read_text()
# What tables hold also follows from how what is current is kept in them.
_KEPT = [file.read_text() for file in sorted(_SQL.joinpath("kept").iterdir(), key=lambda file: file.name)]
_HASH = sha256("".join([_SCHEMA, *_KEPT]).encode()).hexdigest()
# What a model shows beside its tables: made anew only where that is another, for it takes a tenth of a second.
_VIEWS_HASH = sha256(
    "".join(
        _SQL.joinpath(place).read_text() for place in (*(f"views/{name}.sql" for name in VIEWS), "words.py")
    ).encode()
).hexdigest()


class LockedError(EarmarkError):
    """Another process holds the lock."""


class ModelError(EarmarkError):
    """The read model's file cannot be used as it is."""


class OtherTablesError(ModelError):
    """The read model's tables are of another version."""


class DamagedError(ModelError):
    """The read model's file is torn: DuckDB writes blocks of its metadata in place, and a kill may come between."""


def define(database: DuckDBPyConnection) -> None:
    """Make the tables and views in an empty database, whole or not at all."""
    database.begin()
    database.execute(_SCHEMA)
    database.execute("INSERT INTO _schema VALUES (?, ?)", [_HASH, _VIEWS_HASH])
    _define_views(database)
    database.commit()


def view_definitions() -> dict[str, str]:
    """The files that define the views, by name, in the order in which they need each other."""
    return {name: _SQL.joinpath("views", f"{name}.sql").read_text() for name in VIEWS}


def _define_views(database: DuckDBPyConnection) -> None:
    for definition in view_definitions().values():
        database.execute(definition)


def _comment(database: DuckDBPyConnection) -> None:
    from projections.describe import comment  # noqa: PLC0415  it brings the language, for the words, and a reader writes none

    comment(database)


def create(path: Path) -> DuckDBPyConnection:
    """A new, empty model at `path`, open for writing; what a killed predecessor left there is removed."""
    remove(path)
    database = duckdb.connect()
    database.execute(
        f"ATTACH '{quoted(path)}' AS model (STORAGE_VERSION '{STORAGE_VERSION}', ROW_GROUP_SIZE {_ROW_GROUP}); USE model"
    )
    configure(database)
    define(database)
    # In one transaction: hundreds of them, each on the disk before the next, take three times as long.
    database.begin()
    _comment(database)
    database.commit()
    return database


def finish(database: DuckDBPyConnection) -> None:
    """Close a model so that its file alone is all of it, and can be renamed."""
    database.execute("CHECKPOINT")
    database.close()


def open_model(path: Path) -> DuckDBPyConnection:
    """The model at `path`, open for writing, with the views of this version.

    Raises OtherTablesError where its tables are of another version, ModelError where the file cannot be opened.
    """
    database = _attached(path)
    configure(database)
    if database.execute("SELECT views FROM _schema").fetchall() != [(_VIEWS_HASH,)]:
        database.begin()
        _define_views(database)
        _comment(database)
        database.execute("UPDATE _schema SET views = ?", [_VIEWS_HASH])
        database.commit()
    return database


def _attached(path: Path) -> DuckDBPyConnection:
    # DuckDB looks at some of its metadata much later.
    if blocks.is_torn(path):
        raise DamagedError(f"{path} is torn: run `earmark rebuild`")
    database = duckdb.connect()
    try:
        database.execute(f"ATTACH '{quoted(path)}' AS model (ROW_GROUP_SIZE {_ROW_GROUP}); USE model")
        ours = is_ours(database)
    except duckdb.Error as error:
        database.close()
        # DuckDB has no class of its own for it.
        kind = DamagedError if "Corrupt database file" in str(error) else ModelError
        raise kind(f"{path} cannot be opened ({error}): run `earmark rebuild`") from error
    if not ours:
        database.close()
        raise OtherTablesError(f"{path} was made by another version of Earmark: run `earmark rebuild`")
    return database


def is_ours(database: DuckDBPyConnection) -> bool:
    """Whether the tables of an open model are of this version."""
    return database.execute("SELECT hash FROM _schema").fetchall() == [(_HASH,)]


def to_replace(home: Path) -> OtherTablesError | DamagedError | None:
    """Why the model must be replaced by another, where there is one that must.

    Raises ModelError where its file cannot be opened for another reason.
    """
    if not (generation := newest_generation(home)):
        return None
    try:
        _attached(generation_file(home, generation)).close()
    except (OtherTablesError, DamagedError) as error:
        return error
    return None


def quoted(path: Path) -> str:
    """`path` between the quotes of a statement."""
    return str(path).replace("'", "''")


def configure(database: DuckDBPyConnection) -> None:
    """Set what a database is to be written with."""
    # No checkpoint of DuckDB's own accord: one is taken for each snapshot. No bar of its own on our stdout either.
    database.execute("SET wal_autocheckpoint = '1GB'; SET TimeZone = 'UTC'; SET enable_progress_bar = false")


def bound(database: DuckDBPyConnection, path: Path) -> None:
    """Bound what a database at `path` holds in memory, however much is written to it or asked."""
    database.execute(
        f"SET wal_autocheckpoint = '{CHECKPOINT_BYTES}'; SET memory_limit = '{MEMORY}';"
        f" SET temp_directory = '{quoted(overflow(path))}'; SET enable_progress_bar = false"
    )


def folder(home: Path) -> Path:
    """Where the model's files are."""
    return home / "model"


def generation_file(home: Path, generation: int, kind: str = KIND) -> Path:
    """The file of a generation."""
    return folder(home) / f"{kind}-{generation}.duckdb"


def newest_generation(home: Path, kind: str = KIND) -> int:
    """The generation that is in use; 0 where there is none."""
    names = (path.stem.removeprefix(f"{kind}-") for path in folder(home).glob(f"{kind}-*.duckdb"))
    return max((int(name) for name in names if name.isdecimal()), default=0)


def remove_older(home: Path, generation: int, kind: str = KIND) -> None:
    """Remove the files of all generations before this one."""
    for path in folder(home).glob(f"{kind}-*.duckdb"):
        number = path.stem.removeprefix(f"{kind}-")
        if number.isdecimal() and int(number) < generation:
            remove(path)


def remove(path: Path) -> None:
    """Remove a database file, its write-ahead log and what did not fit into memory, if they are there."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    rmtree(overflow(path), ignore_errors=True)


def overflow(path: Path) -> Path:
    """The folder for what does not fit into the memory that a database may use."""
    return path.with_name(path.name + ".tmp")


@contextmanager
def lock(home: Path, name: str, refusal: str) -> Iterator[None]:
    """Hold the lock `name` for as long as the block lasts; a killed holder's is free. Raises LockedError(refusal)."""
    folder(home).mkdir(parents=True, exist_ok=True)
    with (folder(home) / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(refusal) from None
        yield
