"""The page of a channel, its figures beside plain SQL over the same read model."""

from decimal import Decimal

import pytest
from duckdb import DuckDBPyConnection

from projections.web.page import NothingThereError
from projections.web.pages import channel as page
from tests.builders.pages_asked import HOSTILE, asked, filled, page_of, rows

ACTIONS = ("buy", "hold", "watch", "sell", "avoid")


@pytest.fixture
def database() -> DuckDBPyConnection:
    return filled().cursor()


def channel_of(database: DuckDBPyConnection, status: str) -> str:
    """One that has a video of this status."""
    [(channel,)] = rows(
        database,
        "SELECT min(channel_id) FROM video_status JOIN videos USING (video_id) WHERE status = ?",
        status,
    )
    return str(channel)


def test_the_figures_are_those_of_its_videos_and_calls(database: DuckDBPyConnection) -> None:
    channel = channel_of(database, "failed")
    shown = page.show(asked(database, channel_id=channel))
    head = shown["head"]
    assert [(head["videos"], head["analysed"], head["title"], head["handle"], head["following"])] == rows(
        database,
        "SELECT count(*), count(analysis_id), any_value(v.channel_title), any_value(handle), any_value(following)"
        " FROM videos v JOIN channels USING (channel_id) WHERE channel_id = ?",
        channel,
    )
    assert [
        (row["week"], row["calls"], *(row[action] for action in ACTIONS))
        for row in shown["weeks"]
        if row["calls"]
    ] == rows(
        database,
        "SELECT week, calls, buy, hold, watch, sell, avoid FROM channel_weeks WHERE channel_id = ? ORDER BY week DESC",
        channel,
    )
    assert sum(row["videos"] for row in shown["weeks"]) == head["analysed"]
    assert [(row["symbol"], row["calls"], row["buy"]) for row in shown["symbols"]] == rows(
        database,
        "SELECT symbol, count(*) AS calls, count(*) FILTER (action = 'buy') FROM mentions WHERE channel_id = ?"
        " GROUP BY symbol ORDER BY calls DESC, symbol LIMIT 15",
        channel,
    )
    assert [(shown["answered"], shown["rejected"])] == rows(
        database,
        "SELECT count(*), count(rejected) FROM all_mentions WHERE is_current AND channel_id = ?",
        channel,
    )
    assert [(row["rejected"], row["calls"]) for row in shown["rejections"]] == rows(
        database,
        "SELECT rejected, count(*) FROM all_mentions WHERE is_current AND rejected IS NOT NULL AND channel_id = ?"
        " GROUP BY rejected ORDER BY rejected",
        channel,
    )


def test_what_it_costs_is_what_its_attempts_are_charged(database: DuckDBPyConnection) -> None:
    [(channel,)] = rows(
        database,
        "SELECT channel_id FROM channel_costs GROUP BY ALL ORDER BY max(day) DESC, channel_id LIMIT 1",
    )
    shown = page.show(asked(database, channel_id=channel))
    charged = "SELECT sum(billed_usd + unknown_usd + open_usd) FROM attempts JOIN videos USING (video_id) WHERE channel_id = ?"
    assert [(shown["usd"],)] == rows(database, charged, channel)
    assert [(shown["month_usd"],)] == rows(database, f"{charged} AND day >= DATE '2025-10-28'", channel)
    assert shown["usd"] > shown["month_usd"] > 0
    assert shown["usd"] == sum((row["usd"] for row in shown["costs"]), Decimal(0))


@pytest.mark.parametrize("status", ["failed", "captioned"])
def test_what_waits_or_failed_is_what_video_status_says(database: DuckDBPyConnection, status: str) -> None:
    channel = channel_of(database, status)
    shown = page.show(asked(database, channel_id=channel))
    said = rows(
        database,
        "SELECT status, waits_for, reason, count(*) FROM video_status JOIN videos USING (video_id)"
        " WHERE channel_id = ? AND status <> 'analysed' GROUP BY ALL",
        channel,
    )
    found = [(row["status"], row["waits_for"], row["reason"], row["videos"]) for row in shown["reasons"]]
    assert sorted(found, key=str) == sorted(said, key=str)
    assert status in {row[0] for row in found}
    by_video = {row[0]: row[1] for row in rows(database, "SELECT video_id, status FROM video_status")}
    assert [
        "analysed" if video["is_analysed"] else video["waiting"]["status"] for video in shown["videos"]
    ] == [by_video[video["video_id"]] for video in shown["videos"]]


def test_the_lean_is_the_share_of_buying_less_that_of_leaving(database: DuckDBPyConnection) -> None:
    shown = page.show(asked(database, channel_id=channel_of(database, "analysed")))
    for week in shown["weeks"]:
        if week["calls"]:
            assert week["lean"] == pytest.approx((week["buy"] - week["sell"] - week["avoid"]) / week["calls"])
    leans = {row["week"]: row["lean"] for row in shown["weeks"] if row["lean"]}
    drawn = {bar.at: bar.value if bar.side == "up" else -bar.value for bar in shown["chart"].bars}
    assert drawn == leans


def test_a_channel_of_which_nothing_is_known_is_not_there(database: DuckDBPyConnection) -> None:
    with pytest.raises(NothingThereError, match="no channel UCnone was followed or heard"):
        page.show(asked(database, channel_id="UCnone"))


def test_a_channel_that_was_just_followed_has_a_page(database: DuckDBPyConnection) -> None:
    database.begin()
    database.execute(
        "INSERT INTO _channel_events BY NAME SELECT 'ChannelFollowed' AS type, 'UCnew' AS channel_id, ? AS title,"
        " now() AS happened_at, 0 AS log_partition, 100 AS log_offset",
        [HOSTILE],
    )
    html = page_of("channel.html", page.show(asked(database, channel_id="UCnew")))
    database.rollback()
    assert "none yet" in html
    assert "<script" not in html
    assert "None" not in html
    assert "with the videos from then on" in html


def test_the_page_says_why_and_links_to_the_calls(database: DuckDBPyConnection) -> None:
    channel = channel_of(database, "failed")
    database.begin()
    database.execute("UPDATE videos SET video_title = ? WHERE channel_id = ?", [HOSTILE, channel])
    shown = page.show(asked(database, channel_id=channel))
    html = page_of("channel.html", shown)
    database.rollback()
    assert "<script" not in html
    assert "None" not in html
    assert shown["reasons"][0]["reason"] in html
    assert f'href="/?channel={channel}"' in html
    assert f'href="/?channel={channel}&amp;rejected=1"' in html
    assert html.count("<rect ") == len(shown["chart"].bars) > 0
