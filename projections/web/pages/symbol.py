"""A symbol: its calls over time, who said what last, and both sides in their own words."""

from collections.abc import Mapping
from typing import Any

from projections.web import charts, forms, shown
from projections.web.page import Asked, NothingThereError
from projections.web.quoted import COUNTED, words_at

QUOTES = 5
"""Of a side."""
CHANNELS = 100
NAMES = 8
REVERSALS = 3

# What the page's questions need of the symbol's `mentions`, read once and put in order; `place` finds the words of the
# few that are shown. The cursor has it for itself, and it is gone after the page.
_SAID = """
CREATE OR REPLACE TEMP TABLE said AS
SELECT
  rowid AS place, coalesce(published_at, analysed_at) AS said_at, action, _side(action) AS side, channel_id,
  channel_title, said_as, row_number() OVER (ORDER BY said_at, video_id, start_ms, mention_id) AS turn
FROM all_mentions
WHERE symbol = $symbol AND is_current AND rejected IS NULL AND paid IS NOT true
"""
# Of one that no call stands of: as it is written where the answers that are kept out, or are no more current, have it.
_NAMED = "SELECT symbol FROM all_mentions WHERE symbol IN ($typed, upper($typed)) ORDER BY symbol <> $typed LIMIT 1"
_ASKED_FOR = (
    "said_at >= coalesce($since, said_at) AND coalesce(channel_id, '') = coalesce($channel, channel_id, '')"
)
_WEEKS = f"""
SELECT _week(said_at) AS week, {COUNTED} FROM said
WHERE {_ASKED_FOR} GROUP BY week ORDER BY week DESC LIMIT $most
"""  # noqa: S608  our own words, values by name
_BY_CHANNEL = f"""
SELECT channel_id, arg_max(channel_title, turn) AS channel_title, {COUNTED}, arg_max(place, turn) AS last
FROM said WHERE {_ASKED_FOR} GROUP BY channel_id ORDER BY max(turn) DESC LIMIT $most
"""  # noqa: S608  our own words, values by name
_HEARD = """
SELECT channel_id, coalesce(arg_max(channel_title, turn), channel_id) AS title
FROM said WHERE channel_id IS NOT NULL GROUP BY channel_id ORDER BY lower(title), channel_id LIMIT $most
"""
_NEWEST = f"SELECT place FROM said WHERE side = $side AND {_ASKED_FOR} ORDER BY turn DESC LIMIT $most"  # noqa: S608  our own words, values by name
_NAMES = f"""
SELECT said_as, count(*) AS calls FROM said
WHERE said_as <> '' AND {_ASKED_FOR} GROUP BY said_as ORDER BY calls DESC, said_as LIMIT $most
"""  # noqa: S608  our own words, values by name
# As in `call_series`.
_SERIES = f"""
WITH sides AS (
  SELECT *, lag({{'side': side, 'said_at': said_at}}) OVER (PARTITION BY channel_id ORDER BY turn) AS before
  FROM said WHERE channel_id IS NOT NULL AND side IS NOT NULL
)
SELECT
  count(*) FILTER (before IS NULL OR before.said_at < said_at - INTERVAL 30 DAYS) AS first,
  count(*) FILTER (before.side = side AND before.said_at >= said_at - INTERVAL 30 DAYS) AS repeat,
  count(*) FILTER (before.side <> side AND before.said_at >= said_at - INTERVAL 30 DAYS) AS reversal,
  max({{'turn': turn, 'place': place}}, $most)
    FILTER (before.side <> side AND before.said_at >= said_at - INTERVAL 30 DAYS) AS reversals
FROM sides WHERE {_ASKED_FOR}
"""  # noqa: S608  our own words, values by name


def show(asked: Asked) -> Mapping[str, Any]:
    """The calls of a symbol in a window, of one channel or all. Raises NothingThereError: nobody named it."""
    window = forms.choice(asked.query, "window", forms.WINDOWS)
    channel = forms.text(asked.query, "channel")
    since = forms.since(window, asked.now)
    symbol, standing = _said(asked)
    wanted: dict[str, object] = {"since": since, "channel": channel or None}
    weeks = asked.rows(_WEEKS, **wanted, most=charts.ALL_WEEKS)
    by_channel = asked.rows(_BY_CHANNEL, **wanted, most=CHANNELS)
    sides = [asked.rows(_NEWEST, **wanted, side=side, most=QUOTES) for side in (1, -1)]
    [series] = asked.rows(_SERIES, **wanted, most=REVERSALS)
    places = [
        *(row["last"] for row in by_channel),
        *(row["place"] for side in sides for row in side),
        *(row["place"] for row in series["reversals"] or ()),
    ]
    words = words_at(asked, places)
    return {
        "symbol": symbol,
        "stands": standing,
        "window": window,
        "windows": forms.WINDOWS,
        "channel": channel,
        "heard": asked.rows(_HEARD, most=CHANNELS),
        "names": asked.rows(_NAMES, **wanted, most=NAMES),
        "weeks": weeks,
        "chart": _chart(asked, weeks, window),
        "by_channel": [{**row, "call": words[row["last"]]} for row in by_channel],
        "buying": [words[row["place"]] for row in sides[0]],
        "leaving": [words[row["place"]] for row in sides[1]],
        "series": series,
        "reversals": [words[row["place"]] for row in series["reversals"] or ()],
        "total": {
            name: sum(row[name] for row in weeks)
            for name in ("calls", "buy", "hold", "watch", "sell", "avoid")
        },
    }


def _said(asked: Asked) -> tuple[str, int]:
    """The symbol as it is written, and how many calls of it stand, which are put into `said`."""
    typed = asked.path["symbol"]
    [made] = asked.rows(_SAID, symbol=typed.upper())
    if made["Count"]:
        return typed.upper(), made["Count"]
    named = asked.rows(_NAMED, typed=typed)
    if not named:
        raise NothingThereError(f"no video names {typed}")
    return named[0]["symbol"], 0


def _chart(asked: Asked, weeks: list[dict[str, Any]], window: str) -> charts.Chart:
    since = forms.since(window, asked.now)
    found = [charts.Column(row["week"], row["buy"], row["sell"] + row["avoid"]) for row in weeks]
    columns = charts.weekly(found, since and since.date(), asked.now.date())
    return charts.draw(columns, lambda value: shown.count(round(value)))
