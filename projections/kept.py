"""What is current is kept, not computed at each question: in the transaction that changes it, a video at a time.

Three things follow from other rows of the model: which analysis of a video is the current one (`is_current` in
`analyses` and `all_mentions`), and all that is known of a video (`videos`). Each is made anew for the videos that a
batch touches: those of its events, and for a marker those of its partition.
"""

from collections.abc import Collection, Mapping
from importlib.resources import files

from duckdb import DuckDBPyConnection

_SQL = files("projections").joinpath("kept")
_CURRENT, _MENTIONS, _VIDEOS = (
    _SQL.joinpath(f"{name}.sql").read_text() for name in ("analyses", "all_mentions", "videos")
)
TABLES = ("_discovered", "captions", "caption_failures", "analyses")
"""Those that a video stands in, with its number."""
_EVERY_VIDEO = " UNION ".join(f"SELECT video_id, _video_number FROM {table}" for table in TABLES)  # noqa: S608  our own
_TOUCHED = """
SELECT video_id, _number(video_id) AS _video_number FROM (SELECT unnest($videos::VARCHAR[]) AS video_id)
"""
_MARKED = """
UNION
SELECT video_id, _video_number FROM analyses WHERE log_partition IN (SELECT unnest($marked::INTEGER[]))
"""


def keep(
    database: DuckDBPyConnection, videos: Collection[str], marked: Collection[int], *, switching: bool
) -> None:
    """After the inserts of a batch, in their transaction.

    `videos`: those that it has something new of. `marked`: the partitions of `analyses` that it has a marker of.
    `switching`: whether it has an analysis.
    """
    if marked:
        touching = {"videos": list(videos), "marked": list(marked)}
        _keep(database, _TOUCHED + _MARKED, touching, switching=True)
    elif videos:
        _keep(database, _TOUCHED, {"videos": list(videos)}, switching=switching)


def keep_all(database: DuckDBPyConnection) -> None:
    """The same for every video, where batches were applied without."""
    database.begin()
    _keep(database, _EVERY_VIDEO, {}, switching=True)
    database.commit()


def _keep(
    database: DuckDBPyConnection, touching: str, values: Mapping[str, object], *, switching: bool
) -> None:
    database.execute(f"CREATE OR REPLACE TEMP TABLE touched AS {touching}", values)
    if switching:
        database.execute(_CURRENT)
        database.execute(_MENTIONS)
    database.execute(
        "DELETE FROM videos v USING touched t WHERE v._video_number = t._video_number AND v.video_id = t.video_id"
    )
    database.execute(_VIDEOS)
    database.execute("DROP TABLE temp.touched")
