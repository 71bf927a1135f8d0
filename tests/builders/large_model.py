"""A read model of so many videos, filled by SQL alone: for what must hold, or be quick, at any size.

Ten or eleven mentions an analysis, one of twelve of them rejected, and texts as long and about as hard to compress as
real ones. Three prompts: `old` was activated, then `now`, and `candidate` never. Of twenty videos one was analysed under
`old`, too, and one under `candidate` by a replay; of two hundred, one has no captions and never will, one failed at
Claude, and one is still asked for. Video n is in partition n % 12, which is not the partition of its key.
"""

from pathlib import Path

from duckdb import DuckDBPyConnection

from projections import model
from projections.kept import keep_all

_FILL = Path(__file__).with_suffix(".sql")
# A mention's row says of its video and its analysis what the analysis's row says.
_COMPLETE = """
UPDATE all_mentions SET video_url = a.url, video_title = a.title, channel_id = a.channel_id,
  channel_title = a.channel_title, published_at = a.published_at, published_precision = a.published_precision,
  prompt_id = a.prompt_id, prompt = a.prompt, model = a.model, analysed_at = a.happened_at
FROM analyses a
WHERE a.log_partition = all_mentions.log_partition AND a.log_offset = all_mentions.log_offset
"""


def fill(database: DuckDBPyConnection, videos: int) -> None:
    """Put so many videos, and all that became of them, into an empty read model."""
    database.execute("SET VARIABLE videos = ?", [videos])
    database.execute(_FILL.read_text())
    database.execute(_COMPLETE)
    keep_all(database)


def large_model(path: Path, videos: int) -> None:
    """A closed model file of so many videos at `path`."""
    database = model.create(path)
    fill(database, videos)
    model.finish(database)
