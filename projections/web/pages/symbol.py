"""A symbol: its calls over time, who said what last, and both sides in their own words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from projections.web import charts, forms, shown
from projections.web.page import Asked, NothingThereError
from projections.web.pages.calls import ACTIONS
from projections.web.quoted import COUNTED, words_at

QUOTES = 5
"""Of a side."""
CHANNELS = 100
NAMES = 8
SERIES = ("first", "repeat", "reversal")
REVERSALS = 3

_CHOSEN = (
    "said_at >= coalesce($since, said_at) AND coalesce(channel_id, '') = coalesce($channel, channel_id, '')"
)
# The symbol's `mentions` are read once and put in order; `place` finds the words of the few that are shown.
_SAID = f"""
WITH
  said AS MATERIALIZED (
    SELECT
      rowid AS place, coalesce(published_at, analysed_at) AS said_at, action, _side(action) AS side, channel_id, said_as,
      row_number() OVER (ORDER BY said_at, video_id, start_ms, mention_id) AS turn
    FROM all_mentions
    WHERE symbol = $symbol AND is_current AND rejected IS NULL AND paid IS NOT true
  ),
  sides AS (
    SELECT *, lag({{'side': side, 'said_at': said_at}}) OVER (PARTITION BY channel_id ORDER BY turn) AS before
    FROM said WHERE channel_id IS NOT NULL AND side IS NOT NULL
  ),
  chosen AS MATERIALIZED (
    FROM said WHERE {_CHOSEN}
  ),
  weeks AS (SELECT _week(said_at) AS week, {COUNTED} FROM chosen GROUP BY week ORDER BY week DESC LIMIT $weeks),
  by_channel AS (
    SELECT channel_id, {COUNTED}, arg_max(place, turn) AS last, max(turn) AS turn
    FROM chosen GROUP BY channel_id ORDER BY turn DESC LIMIT $channels
  ),
  heard AS (
    SELECT channel_id, arg_max(place, turn) AS last FROM said
    WHERE channel_id IS NOT NULL GROUP BY channel_id ORDER BY max(turn) DESC LIMIT $channels
  ),
  names AS (
    SELECT said_as, count(*) AS calls FROM chosen
    WHERE said_as <> '' GROUP BY said_as ORDER BY calls DESC, said_as LIMIT $names
  ),
  -- As in `call_series`.
  turns AS (
    SELECT
      CASE
        WHEN before IS NULL OR before.said_at < said_at - INTERVAL 30 DAYS THEN 'first'
        WHEN before.side = side THEN 'repeat'
        ELSE 'reversal'
      END AS series,
      count(*) AS calls, max((turn, place), $reversals) AS newest
    FROM sides WHERE {_CHOSEN} GROUP BY series
  )
SELECT
  (SELECT count(*) FROM said) AS stands,
  (SELECT list(weeks ORDER BY week DESC) FROM weeks) AS weeks,
  (SELECT list(by_channel ORDER BY turn DESC) FROM by_channel) AS by_channel,
  (SELECT list(heard) FROM heard) AS heard,
  (SELECT list(names ORDER BY calls DESC, said_as) FROM names) AS names,
  (SELECT list(turns) FROM turns) AS series,
  (SELECT max((turn, place), $quotes) FROM chosen WHERE side = 1) AS buying,
  (SELECT max((turn, place), $quotes) FROM chosen WHERE side = -1) AS leaving
"""  # noqa: S608  our own words, values by name
# Of one that no call stands of: as it is written where the answers that are kept out, or are no more current, have it.
_NAMED = "SELECT symbol FROM all_mentions WHERE symbol IN ($typed, upper($typed)) ORDER BY symbol <> $typed LIMIT 1"


def show(asked: Asked) -> Mapping[str, Any]:
    """The calls of a symbol in a window, of one channel or all. Raises NothingThereError: nobody named it."""
    window = forms.choice(asked.query, "window", forms.WINDOWS)
    channel = forms.text(asked.query, "channel")
    symbol = asked.path["symbol"].upper()
    since = forms.since(window, asked.now)
    [said] = asked.rows(
        _SAID,
        symbol=symbol,
        since=since,
        channel=channel or None,
        weeks=charts.ALL_WEEKS,
        channels=CHANNELS,
        names=NAMES,
        reversals=REVERSALS,
        quotes=QUOTES,
    )
    said = {name: [] if value is None else value for name, value in said.items()}
    if not said["stands"]:
        symbol = _named(asked)
    series = {row["series"]: row for row in said["series"]}
    newest = {
        "buying": said["buying"],
        "leaving": said["leaving"],
        "reversals": series["reversal"]["newest"] if "reversal" in series else [],
    }
    words = words_at(
        asked,
        {
            *(row["last"] for row in (*said["by_channel"], *said["heard"])),
            *(place for calls in newest.values() for _, place in calls),
        },
    )
    weeks = said["weeks"]
    return {
        "symbol": symbol,
        "stands": said["stands"],
        "window": window,
        "windows": forms.WINDOWS,
        "channel": channel,
        "heard": sorted(
            (
                (row["channel_id"], words[row["last"]]["channel_title"] or row["channel_id"])
                for row in said["heard"]
            ),
            key=lambda heard: (heard[1].lower(), heard[0]),
        ),
        "names": said["names"],
        "weeks": weeks,
        "chart": _chart(weeks, since, asked.now),
        "total": {name: sum(row[name] for row in weeks) for name in ("calls", *ACTIONS)},
        "by_channel": [{**row, "call": words[row["last"]]} for row in said["by_channel"]],
        "series": {name: series[name]["calls"] if name in series else 0 for name in SERIES},
        **{name: [words[place] for _, place in calls] for name, calls in newest.items()},
    }


def _named(asked: Asked) -> str:
    """How a symbol that no call stands of is written."""
    named = asked.rows(_NAMED, typed=asked.path["symbol"])
    if not named:
        raise NothingThereError(f"no video names {asked.path['symbol']}")
    return str(named[0]["symbol"])


def _chart(weeks: list[dict[str, Any]], since: datetime | None, now: datetime) -> charts.Chart:
    found = [charts.Column(row["week"], row["buy"], row["sell"] + row["avoid"]) for row in weeks]
    columns = charts.weekly(found, since and since.date(), now.date())
    return charts.draw(columns, lambda value: shown.count(round(value)))
