"""What is kept in a read model, said again as what it is: a question over all that there ever was."""

from duckdb import DuckDBPyConnection

_DEFINITIONS = {
    # Of the analyses that exist, the one with the latest activation of its prompt, then with the latest captions.
    "SELECT log_partition, log_offset, analysis_id FROM analyses WHERE is_current": """
        WITH activated AS (
          SELECT log_partition, prompt_id, max(activation) AS activation FROM _markers GROUP BY ALL
        ),
        current AS (
          SELECT a.*
          FROM analyses a
          JOIN activated USING (log_partition, prompt_id)
          QUALIFY row_number() OVER (
            PARTITION BY a.video_id
            ORDER BY a.partial, activated.activation DESC, a.captions_revision DESC, a.log_partition, a.log_offset
          ) = 1
        )
        SELECT log_partition, log_offset, analysis_id FROM current
    """,
    "FROM all_mentions": """
        SELECT m.* REPLACE (
          a.url AS video_url, a.title AS video_title, a.channel_id AS channel_id, a.channel_title AS channel_title,
          a.published_at AS published_at, a.published_precision AS published_precision, a.prompt_id AS prompt_id,
          a.prompt AS prompt, a.model AS model, a.happened_at AS analysed_at, a.is_current AS is_current
        )
        FROM all_mentions m
        LEFT JOIN analyses a ON a.log_partition = m.log_partition AND a.log_offset = m.log_offset
    """,
    # What was learnt later stands before what was known first.
    "SELECT video_id, _video_number, * EXCLUDE (video_id, _video_number) FROM videos": """
        WITH
          latest_captions AS (
            FROM captions
            QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY revision DESC, log_partition, log_offset) = 1
          ),
          latest_failure AS (
            FROM caption_failures
            QUALIFY row_number() OVER (
              PARTITION BY video_id ORDER BY revision DESC, attempt DESC, log_partition, log_offset
            ) = 1
          ),
          discovered AS (
            FROM _discovered QUALIFY row_number() OVER (PARTITION BY video_id ORDER BY log_partition, log_offset) = 1
          )
        SELECT
          video_id, _number(video_id) AS _video_number,
          coalesce(c.url, f.url, d.url) AS url,
          coalesce(c.title, f.title, d.title) AS video_title,
          coalesce(c.channel_id, f.channel_id, d.channel_id) AS channel_id,
          coalesce(c.channel_title, f.channel_title, d.channel_title) AS channel_title,
          coalesce(c.published_at, f.published_at, d.published_at) AS published_at,
          CASE
            WHEN c.published_at IS NOT NULL THEN c.published_precision
            WHEN f.published_at IS NOT NULL THEN f.published_precision
            ELSE d.published_precision
          END AS published_precision,
          coalesce(d.origin, c.origin, f.origin) AS origin,
          d.happened_at AS discovered_at,
          c.captions_id, c.revision AS captions_revision, c.source AS captions_source, c.language, c.original, c.words, c.length_ms,
          c.happened_at AS captioned_at,
          a.analysis_id, a.partial, a.direction, a.prompt, a.model, a.happened_at AS analysed_at,
          CASE WHEN a.analysis_id IS NOT NULL THEN (
            SELECT count(*) FROM all_mentions m
            WHERE m.log_partition = a.log_partition AND m.log_offset = a.log_offset AND m.rejected IS NULL
              AND m.paid IS NOT true
          ) END AS mentions
        FROM discovered d
        FULL JOIN latest_captions c USING (video_id)
        FULL JOIN latest_failure f USING (video_id)
        LEFT JOIN (FROM analyses WHERE is_current) a USING (video_id)
    """,
}


def assert_kept(database: DuckDBPyConnection) -> None:
    """What is kept in the model that is in use is what follows from the rest of it, both ways."""
    for kept, definition in _DEFINITIONS.items():
        for one, other in ((kept, definition), (definition, kept)):
            left_over = database.execute(f"({one}) EXCEPT ALL ({other})").fetchall()
            assert left_over == [], kept
