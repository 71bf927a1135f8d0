"""Calls, newest first: what a filter asks for, and what it hides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from multidict import MultiMapping

from projections.web import forms
from projections.web.page import Asked
from streams.events.analyses import Action, TimeHorizon

ROWS = 50
MOST_CHANNELS = 500
ACTIONS: tuple[str, ...] = get_args(Action)
HORIZONS: tuple[str, ...] = get_args(TimeHorizon)

# What stands is what `mentions` holds; the others of a current analysis are what grounding or a sponsor keeps out of it.
FOUND = """
SELECT
  symbol, said_as, action, conviction, time_horizon, quote, start_ms, condition, speaker, paid, rejected,
  video_id, video_title, video_url, channel_id, channel_title, prompt, published_precision,
  coalesce(published_at, analysed_at) AS said_at, mention_id
FROM all_mentions
"""
_TOTALS = """
SELECT count(*) AS everything, count(*) FILTER (rejected IS NULL AND paid IS NOT true) AS standing
FROM all_mentions WHERE is_current
"""
_CHANNELS = """
SELECT channel_id, coalesce(arg_max(channel_title, discovered_at), channel_id) AS title
FROM videos WHERE channel_id IS NOT NULL GROUP BY channel_id ORDER BY lower(title) LIMIT $most
"""
_ORDER = "ORDER BY said_at DESC, video_id, ordinal"


@dataclass(frozen=True)
class Filter:
    """What is asked for; what is empty filters nothing."""

    symbol: str = ""
    channel: str = ""
    action: tuple[str, ...] = ()
    conviction: float | None = None
    horizon: tuple[str, ...] = ()
    window: str = ""
    words: str = ""
    rejected: bool = False

    @property
    def query(self) -> dict[str, object]:
        """As it stands in an address."""
        return {
            "symbol": self.symbol,
            "channel": self.channel,
            "action": self.action,
            "conviction": "" if self.conviction is None else f"{self.conviction:g}",
            "horizon": self.horizon,
            "window": self.window,
            "words": self.words,
            "rejected": "1" if self.rejected else "",
        }

    def where(self, now: datetime) -> tuple[str, dict[str, object]]:
        """The condition in SQL on `all_mentions`, with its values by name."""
        conditions, named = ["is_current"], dict[str, object]()
        if not self.rejected:
            conditions.append("rejected IS NULL AND paid IS NOT true")
        for condition, name, value in (
            ("symbol = $symbol", "symbol", self.symbol.upper()),
            ("channel_id = $channel", "channel", self.channel),
            ("action IN (SELECT unnest($action))", "action", list(self.action)),
            ("conviction >= $conviction", "conviction", self.conviction),
            ("time_horizon IN (SELECT unnest($horizon))", "horizon", list(self.horizon)),
            ("coalesce(published_at, analysed_at) >= $since", "since", forms.since(self.window, now)),
            (
                "(contains(lower(quote), lower($words)) OR contains(lower(coalesce(video_title, '')), lower($words)))",
                "words",
                self.words,
            ),
        ):
            if value not in ("", [], None):
                conditions.append(condition)
                named[name] = value
        return " AND ".join(conditions), named


def asked_for(query: MultiMapping[str]) -> Filter:
    """The filter in an address. Raises WrongFilterError."""
    return Filter(
        symbol=forms.text(query, "symbol"),
        channel=forms.text(query, "channel"),
        action=forms.choices(query, "action", ACTIONS),
        conviction=forms.number(query, "conviction", 0, 1),
        horizon=forms.choices(query, "horizon", HORIZONS),
        window=forms.choice(query, "window", forms.WINDOWS),
        words=forms.text(query, "words"),
        rejected=forms.choice(query, "rejected", ("1",)) == "1",
    )


def select(wanted: Filter, now: datetime) -> tuple[str, dict[str, object]]:
    """The query of all calls that a filter asks for, newest first, with its values."""
    where, named = wanted.where(now)
    return f"{FOUND} WHERE {where} {_ORDER}", named


def show(asked: Asked) -> Mapping[str, Any]:
    """The newest calls of a filter, how many there are and are hidden, and four tiles."""
    wanted = asked_for(asked.query)
    where, named = wanted.where(asked.now)
    # As many pages back as anybody turns; further back a window or the file is quicker.
    number = forms.whole(asked.query, "number", 1, 200, 1)
    totals = _totals(asked)
    # Apart from the totals: a condition beside others that count something else is looked at for every row there is.
    [counts] = asked.rows(f"SELECT count(*) AS found FROM all_mentions WHERE {where}", **named)  # noqa: S608  our own words, values by name
    calls = asked.rows(f"{select(wanted, asked.now)[0]} LIMIT {ROWS} OFFSET {ROWS * (number - 1)}", **named)
    return {
        "wanted": wanted,
        "calls": calls,
        "found": counts["found"],
        "hidden": (totals["everything"] if wanted.rejected else totals["standing"]) - counts["found"],
        "kept_out": totals["everything"] - totals["standing"],
        "channels": _channels(asked),
        "number": number,
        "pages": min(-(-counts["found"] // ROWS), 200),
        "actions": ACTIONS,
        "horizons": HORIZONS,
        "windows": forms.WINDOWS,
        "tiles": _tiles(asked),
    }


def prepare(asked: Asked) -> None:
    """What every look at the calls has in common."""
    _channels(asked)
    _tiles(asked)
    _totals(asked)


def _totals(asked: Asked) -> dict[str, Any]:
    [totals] = asked.once("totals", lambda: asked.rows(_TOTALS))
    return totals


def _channels(asked: Asked) -> list[dict[str, Any]]:
    return asked.once("channels", lambda: asked.rows(_CHANNELS, most=MOST_CHANNELS))


def _tiles(asked: Asked) -> dict[str, Any]:
    return asked.once("tiles", lambda: _found_for_tiles(asked))


def _found_for_tiles(asked: Asked) -> dict[str, Any]:
    today = {"today": asked.now.date()}
    [calls] = asked.rows(
        "SELECT count(*) AS calls FROM mentions WHERE said_at >= $today::TIMESTAMPTZ", **today
    )
    [heard] = asked.rows("SELECT count(DISTINCT channel_id) AS channels FROM analyses WHERE is_current")
    [money] = asked.rows(
        "SELECT coalesce(sum(charged_usd), 0)::DECIMAL(18, 9) AS charged FROM budget_days WHERE day = $today",
        **today,
    )
    # A video that failed for good waits for nothing.
    waiting = asked.rows(
        "SELECT v.video_id, v.video_title, v.discovered_at, s.waits_for FROM video_status s JOIN videos v USING (video_id)"
        " WHERE s.status IN ('discovered', 'captioned') AND v.discovered_at IS NOT NULL ORDER BY v.discovered_at LIMIT 1"
    )
    return {
        "calls": calls["calls"],
        "channels": heard["channels"],
        "charged": money["charged"],
        "cap": asked.cap_usd,
        "oldest": waiting[0] if waiting else None,
    }
