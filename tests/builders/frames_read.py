"""The one analysis of an export as pandas and polars have it, as JSON: `python frames_read.py FOLDER`."""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl


def _shown(row: Any) -> dict[str, object]:
    themes = row["themes"]
    return {
        "analysis_id": row["analysis_id"],
        "usd": [type(row["usd"]).__name__, float(row["usd"])],
        "happened_at": row["happened_at"].isoformat(),
        "themes": themes if isinstance(themes, str) else list(themes),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    frames = {
        "pandas": pd.read_parquet(folder / "analyses.parquet").to_dict("records"),
        "polars": pl.read_parquet(folder / "analyses.parquet").to_dicts(),
        "pandas csv": pd.read_csv(folder / "analyses.csv", parse_dates=["happened_at"]).to_dict("records"),
        "polars csv": pl.read_csv(folder / "analyses.csv", try_parse_dates=True).to_dicts(),
        "pandas, none": pd.read_parquet(folder / "replays.parquet").to_dict("records"),
        "polars, none": pl.read_parquet(folder / "replays.parquet").to_dicts(),
    }
    print(json.dumps({name: [_shown(row) for row in rows] for name, rows in frames.items()}))
