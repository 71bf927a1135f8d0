"""An overview as the pages take it."""

import re
from collections.abc import Sequence
from pathlib import Path

from projections.web.page import Lag, LaneNow, MoneyNow, Outside
from streams.overview.model import Money, Overview


def outside(overview: Overview, needs: Sequence[str], home: Path) -> Outside:
    """What the read model does not know; `needs`: what needs a person. `home` goes by its name: a page shows no path."""
    paths = "|".join(re.escape(str(path)) for path in {home, home.absolute(), home.resolve()} - {Path()})
    of_home = re.compile(rf"(?<![\w/.-])(?:{paths})(?![\w-])")

    def told(sentences: Sequence[str]) -> tuple[str, ...]:
        return tuple(of_home.sub("EARMARK_HOME", sentence) for sentence in sentences)

    return Outside(
        at=overview.at,
        needs=told(needs),
        troubles=told([trouble.sentence(overview.at) for trouble in overview.troubles]),
        money=None if overview.money is None else _money(overview.money),
        lanes=tuple(
            LaneNow(lane.lane, lane.waiting, lane.in_work, lane.done_today, lane.charged_usd, lane.cap_usd)
            for lane in overview.lanes
        ),
        lags=tuple(Lag(lag.reader, lag.behind, lag.late) for lag in overview.lags),
        unknown=told(overview.unknown),
    )


def _money(money: Money) -> MoneyNow:
    return MoneyNow(
        charged_usd=money.billed_usd + money.unknown_usd + money.open_usd,
        cap_usd=money.cap_usd,
        hour_usd=money.hour_usd,
        used_up_at=money.used_up_at,
    )
