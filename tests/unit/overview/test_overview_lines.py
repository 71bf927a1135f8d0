"""What a person reads of an overview."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from streams.bulletin import Trouble
from streams.overview.lines import facts, in_a_line, lane_rows, money, stage_rows
from streams.overview.model import (
    READERS,
    Disk,
    Kafka,
    Lag,
    LaneState,
    Money,
    Overview,
    Process,
    ReplayState,
    Snapshot,
    Stage,
)
from streams.overview.sizes import size, span

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
BUDGET = Money(
    NOW.date(),
    Decimal("1.5"),
    Decimal(0),
    Decimal("0.0125"),
    Decimal(5),
    Decimal("3.4875"),
    Decimal(5),
    Decimal(1),
    None,
)
OVERVIEW = Overview(
    at=NOW,
    stages=(
        Stage("discover", 0, None, 4, 1),
        Stage("captions", 12, 1, 40, 2, 10, NOW - 4 * HOUR, NOW + HOUR, NOW, {"captions": 10, "worker": 2}),
        Stage("signals", None, None, 60, 0),
    ),
    lanes=(LaneState("live", 3, 1, 9, Decimal("0.5"), Decimal(5), Decimal("4.5")),),
    replays=(ReplayState("r1", "v2", NOW, 10, 6, 1, Decimal("0.2"), Decimal(1)),),
    money=BUDGET,
    troubles=(Trouble("youtube-refuses", NOW - HOUR, "YouTube refuses", "wait", NOW + HOUR),),
    processes=(
        Process("analyst", 1, "works", NOW - 30 * HOUR, NOW, 7),
        Process("projector", 2, "starts", NOW, NOW),
        Process("watch", 3, "hangs", NOW - HOUR, NOW - HOUR),
        Process("worker-w0", 4, "works", NOW - HOUR, NOW),
        Process("broker", 6, "ended", NOW - 90 * HOUR, NOW - 80 * HOUR),
        Process("worker-w1", 5, "ended", NOW - 90 * HOUR, NOW - 80 * HOUR),
    ),
    lags=tuple(Lag(reader, role, number, 0) for number, (reader, role) in enumerate(READERS.items())),
    kafka=Kafka("a:1"),
    snapshot=Snapshot(NOW - timedelta(seconds=4), 7_400_000, NOW, 3, 0),
    disk=Disk(79_000_000_000, 270_000_000_000, 5, 1_230_000_000, 999_000_000, 31_000_000.0, 2534.2),
    dead_letters=0,
    rejects=1,
    unknown=("there is no moon",),
)


def test_the_tables_have_a_row_a_stage_and_a_row_a_lane() -> None:
    assert stage_rows(OVERVIEW) == [
        ("discover", 0, None, None, 4, 1, None),
        ("captions", 12, 10, 1, 40, 2, "4 h"),
        ("signals", None, None, None, 60, 0, None),
    ]
    assert lane_rows(OVERVIEW) == [("live", 3, 1, 9, "$0.5000", "$5.00", "$4.50")]


def test_what_the_tables_do_not_say_is_said_by_subject() -> None:
    assert facts(OVERVIEW) == [
        ("discover", "the last look at 1 channel failed: see `earmark channels`"),
        ("captions", "waits 10 for captions, 2 for worker; the next falls due 08:00"),
        ("failed", "2 videos for good: `earmark retry --failed` says why and asks for them again"),
        ("trouble", "YouTube refuses (since 06:00, until 08:00) → wait"),
        ("replay", "v2: 6 of 10 videos analysed, 1 failed; $0.2000 of $1.00 charged (r1)"),
        ("money", "$1.51 of $5.00 charged today (billed $1.50, unknown $0.00, open $0.0125), $3.49 left"),
        (
            "processes",
            "analyst 1 d 6 h, 7 in flight, projector starts, watch hangs since 06:00, worker-w0 1 h",
        ),
        ("lag", "worker 4, publisher 2, analyst 4, projector 5 records behind"),
        ("snapshot", "4 s old, 7.4 MB, 3 records behind the log"),
        (
            "disk",
            "79 GB free of 270 GB; Earmark takes 1.2 GB, 999 MB of it the log; at 31 MB a day it lasts 2,534 days",
        ),
        ("rejects", '1 record cannot be read by this version: `earmark sql "FROM _rejects"`'),
        ("unknown", "there is no moon"),
    ]


def test_what_is_not_known_is_said_and_not_left_out() -> None:
    nothing = dict(facts(Overview(at=NOW, kafka=Kafka(problem="no broker runs"))))
    assert nothing == {
        "processes": "none has shown itself here",
        "lag": "not known: Kafka does not answer",
    }
    unread = replace(OVERVIEW, lags=tuple(replace(lag, behind=None) for lag in OVERVIEW.lags))
    assert dict(facts(unread))["lag"].startswith("worker not known, publisher not known")


@pytest.mark.parametrize(
    ("changed", "end"),
    [
        ({}, "$3.49 left"),
        ({"last_cap_usd": Decimal(2)}, "$3.49 left; the last claim was made under a cap of $2.00"),
        ({"last_cap_usd": None}, "$3.49 left"),
        ({"left_usd": Decimal(0)}, "$0.00 left; the next day's budget begins at 00:00 UTC"),
        (
            {"used_up_at": NOW + 3 * HOUR},
            "$3.49 left; at the last hour's $1.00 it is used up at 10:00",
        ),
    ],
)
def test_money_says_another_cap_and_when_it_is_used_up(changed: dict[str, object], end: str) -> None:
    assert money(replace(BUDGET, **changed), NOW).endswith(end)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_960, "10.0 kB"),
        (12_345_678, "12 MB"),
        (2.5e12, "2.5 TB"),
    ],
)
def test_a_size_is_short(count: float, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (12_000, "3 h 20 min"), (446_400, "5 d 4 h")],
)
def test_a_span_has_two_units_at_most(seconds: float, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_one_line_has_what_counts_and_leaves_out_what_is_not_there() -> None:
    line = in_a_line(OVERVIEW)
    for part in (
        "12 wait for captions (10 for later), the oldest 4 h",
        "7 calls in flight",
        "$1.51 of $5.00",
    ):
        assert part in line, line
    assert "dead letters" not in line
    assert in_a_line(Overview(at=NOW)) == "? videos heard today"
    assert "3 dead letters" in in_a_line(replace(OVERVIEW, dead_letters=3))
