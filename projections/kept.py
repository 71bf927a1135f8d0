"""What is current is kept, not computed at each question: in the transaction that changes it, a video at a time.

Three things follow from other rows of the model: which analysis of a video is the current one (`is_current` in
`analyses` and `all_mentions`), and all that is known of a video (`videos`). Each is made anew for the videos that a
batch touches: those of its events, and for a marker those of its partition.
"""

from collections.abc import Collection
from importlib.resources import files

from duckdb import DuckDBPyConnection

_SQL = files("projections").joinpath("kept")
_CURRENT, _MENTIONS, _VIDEOS = (
    _SQL.joinpath(f"{name}.sql").read_text() for name in ("analyses", "all_mentions", "videos")
)
_TABLES = {
    "VideoDiscovered": "_discovered",
    "CaptionsExtracted": "captions",
    "CaptionsUnavailable": "caption_failures",
    "AnalysisCompleted": "analyses",
}
_EVERY_VIDEO = " UNION ".join(f"SELECT video_id FROM {table}" for table in _TABLES.values())  # noqa: S608  our own
_OF_EVENTS = """
SELECT video_id FROM {table} SEMI JOIN (FROM incoming WHERE type = '{kind}') USING (log_partition, log_offset)
"""
_OF_MARKERS = """
SELECT video_id FROM analyses
SEMI JOIN (FROM incoming WHERE type = 'PromptActivated' AND topic = 'analyses') USING (log_partition)
"""


def keep(database: DuckDBPyConnection, types: Collection[str]) -> None:
    """After the inserts of a batch with events of these `types`, which stand in `incoming`; in their transaction."""
    touching = [_OF_EVENTS.format(table=table, kind=kind) for kind, table in _TABLES.items() if kind in types]
    if "PromptActivated" in types:
        touching.append(_OF_MARKERS)
    if touching:
        switching = not {"AnalysisCompleted", "PromptActivated"}.isdisjoint(types)
        _keep(database, " UNION ".join(touching), switching=switching)


def keep_all(database: DuckDBPyConnection) -> None:
    """The same for every video, where batches were applied without."""
    database.begin()
    _keep(database, _EVERY_VIDEO, switching=True)
    database.commit()


def _keep(database: DuckDBPyConnection, touching: str, *, switching: bool) -> None:
    database.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {touching}")
    if switching:
        database.execute(_CURRENT)
        database.execute(_MENTIONS)
    database.execute("DELETE FROM videos WHERE video_id IN (FROM touched)")
    database.execute(_VIDEOS)
    database.execute("DROP TABLE temp.touched")
