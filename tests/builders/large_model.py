"""A read model of so many videos, filled by SQL alone: for what must hold, or be quick, at any size.

Ten or eleven mentions an analysis, one of twelve of them rejected, and texts as long and about as hard to compress as
real ones. Three prompts: `old` was activated, then `now`, and `candidate` never. Of twenty videos one was analysed under
`old`, too, and one under `candidate` by a replay; of two hundred, one has no captions and never will, one failed at
Claude, and one is still asked for. Video n is in partition n % 12, which is not the partition of its key.
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from projections import model

_FILL = Path(__file__).with_suffix(".sql")


def fill(database: DuckDBPyConnection, videos: int) -> None:
    """Put so many videos, and all that became of them, into an empty read model."""
    database.execute("SET VARIABLE videos = ?", [videos])
    database.execute(_FILL.read_text())


def large_model(path: Path, videos: int) -> None:
    """A closed model file of so many videos at `path`."""
    database = model.create(path)
    fill(database, videos)
    model.finish(database)
