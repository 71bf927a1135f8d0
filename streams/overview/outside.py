"""An overview as the pages take it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from projections.web.page import Lag, LaneNow, LookAtChannel, MoneyNow, Outside
from streams.bulletin import OF_YOUTUBE
from streams.discovery.seen import Seen
from streams.overview.model import Money, Overview


def outside(
    overview: Overview, needs: Sequence[str], home: Path, seen: Mapping[str, Seen] | None = None
) -> Outside:
    """What the read model does not know; `needs`: what needs a person, `seen`: what became of the looks, by channel id.

    `home` goes by its name: a page shows no path.
    """
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
        snapshot_at=None if overview.snapshot is None else overview.snapshot.published_at,
        youtube=told([each.sentence(overview.at) for each in overview.troubles if each.kind in OF_YOUTUBE]),
        looks={
            channel_id: LookAtChannel(look.last_look, look.last_success, look.problem)
            for channel_id, look in (seen or {}).items()
        },
    )


def _money(money: Money) -> MoneyNow:
    return MoneyNow(
        charged_usd=money.billed_usd + money.unknown_usd + money.open_usd,
        cap_usd=money.cap_usd,
        hour_usd=money.hour_usd,
        used_up_at=money.used_up_at,
    )
