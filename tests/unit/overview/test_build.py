"""What is gathered becomes an overview: positions become lag, boards become processes, the day's claims become money."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from projections.newest import Newest
from projections.overview import Followed, LaneRow, MoneyRow, Picture, ReplayRow, Standing
from streams.budget.limits import Limits
from streams.bulletin import Board, Trouble
from streams.discovery.seen import Seen
from streams.discovery.watch_state import WatchState
from streams.overview.build import Gathered, LogEnds, Usage, growth_a_day, overview, used_up_at
from streams.overview.model import Overview, Stage

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
ZERO = Decimal(0)
LIMITS = Limits(Decimal(5), Decimal("0.4"), Decimal("0.5"), 600, 120.0)
PICTURE = Picture(
    published_at=NOW - 9 * SECOND,
    bytes=1000,
    last_record_at=NOW - 8 * SECOND,
    positions={"videos": {0: 3}, "analyses": {0: 4, 1: 2}},
    standing=(),
    done={"discover": (4, NOW), "captions": (3, NOW), "analysis": (2, NOW), "signals": (6, NOW)},
    lanes=(
        LaneRow("live", 1, 2, Decimal("1.5")),
        LaneRow("backfill", 0, 0, Decimal("2.5")),
        LaneRow("replay", 0, 0, ZERO),
    ),
    money=MoneyRow(Decimal(3), Decimal("0.75"), Decimal("0.25"), Decimal("0.5"), Decimal(2)),
    replays=(),
    channels=(),
    dead_letters=3,
    oldest_dead_letter=NOW,
    dead_by_handler={"publish_signals": 2, "extract_captions": 1},
    rejects=1,
    words=1000,
    recent_words=700,
    first_captions_at=NOW - timedelta(days=30),
    newest=(),
)
ENDS = {"videos": {0: 3}, "analyses": {0: 6, 1: 2}}
LOG = LogEnds("a:1", None, ENDS, {"videos": {0: 3}, "analyses": {0: 5, 1: 2}})
EVERYTHING = Gathered((), (), None, PICTURE, None, LOG, Usage(100, 1000, 60, 40), 10)


def made(**changed: Any) -> Overview:
    return overview(replace(EVERYTHING, **changed), LIMITS, NOW)


def board(process: str, *, seen_s: float = 0.5, **more: Any) -> Board:
    return Board(process, 7, NOW - HOUR, NOW - seen_s * SECOND, **{"ready": True, **more})


@pytest.mark.parametrize(
    ("seen_s", "is_there", "ready", "state"),
    [
        (0.5, True, True, "works"),
        (0.5, True, False, "starts"),
        (0.5, False, True, "works"),  # in another container
        (6, False, True, "ended"),
        (6, True, True, "works"),
        (31, True, True, "hangs"),
        (31, False, True, "ended"),
    ],
)
def test_a_process_is_what_its_board_and_its_number_say(
    *, seen_s: float, is_there: bool, ready: bool, state: str
) -> None:
    [process] = made(
        boards=(board("watch", seen_s=seen_s, ready=ready),), present={"watch"} if is_there else ()
    ).processes
    assert process.state == state


def test_lag_is_by_position_and_the_furthest_of_several_workers_counts() -> None:
    """w1 has taken partition 0 over from w0, who is gone; w0's last word on partition 1 is all there is of it."""
    boards = (
        board("worker-w0", seen_s=600, positions={"publish_signals": {"analyses": {0: 1, 1: 1}}}),
        board("worker-w1", positions={"publish_signals": {"analyses": {0: 4}}}),
        board("projector", positions={"projector": {"videos": {0: 1}, "analyses": {0: 6}}}),
    )
    lags = {lag.reader: lag for lag in made(boards=boards).lags}
    assert (lags["publish_signals"].behind, lags["publish_signals"].late) == (2 + 1, 1 + 1)
    assert lags["projector"].behind is None, "nobody knows of analyses[1]"
    assert lags["analyst"].behind is None, "it never ran"


def test_a_reader_that_is_ahead_of_an_answer_is_not_behind() -> None:
    lags = made(boards=(board("analyst", positions={"analyst": {"analyses": {0: 9, 1: 9}}}),)).lags
    assert {lag.reader: lag.behind for lag in lags}["analyst"] == 0


