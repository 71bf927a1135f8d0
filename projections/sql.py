"""Queries on the newest snapshot: nothing can write to it, and no writer waits.

What a reader typed runs in a connection that the engine itself has locked: it sees the snapshot and nothing else of this
machine, changes no setting, and ends at a limit of memory and of time. No word is forbidden. Files are written by
another connection, which never sees the query.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation
from pyarrow import RecordBatch, RecordBatchReader

from projections.model import quoted
from projections.snapshots import LINK, WORDS_LINK
from streams.errors import EarmarkError

FORMATS = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet",
}
MEMORY = "1GB"
"""Of a query. It sorts a million mentions, and leaves a small machine room for the pipeline."""
# Nothing of a query goes to the disk: what it cannot hold in memory ends it.
_FRUGAL = f"SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET memory_limit = '{MEMORY}'; SET temp_directory = '';"
# In this order: each of the last two forbids what stands before it. A name that is no table would be looked for among the
# variables of this program.
_LOCKED = f"""
{_FRUGAL}
SET arrow_lossless_conversion = true;
SET python_enable_replacements = false;
SET autoload_known_extensions = false;
SET autoinstall_known_extensions = false;
SET enable_external_access = false;
SET lock_configuration = true;
"""
_TOO_LARGE = (
    f"the query was ended because it needs more than {MEMORY} of memory: narrow it, or open the file itself with a DuckDB"
    " of your own"
)
GRACE_S = 1.0
_AGAIN_S = 0.1
_BATCH = 2048


class SqlError(EarmarkError):
    """A query that cannot be run."""


@dataclass(frozen=True)
class Rows:
    """A result as text, in DuckDB's own notation. `more`: rows were left out; `types`: DuckDB's, by column."""

    columns: Sequence[str]
    types: Sequence[str]
    rows: Sequence[Sequence[str | None]]
    more: bool


@dataclass(frozen=True)
class Timeout:
    """A query is interrupted after `seconds`. Where the engine does not hear that within GRACE_S, `give_up` gets the sentence.

    That is so inside one call of a function that takes for ever; `give_up` runs in a thread, and should end the process.
    """

    seconds: float
    give_up: Callable[[str], None]

    @property
    def sentence(self) -> str:
        """What is said of a query that took longer."""
        return f"the query was ended after {self.seconds:g} s: narrow it, or give it longer with --timeout"


@contextmanager
def snapshot(home: Path) -> Iterator[DuckDBPyConnection]:
    """The newest snapshot, read-only, in UTC, for queries of our own. Raises SqlError where there is none yet."""
    with _opened(home) as database:
        database.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        yield database


def _opened(home: Path) -> DuckDBPyConnection:
    return _of_newest(home, lambda link: duckdb.connect(link, read_only=True))


def _of_newest(home: Path, opens: Callable[[Path], DuckDBPyConnection]) -> DuckDBPyConnection:
    """What `opens` makes of the link to the newest snapshot; where that was superseded and is gone before it was open, of the next one."""
    while True:
        link = newest_file(home)
        file = link.resolve()
        try:
            return opens(link)
        except duckdb.IOException:
            if link.resolve() == file:
                raise


def newest_file(home: Path) -> Path:
    """The newest snapshot's file. Raises SqlError where there is none yet."""
    path = home / LINK
    if not path.exists():
        raise SqlError(
            f"there is no read model in {home} yet: `earmark up` (or `earmark projector`) keeps one; EARMARK_HOME"
            " says where"
        )
    return path


def newest_names(home: Path) -> str:
    """What changes with each snapshot of the model or of the words. Raises SqlError where there is no model yet."""
    return " ".join(_name(link) for link in (newest_file(home), home / WORDS_LINK))


def _name(link: Path) -> str:
    # With its time: where a home was emptied, as the demo's is, another file may come to have the same name.
    with suppress(FileNotFoundError):
        return f"{link.resolve().name}@{link.stat().st_mtime_ns}"
    return ""


def locked(home: Path) -> DuckDBPyConnection:
    """The newest snapshot with its words, locked as for a reader's query; its cursors are, too. Raises SqlError."""
    database = duckdb.connect()
    # By its own name: under the link's a process would be given the file that it has open already.
    _of_newest(
        home,
        lambda link: database.execute(
            f"ATTACH '{quoted(link.resolve())}' AS earmark (READ_ONLY); USE earmark"
        ),
    )
    attach_words(database, home)
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    database.execute(_LOCKED)
    return database


def cursor(database: DuckDBPyConnection) -> DuckDBPyConnection:
    """A cursor of what `locked` returned, which sees the words as it does."""
    ((path,),) = database.execute("SELECT current_setting('search_path')").fetchall()
    new = database.cursor()
    new.execute(f"SET search_path = '{path}'")
    return new


