"""What the read model says for an overview."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from projections.overview import Followed, LaneRow, MoneyRow, Picture, Standing, picture, version_of
from projections.sql import SqlError
from streams.events.channels import ChannelFollowed
from streams.events.event import Event
from streams.events.ledger import ReplayFilter, ReplayStarted, Usage
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_world import (
    PROMPTS,
    START,
    activated,
    at,
    completed,
    extracted,
    failed,
    requested,
    reserved,
    settled,
    signals,
    unavailable,
    video,
)
from tests.builders.snapshot import publish
from tests.unit.projections.test_waits import letter

FIRST, SECOND = PROMPTS
LATER, WAITING, CAPTIONED, ANALYSED, GONE, POISON = (video(number) for number in range(6))
REPLAY = UUID(int=77)
CALL = reserved(requested(CAPTIONED), FIRST, UUID(int=1))
DONE = reserved(requested(ANALYSED), FIRST, UUID(int=2))
ANSWER = completed(ANALYSED, FIRST, UUID(int=2))
USAGE = Usage(input_tokens=10, output_tokens=1)


def world() -> list[Event]:
    return [
        ChannelFollowed(at=at(0), channel_id="channel-1", handle="@one", title="The Channel", since=START),
        *activated(FIRST, 0, None),
        *(VideoDiscovered(at=at(0), video=each) for each in (LATER, WAITING, CAPTIONED, ANALYSED, GONE)),
        unavailable(LATER, 1, at(60)),
        unavailable(GONE, 1, None),
        *(event for each in (CAPTIONED, ANALYSED) for event in (extracted(each), requested(each))),
        CALL,
        DONE,
        ANSWER,
        settled(DONE, "completed", "0.0045", USAGE),
        *signals(ANSWER),
        letter(VideoDiscovered(at=at(0), video=POISON), "videos", 3, key=b"video-5"),
    ]


def seen(home: Path, *more: Event, minutes: float = 10) -> Picture:
    publish(home, *world(), *more)
    return picture(home, at(minutes), 3)


def test_videos_are_counted_as_they_stand(tmp_path: Path) -> None:
    found = {(each.stage, each.status, each.waits_for): each for each in seen(tmp_path).standing}
    assert found == {
        ("captions", "discovered", "captions"): Standing(
            "captions", "discovered", "captions", None, 1, 1, None, at(60)
        ),
        ("captions", "discovered", "worker"): Standing(
            "captions", "discovered", "worker", None, 1, 0, at(0), None
        ),
        ("captions", "discovered", "dead_letter"): Standing(
            "captions", "discovered", "dead_letter", None, 1, 0, None, None
        ),
        ("captions", "failed", None): Standing("captions", "failed", None, None, 1, 0, at(0), None),
        ("analysis", "captioned", "call"): Standing(
            "analysis", "captioned", "call", "live", 1, 0, at(1), None
        ),
    }


def test_what_is_due_by_now_is_not_for_later(tmp_path: Path) -> None:
    [due] = [each for each in seen(tmp_path, minutes=61).standing if each.waits_for == "captions"]
    assert (due.videos, due.later, due.oldest, due.next_try_at) == (1, 0, at(0), None)


def test_the_day_is_counted_and_so_is_its_money(tmp_path: Path) -> None:
    found = seen(tmp_path)
    assert found.done == {
        "discover": (5, at(0)),
        "captions": (2, at(1)),
        "analysis": (1, at(5)),
        "signals": (2, at(5)),
    }
    assert found.money == MoneyRow(
        Decimal("0.0045"), Decimal(0), Decimal("0.5"), Decimal("0.5045"), Decimal(5)
    )
    assert found.lanes[0] == LaneRow("live", 1, 1, Decimal("0.5045"))
    assert found.channels == (Followed("channel-1", "The Channel", at(0)),)
    assert (found.dead_letters, found.dead_by_handler, found.rejects) == (1, {"a_handler": 1}, 0)
    assert (found.words, found.recent_words, found.first_captions_at) == (18, 18, at(1))
    assert found.last_record_at == START


def test_another_day_has_done_nothing_yet_and_its_money_is_whole(tmp_path: Path) -> None:
    publish(tmp_path, *world())
    tomorrow = picture(tmp_path, START + timedelta(days=1), 3)
    assert {today for today, _ in tomorrow.done.values()} == {0}
    assert tomorrow.money == MoneyRow(Decimal(0), Decimal(0), Decimal(0), Decimal(0), Decimal(5))
    assert tomorrow.lanes[0] == LaneRow("live", 1, 0, Decimal(0))
    assert picture(tmp_path, START + timedelta(days=9), 3).recent_words == 0


def test_a_replay_is_counted_by_its_requests(tmp_path: Path) -> None:
    asked = [
        requested(each, replay=REPLAY).model_copy(update={"prompt_id": SECOND.prompt_id})
        for each in (CAPTIONED, ANALYSED)
    ]
    started = ReplayStarted(
        at=at(6),
        replay_id=REPLAY,
        prompt_id=SECOND.prompt_id,
        filter=ReplayFilter(),
        seed=0,
        share=0.5,
        max_usd=Decimal(1),
        follow=False,
        captions_ends=(),
    )
    answer = completed(ANALYSED, SECOND, UUID(int=3)).model_copy(
        update={"replay_id": REPLAY, "lane": "replay"}
    )
    [replay] = seen(tmp_path, started, *asked, answer).replays
    assert (replay.replay_id, replay.requested, replay.completed, replay.failed) == (str(REPLAY), 2, 1, 0)
    assert replay.max_usd == 1
    more = failed(CAPTIONED, SECOND, None, final=True, lane="replay")
    [replay] = seen(tmp_path / "more", started, *asked, answer, more).replays
    assert (replay.completed, replay.failed) == (1, 1)


def test_the_newest_come_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    newest = seen(tmp_path).newest
    assert [(each.at, each.kind, each.detail) for each in newest] == [
        (at(5), "analysed", "first"),
        (at(5), "call", "buy NVDA"),
        (at(3), "dead-letter", "31: a_handler: ValueError: poison"),
    ]
    assert newest[0].usd == Decimal("0.0045")


def test_each_snapshot_has_its_own_version_and_none_has_none(tmp_path: Path) -> None:
    assert version_of(tmp_path) is None
    with pytest.raises(SqlError, match="there is no read model"):
        picture(tmp_path, START, 3)
    publish(tmp_path)
    first = version_of(tmp_path)
    assert first is not None
    assert first == version_of(tmp_path)
    empty = picture(tmp_path, START, 3)
    assert (empty.standing, empty.newest, empty.last_record_at, empty.money.cap_usd) == ((), (), None, None)