def test_without_kafka_lag_is_not_known_and_the_rest_is() -> None:
    away = made(
        boards=(board("analyst", positions={"analyst": {"analyses": {0: 1}}}),),
        log=LogEnds("a:1", "Kafka at a:1 does not answer"),
    )
    assert {lag.behind for lag in away.lags} == {None}
    assert away.snapshot is not None
    assert away.snapshot.behind is None
    assert away.stage("captions").done_today == 3
    assert away.unknown == ("Kafka at a:1 does not answer: how far the log is read is not known",)


def test_without_a_read_model_processes_and_lag_are_known() -> None:
    none = made(
        picture=None,
        problem="there is no read model",
        boards=(board("analyst", positions={"analyst": {"analyses": {0: 6, 1: 2}}}),),
    )
    assert (none.stages, none.money, none.dead_letters, none.snapshot) == ((), None, None, None)
    assert none.processes[0].state == "works"
    assert {lag.reader: lag.behind for lag in none.lags}["analyst"] == 0
    assert none.unknown == ("there is no read model",)


def test_a_snapshot_lacks_what_the_log_has_beyond_its_positions() -> None:
    shown = made().snapshot
    assert shown is not None
    assert (shown.behind, shown.late) == (2, 1)
    more = made(log=replace(LOG, ends={**ENDS, "prompts": {0: 5}})).snapshot
    assert more is not None
    assert more.behind == 2 + 5, "of a topic that it has never read it lacks all"


def test_videos_stand_at_their_stage_and_those_for_later_are_told_apart() -> None:
    def standing(stage: str, status: str, waits_for: str | None, videos: int, **more: Any) -> Standing:
        return Standing(
            stage,
            status,
            waits_for,
            **{"lane": None, "videos": videos, "later": 0, "oldest": None, "next_try_at": None, **more},
        )

    found = made(
        picture=replace(
            PICTURE,
            standing=(
                standing("captions", "discovered", "worker", 2, oldest=NOW - 2 * HOUR),
                standing(
                    "captions",
                    "discovered",
                    "captions",
                    5,
                    later=4,
                    oldest=NOW - 3 * HOUR,
                    next_try_at=NOW + HOUR,
                ),
                standing("captions", "discovered", "dead_letter", 1, oldest=NOW - 9 * HOUR),
                standing("captions", "failed", None, 6),
                standing("analysis", "captioned", "call", 3, lane="live"),
                standing(
                    "analysis", "captioned", "money", 8, lane="backfill", later=8, next_try_at=NOW + 17 * HOUR
                ),
                standing("analysis", "captioned", "analyst", 1, lane="live", oldest=NOW - HOUR),
                standing("analysis", "failed", None, 2),
            ),
        ),
        boards=(board("worker-w0", in_flight=2), board("analyst", in_flight=3)),
    )
    assert found.stage("captions") == Stage(
        "captions", 7, 2, 3, 6, 4, NOW - 3 * HOUR, NOW + HOUR, NOW, {"captions": 5, "worker": 2}
    )
    assert found.stage("analysis") == Stage(
        "analysis", 9, 3, 2, 2, 8, NOW - HOUR, NOW + 17 * HOUR, NOW, {"money": 8, "analyst": 1}
    )
    assert [(lane.lane, lane.waiting) for lane in found.lanes] == [
        ("live", 1),
        ("backfill", 8),
        ("replay", 0),
    ]


def test_the_last_stages_wait_for_records_and_the_first_for_looks() -> None:
    channels = tuple(Followed(name, name, NOW - HOUR) for name in ("seen", "failing", "new"))
    found = made(
        picture=replace(PICTURE, channels=channels),
        watch=WatchState(NOW, channels={"seen": Seen(NOW, NOW), "failing": Seen(NOW, None, "HTTP 404")}),
        boards=(board("worker-w0", positions={"publish_signals": {"analyses": {0: 6, 1: 1}}}),),
    )
    discover = found.stage("discover")
    assert (discover.waiting, discover.failed, discover.done_today, discover.oldest) == (1, 1, 4, NOW - HOUR)
    signals = found.stage("signals")
    assert (signals.waiting, signals.failed, signals.done_today) == (1, 2, 6)
    model = found.stage("read-model")
    assert (model.waiting, model.failed, model.oldest) == (2, 1, NOW - 9 * SECOND)


def test_money_is_left_of_the_cap_as_it_is_set_here() -> None:
    money = made().money
    assert money is not None
    assert (money.cap_usd, money.left_usd, money.last_cap_usd) == (Decimal(5), Decimal(1), Decimal(2))
    assert money.used_up_at == NOW + 2 * HOUR
    lanes = {lane.lane: lane.left_usd for lane in made().lanes}
    assert lanes == {"live": Decimal(1), "backfill": ZERO, "replay": Decimal(1)}


