"""What the pages are given of an overview."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from projections.web.page import Lag, LaneNow, LookAtChannel, MoneyNow
from streams.bulletin import Trouble
from streams.discovery.seen import Seen
from streams.overview.model import LaneState, Overview
from streams.overview.outside import outside
from tests.unit.overview.test_build import HOUR, NOW, board, made


def test_nothing_is_lost_on_the_way() -> None:
    trouble = Trouble("youtube-refuses", NOW - HOUR, "YouTube refuses", "wait")
    lane = LaneState("backfill", 1, 2, 3, Decimal("1.5"), Decimal(2), Decimal("0.5"))
    known = replace(made(boards=(board("watch", troubles=(trouble,)),), present={"watch"}), lanes=(lane,))
    looks = {"UC1": Seen(NOW, NOW - HOUR, "404"), "UC2": Seen(NOW)}
    seen = outside(known, ("type this",), Path("home"), looks)
    assert seen.youtube == seen.troubles
    assert seen.looks == {"UC1": LookAtChannel(NOW, NOW - HOUR, "404"), "UC2": LookAtChannel(NOW, None, None)}
    assert seen.snapshot_at == (None if known.snapshot is None else known.snapshot.published_at)
    assert (seen.at, seen.needs, seen.unknown) == (NOW, ("type this",), ())
    assert seen.troubles == ("YouTube refuses (since 06:00) → wait",)
    # What is billed, unknown and open counts, at the last hour's half a dollar.
    assert seen.money == MoneyNow(Decimal(4), Decimal(5), Decimal("0.5"), NOW + timedelta(hours=2))
    assert seen.lanes == (LaneNow("backfill", 1, 2, 3, Decimal("1.5"), Decimal(2)),)
    assert seen.lags == tuple(Lag(lag.reader, lag.behind, lag.late) for lag in known.lags)


def test_what_is_not_known_stays_so() -> None:
    seen = outside(replace(Overview(NOW), unknown=("no broker runs",)), (), Path("home"))
    assert (seen.money, seen.lanes, seen.lags, seen.unknown) == (None, (), (), ("no broker runs",))


@pytest.mark.parametrize("home", [Path(".earmark"), Path("/var/lib/earmark"), Path()])
def test_no_page_shows_where_the_home_folder_is(home: Path) -> None:
    """Whether it was given as a path from the root or not."""
    seen = outside(
        Overview(NOW, unknown=(f"there is none in {home.absolute()}/snap, or so. Wait",)),
        (f"the disk of {home.absolute()} has 1 MB left", f"{home.absolute()}2 is another"),
        home,
    )
    assert seen.unknown == ("there is none in EARMARK_HOME/snap, or so. Wait",)
    assert seen.needs == ("the disk of EARMARK_HOME has 1 MB left", f"{home.absolute()}2 is another")
