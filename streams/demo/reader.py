"""`python -m streams.demo.reader FILE`: an analyst in a process of its own, who keeps asking while others write.

It prints a JSON line each time that the counts change, and at its end (stdin closed) how often it asked.
"""

import json
import select
import sys
from pathlib import Path

import duckdb

EVERY_S = 0.25
QUERY = """
SELECT
  (SELECT count(*) FROM _channel_scans) AS scans,
  (SELECT count(*) FROM videos) AS videos,
  (SELECT count(*) FROM captions) AS captions,
  (SELECT count(*) FROM video_status WHERE status = 'discovered' AND next_try_at IS NOT NULL) AS waiting,
  (SELECT count(*) FROM outlooks) AS analysed,
  (SELECT count(*) FROM mentions) AS mentions,
  (SELECT count(*) FROM signals) AS signals,
  (SELECT coalesce(sum(charged_usd), 0)::VARCHAR FROM daily_costs) AS charged_usd,
  (SELECT coalesce(sum(open_usd), 0)::VARCHAR FROM daily_costs) AS open_usd
"""
COLUMNS = (
    "scans",
    "videos",
    "captions",
    "waiting",
    "analysed",
    "mentions",
    "signals",
    "charged_usd",
    "open_usd",
)


def main(file: Path) -> None:
    """Ask until stdin closes. An error is what the demo must show, so none is caught."""
    asked, last = 0, None
    while not select.select([sys.stdin], [], [], EVERY_S)[0]:
        if not file.exists():
            continue
        with duckdb.connect(str(file), read_only=True) as database:
            [row] = database.execute(QUERY).fetchall()
        asked += 1
        if row != last:
            print(json.dumps({**dict(zip(COLUMNS, row, strict=True)), "asked": asked}), flush=True)
        last = row
    print(json.dumps({"asked": asked}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