@pytest.mark.parametrize(
    ("left", "hour", "at"),
    [
        ("1", "0.5", NOW + 2 * HOUR),
        ("0", "0", NOW),
        ("1", "0", None),
        ("17", "1", None),  # at midnight there is a new budget
        ("16.5", "1", NOW + 16.5 * HOUR),
    ],
)
def test_the_cap_is_used_up_only_before_the_day_ends(left: str, hour: str, at: datetime | None) -> None:
    assert used_up_at(Decimal(left), Decimal(hour), NOW) == at


def test_growth_goes_by_the_last_seven_days_and_needs_one() -> None:
    assert growth_a_day(1000, PICTURE, NOW) == pytest.approx(1000 * 0.7 / 7)
    young = replace(PICTURE, first_captions_at=NOW - timedelta(days=2), recent_words=1000)
    assert growth_a_day(1000, young, NOW) == pytest.approx(1000 / 2)
    assert growth_a_day(1000, replace(young, first_captions_at=NOW - 23 * HOUR), NOW) is None
    assert growth_a_day(1000, replace(PICTURE, first_captions_at=None, words=0), NOW) is None
    disk = made().disk
    assert disk is not None
    assert disk.growth == pytest.approx(6)
    assert disk.days_left == pytest.approx((100 - 10) / 6)
    idle = made(picture=replace(PICTURE, recent_words=0)).disk
    assert idle is not None
    assert idle.days_left is None


def test_only_replays_with_requests_that_wait_are_shown() -> None:
    row = ReplayRow("r1", "v2", NOW, 10, 7, 2, Decimal("0.2"), Decimal(1))
    replays = made(picture=replace(PICTURE, replays=(row, replace(row, replay_id="r2", completed=8)))).replays
    assert [(replay.replay_id, replay.waiting) for replay in replays] == [("r1", 1)]


def test_troubles_are_those_of_the_living_and_of_the_dead_what_needs_a_person() -> None:
    passing = Trouble("youtube-refuses", NOW, "YouTube refuses")
    key = Trouble("claude-refuses", NOW, "the key is refused", needs_person=True)
    told = made(
        boards=(
            board("watch", troubles=(passing,)),
            board("analyst", seen_s=90, troubles=(key, Trouble("cap-used-up", NOW, "the cap is used up"))),
            board("worker-w0", seen_s=90, troubles=(Trouble("disk-full", NOW, "full", needs_person=True),)),
            board("worker-w1"),
            board(
                "up", seen_s=90, troubles=(Trouble("process-ends", NOW, "watch ended", needs_person=True),)
            ),
        )
    ).troubles
    assert told == (passing, key), "a worker lives, so what another one said is over"


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        ("found", "poll", "found “Rates” (The Channel)"),
        ("captions", "1900", "heard “Rates” (The Channel): 1900 words"),
        ("captions-later", "live now", "captions of “Rates” (The Channel) come later: live now"),
        ("no-captions", "private", "no captions of “Rates” (The Channel), for good: private"),
        ("analysed", "extract-v1", "analysed “Rates” (The Channel) for $0.0123 with extract-v1"),
        ("attempt-failed", "HTTP 500", "a call failed on “Rates” (The Channel): HTTP 500"),
        ("failed", "no JSON", "no analysis of “Rates” (The Channel), for good: no JSON"),
        ("call", "buy PLTR", "published buy PLTR in “Rates” (The Channel)"),
        ("changed", "sell PLTR", "changed sell PLTR in “Rates” (The Channel)"),
        ("retracted", "buy PLTR", "retracted buy PLTR in “Rates” (The Channel)"),
        ("dead-letter", "3: f: ValueError", "dead letter 3: f: ValueError"),
        ("followed", None, "followed The Channel"),
        ("unfollowed", None, "unfollowed The Channel"),
    ],
)
def test_an_event_is_a_line_in_words(kind: str, detail: str | None, words: str) -> None:
    newest = Newest(NOW, kind, "v", "Rates", "The Channel", detail, Decimal("0.01234"))
    [happened] = made(picture=replace(PICTURE, newest=(newest,))).events
    assert (happened.at, happened.what) == (NOW, words)


def test_a_strangers_title_is_short_and_commands_no_terminal() -> None:
    newest = Newest(NOW, "found", "v", "\x1b[2J" + "w" * 90, None, "poll", None)
    [happened] = made(picture=replace(PICTURE, newest=(newest,))).events
    assert happened.what == "found “ [2J" + "w" * 43 + "…”"
