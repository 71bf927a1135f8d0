"""Everything that a snapshot says, as JSON, by whatever DuckDB runs this file: `python everything_read.py SNAPSHOT`."""

import json
import re
import sys
from pathlib import Path

import duckdb

_RELATIONS = """
SELECT table_name, NULL, NULL FROM duckdb_tables() WHERE NOT internal
UNION ALL SELECT view_name, NULL, NULL FROM duckdb_views() WHERE NOT internal
UNION ALL
SELECT function_name, parameters, comment FROM duckdb_functions() WHERE NOT internal AND function_type = 'table_macro'
"""


def everything(snapshot: Path) -> dict[str, object]:
    """Of each relation its rows, as text and in order; of a macro those of its example, or of no arguments."""
    found: dict[str, object] = {"version": duckdb.__version__}
    with duckdb.connect(snapshot, read_only=True) as database:
        database.execute("SET TimeZone = 'UTC'")
        for name, parameters, comment in database.execute(_RELATIONS).fetchall():
            example = re.search(r"; example: (FROM .*)$", comment or "")
            arguments = "" if parameters is None else f"({', '.join(['NULL'] * len(parameters))})"
            query = f"FROM {name}{arguments}" if example is None else example[1]
            try:
                rows = database.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({query})").fetchall()  # noqa: S608  its own names
                found[name] = sorted(rows, key=str)
            except duckdb.Error as error:
                found[name] = str(error)
    return found


if __name__ == "__main__":
    print(json.dumps(everything(Path(sys.argv[1]))))
