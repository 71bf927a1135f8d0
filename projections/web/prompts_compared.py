"""Two prompts over the videos that both have analysed: how often each kind of change is there, with examples."""

from collections.abc import Mapping
from typing import Any

from projections.web.page import Asked

EXAMPLES = 3
"""Of each kind."""
KINDS: Mapping[str, str] = {
    "added": "Added",
    "dropped": "Dropped",
    "action": "Another action",
    "time_horizon": "Another horizon",
    "conviction": "Another conviction",
    "condition": "Another condition",
    "levels": "Other levels",
    "speaker": "Another speaker",
    "position": "Another position",
    "expires": "Another end",
}
"""What is said of each kind; a call that differs in two ways is one of both."""

# What they say is long, so it is asked for where it is shown.
_CHANGES = """
SELECT kind, count(*) AS calls, arg_min((video_id, mention_id), (video_id, mention_id), $examples) AS examples
FROM (
  SELECT unnest(if(change = 'changed', changed, [change])) AS kind, video_id, mention_id FROM compare_mentions($a, $b)
)
GROUP BY kind
"""
_SIDES = """
SELECT
  side, mention_id, symbol, action, conviction, time_horizon, condition, quote, start_ms, video_url, video_id, video_title,
  channel_title
FROM all_mentions
JOIN (
  SELECT unnest(['a', 'b']) AS side, log_partition, unnest([a_offset, b_offset]) AS log_offset
  FROM compare_videos($a, $b) WHERE video_id IN (SELECT unnest($videos))
) USING (log_partition, log_offset)
WHERE mention_id IN (SELECT unnest($mentions))
"""


def compared(asked: Asked, a: str, b: str) -> dict[str, Any]:
    """The rows of `compare_channels`, the last of them for all, and the kinds of change with examples in KINDS' order.

    An example is a mention on each side, or None.
    """
    found = {row["kind"]: row for row in asked.rows(_CHANGES, a=a, b=b, examples=EXAMPLES)}
    changes = {kind: found[kind] for kind in KINDS if kind in found}
    examples = [each for change in changes.values() for each in change["examples"]]
    sides = asked.rows(
        _SIDES,
        a=a,
        b=b,
        videos=[video_id for video_id, _ in examples],
        mentions=[mention_id for _, mention_id in examples],
    )
    said = {(row["side"], row["mention_id"]): row for row in sides}
    return {
        "channels": asked.rows("FROM compare_channels($a, $b)", a=a, b=b),
        "changes": [
            {
                "title": KINDS[kind],
                "calls": change["calls"],
                "examples": [
                    (said.get(("a", mention_id)), said.get(("b", mention_id)))
                    for _, mention_id in change["examples"]
                ],
            }
            for kind, change in changes.items()
        ],
    }