def attach_words(database: DuckDBPyConnection, home: Path) -> None:
    """Let a connection to the newest snapshot see `transcripts`, `segments` and `search`, where there are any yet."""
    path = home / WORDS_LINK
    if path.exists():
        database.execute(f"ATTACH '{quoted(path)}' AS transcripts (READ_ONLY)")
        # A macro looks for its tables where its caller does.
        ((model,),) = database.execute("SELECT current_database()").fetchall()
        database.execute(f"SET search_path = '\"{model}\".main,transcripts.main'")


@contextmanager
def said_plainly() -> Iterator[None]:
    """Within the block, DuckDB's errors become SqlError."""
    try:
        yield
    except duckdb.Error as error:
        raise SqlError(str(error)) from error


def read(home: Path, query: str, limit: int, timeout: Timeout) -> Rows:
    """At most `limit` rows of `query`'s result. Raises SqlError, also where it takes too long."""
    with _found(home, query, timeout) as (found, columns, types):
        # Asked for as text, so that every value reads as DuckDB writes it.
        rows = found.execute("SELECT COLUMNS(*)::VARCHAR FROM found LIMIT ?", [limit + 1]).fetchall()
    return Rows(columns, types, rows[:limit], more=len(rows) > limit)


def write(home: Path, query: str, file_format: str, output: Path, timeout: Timeout) -> None:
    """Write all of `query`'s result to the file `output` in one of FORMATS. Raises SqlError, also where it takes too long."""
    target = str(output).replace("'", "''")
    with _found(home, query, timeout) as (found, _, _):
        found.execute(f"COPY (FROM found) TO '{target}' ({FORMATS[file_format]})").fetchall()


def stream(home: Path, query: str, file_format: str, output: BinaryIO, timeout: Timeout) -> None:
    """Write all of `query`'s result to an open stream, as `write` does."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result"
        write(home, query, file_format, path, timeout)
        with path.open("rb") as result:
            shutil.copyfileobj(result, output)


@contextmanager
def _found(
    home: Path, query: str, timeout: Timeout
) -> Iterator[tuple[DuckDBPyConnection, list[str], list[str]]]:
    """A database of its own where `found` is the stream of the result, with its columns and their types. Raises SqlError.

    The query runs as it was typed, with nothing round it: an error in it shows its own words, and in their right line.
    """
    broken: list[str] = []
    is_over = Event()
    try:
        with (
            _opened(home) as database,
            duckdb.connect() as found,
            _interrupted(timeout, database, is_over),
        ):
            found.execute(_FRUGAL)
            attach_words(database, home)
            database.execute(_LOCKED)
            result = _last(database, query)
            rows = result.to_arrow_reader(_BATCH)
            found.register("found", RecordBatchReader.from_batches(rows.schema, _told(rows, broken)))
            yield found, result.columns, list(map(str, result.types))
    except duckdb.Error as error:
        said = broken[0] if broken else str(error)
        raise SqlError(timeout.sentence if is_over.is_set() else _plainly(said)) from error
    except MemoryError as error:
        raise SqlError(_TOO_LARGE) from error


@contextmanager
def _interrupted(timeout: Timeout, database: DuckDBPyConnection, is_over: Event) -> Iterator[None]:
    """Within the block, what `database` does is interrupted once its time is over, and `is_over` is set."""
    is_done = Event()

    def interrupt() -> None:
        if is_done.wait(timeout.seconds):
            return
        is_over.set()
        # Again and again: between two statements nobody hears it.
        for _ in range(round(GRACE_S / _AGAIN_S)):
            database.interrupt()
            if is_done.wait(_AGAIN_S):
                return
        timeout.give_up(timeout.sentence)

    thread = Thread(target=interrupt, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join()


def _last(database: DuckDBPyConnection, query: str) -> DuckDBPyRelation:
    """The result of the last statement, once those before it have run."""
    statements = database.extract_statements(query)
    if not statements:
        raise SqlError("there is no statement in the query")
    try:
        for statement in statements[:-1]:
            database.execute(statement).fetchall()
        return database.sql(statements[-1])
    except ValueError as error:  # of a kind that DuckDB's own client does not know
        raise SqlError(f"a statement of the query is none that asks for anything: {error}") from error


def _told(rows: Iterable[RecordBatch], broken: list[str]) -> Iterator[RecordBatch]:
    """The rows; what breaks them off is kept as it was said, for whoever reads them says it with words of its own."""
    try:
        yield from rows
    except OSError as error:
        broken.append(str(error))
        raise


def _plainly(said: str) -> str:
    """What DuckDB said, or a sentence where it met a limit that is ours."""
    if said.startswith("Out of Memory Error"):
        return _TOO_LARGE
    if said.startswith("Permission Error") or "the configuration has been locked" in said:
        return (
            "a query reads the read model and nothing else, no file, address, extension or setting; --output writes a"
            f" file ({said.splitlines()[0]})"
        )
    return said
