"""What another prompt would change: two prompts' calls side by side, from the read model."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from projections.sql import snapshot
from streams.errors import EarmarkError
from streams.signals.tail import printable

EXAMPLES = 5
# In turn one of each kind, those with both sides first: of one kind alone there may be hundreds.
_EXAMPLES = """
WITH differing AS (
  SELECT *, CASE change WHEN 'changed' THEN changed[1] ELSE change END AS kind
  FROM compare_mentions(?, ?) WHERE change <> 'same'
)
SELECT * EXCLUDE (kind) FROM differing
ORDER BY
  row_number() OVER (PARTITION BY kind ORDER BY video_id, mention_id),
  list_position(['action', 'time_horizon', 'conviction', 'dropped', 'added'], kind)
LIMIT ?
"""

Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Rows of `compare_channels`, the last for all of them, and a few of `compare_mentions`: some of each change there is."""

    channels: list[Row]
    examples: list[Row]


def compare(home: Path, a: str, b: str) -> Comparison:
    """Prompts `a` and `b`, by name, over the videos that both have analysed. Raises EarmarkError for an unknown one."""
    with snapshot(home) as database:
        known = {name for (name,) in database.execute("SELECT name FROM prompts").fetchall()}
        for name in (a, b):
            if name not in known:
                raise EarmarkError(f"no prompt {name} is registered (there are: {', '.join(sorted(known))})")
        return Comparison(
            channels=_rows(database.execute("FROM compare_channels(?, ?)", [a, b])),
            examples=_rows(database.execute(_EXAMPLES, [a, b, EXAMPLES])),
        )


def _rows(answer: DuckDBPyConnection) -> list[Row]:
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def told(example: Row) -> Iterator[str]:
    """An example in lines: what became of the call, then each prompt's side with its quote and its address."""
    change = (
        f"{', '.join(example['changed'])} changed" if example["change"] == "changed" else example["change"]
    )
    yield printable(
        f"{change}: {example['symbol']} on {example['channel_title'] or 'a channel without a name'}"
    )
    for side in ("a", "b"):
        action, horizon, conviction, quote, url = (
            example[f"{side}_{name}"] for name in ("action", "time_horizon", "conviction", "quote", "url")
        )
        said = "-" if action is None else f"{action}, {horizon}, {conviction:.2f}: {quote} ({url})"
        yield printable(f"  {side.upper()} {said}")
