"""What subscribers are told around an activation, signal for signal: whatever stood, was under way, or was never asked."""

import pytest

from streams.events.event import Event, Position
from streams.events.signals import MentionChanged
from streams.signals.publish_signals import SIGNALS, PublishSignals
from tests.builders.histories import Log, completed, marker, mention, video
from tests.builders.publishing import signals_of

A, B = video("dQw4w9WgXcA"), video("dQw4w9WgXcB")
A_BUY = [mention(A.video_id, "NVDA")]
A_SELL = [mention(A.video_id, "NVDA", action="sell")]
B_BUY = [mention(B.video_id, "T")]
B_SELL = [mention(B.video_id, "T", action="sell")]

ADDED_A = ["MentionAdded NVDA buy r1 live 0", "OutlookAdded A r1 live 0"]


def in_words(signal: Event) -> str:
    """Type, what about, revision, cause, activation."""
    said = signal.model_dump()
    what = f"{signal.key} {said['mention']['action']}" if "mention" in said else said["video"]["video_id"][-1]
    return f"{type(signal).__name__} {what} r{said['revision']} {said['cause']} {said['activation']}"


async def told(*history: Event) -> list[list[str]]:
    """What each event of a partition tells."""
    handler = PublishSignals(Log(history))
    return [
        [
            in_words(signal)
            for signal in await signals_of(handler, event, Position(partition=0, offset=offset))
        ]
        for offset, event in enumerate(history)
    ]


async def test_analyses_of_the_old_prompt_in_flight_at_activation() -> None:
    """One for a video that has the new prompt's analysis is not told; one for a video without any is its first word."""
    assert await told(
        marker(0, "p1"),
        completed("p2", of=A, mentions=A_SELL),
        marker(5, "p2"),
        completed("p1", of=A, mentions=A_BUY),
        completed("p1", of=B, mentions=B_BUY),
    ) == [
        [],
        [],
        ["MentionAdded NVDA sell r1 activation 5", "OutlookAdded A r1 activation 5"],
        [],
        ["MentionAdded T buy r1 backfill 0", "OutlookAdded B r1 backfill 0"],
    ]


async def test_an_answer_of_the_new_prompt_in_flight_at_activation_is_part_of_it() -> None:
    assert await told(
        marker(0, "p1"),
        completed("p1", of=A, mentions=A_BUY),
        marker(5, "p2"),
        completed("p2", of=A, mentions=A_SELL),
    ) == [[], ADDED_A, [], ["MentionChanged NVDA sell r2 activation 5"]]


async def test_a_video_analysed_only_under_the_new_prompt() -> None:
    assert await told(marker(0, "p1"), completed("p2", of=B, mentions=B_SELL), marker(5, "p2")) == [
        [],
        [],
        ["MentionAdded T sell r1 activation 5", "OutlookAdded B r1 activation 5"],
    ]


async def test_a_replay_that_still_runs_when_its_prompt_is_activated_is_no_news() -> None:
    """A polled video that it is the first to analyse may be two years old; the next live word is live again."""
    assert await told(
        marker(0, "p1"),
        marker(5, "p2"),
        completed("p2", of=A, mentions=A_SELL, lane="replay"),
        completed("p2", of=video("dQw4w9WgXcD", "poll"), lane="live"),
    ) == [
        [],
        [],
        ["MentionAdded NVDA sell r1 activation 5", "OutlookAdded A r1 activation 5"],
        ["OutlookAdded D r1 live 5"],
    ]


async def test_a_video_analysed_under_the_candidate_before_the_active_prompt() -> None:
    """A following replay answered first: the active prompt still has the first word, live."""
    assert await told(
        marker(0, "p1"),
        completed("p2", of=A, mentions=A_SELL),
        completed("p1", of=A, mentions=A_BUY),
        marker(5, "p2"),
    ) == [[], [], ADDED_A, ["MentionChanged NVDA sell r2 activation 5"]]


async def test_two_activations_in_a_row() -> None:
    """Each is told for itself; a video that only the first has keeps what the first gave it."""
    assert await told(
        marker(0, "p1"),
        completed("p1", of=A, mentions=A_BUY),
        completed("p1", of=B, mentions=B_BUY),
        completed("p2", of=A, mentions=A_SELL),
        completed("p2", of=B, mentions=B_SELL),
        completed("p3", of=A, mentions=[]),
        marker(6, "p2"),
        marker(7, "p3"),
    ) == [
        [],
        ADDED_A,
        ["MentionAdded T buy r1 backfill 0", "OutlookAdded B r1 backfill 0"],
        [],
        [],
        [],
        ["MentionChanged NVDA sell r2 activation 6", "MentionChanged T sell r2 activation 6"],
        ["MentionRetracted NVDA sell r3 activation 7"],
    ]


async def test_the_way_back_is_the_reverse_at_a_higher_revision() -> None:
    gone = [mention(A.video_id, "BRK.B", start_ms=9000)]
    history = [
        marker(0, "p1"),
        completed("p1", of=A, mentions=A_BUY + gone),
        completed("p2", of=A, mentions=A_SELL),
        marker(3, "p2"),
        marker(4, "p1"),
    ]
    *_, there, back = await told(*history)
    assert there == [
        "MentionRetracted BRK.B buy r2 activation 3",
        "MentionChanged NVDA sell r2 activation 3",
    ]
    assert back == ["MentionChanged NVDA buy r3 activation 4", "MentionAdded BRK.B buy r3 activation 4"]


async def test_the_way_back_carries_the_states_the_other_way_round() -> None:
    history = [
        marker(0, "p1"),
        completed("p1", of=A, mentions=A_BUY),
        completed("p2", of=A, mentions=A_SELL),
        marker(3, "p2"),
        marker(4, "p1"),
    ]
    handler = PublishSignals(Log(history))
    (there,) = await signals_of(handler, history[3], Position(partition=0, offset=3))
    (back,) = await signals_of(handler, history[4], Position(partition=0, offset=4))
    assert isinstance(there, MentionChanged)
    assert isinstance(back, MentionChanged)
    assert (back.previous, back.mention) == (there.mention, there.previous)


MANY = [f"dQw4w9WgX{n:02}" for n in range(7)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_a_marker_is_told_some_videos_at_a_time_in_the_order_they_appeared(size: int) -> None:
    """However long the batches are, what they tell is the same."""
    many = [video(video_id, "poll") for video_id in MANY]
    history = [
        marker(0, "p1"),
        *(completed("p1", of=one, mentions=[mention(one.video_id, "T")]) for one in many),
        *(completed("p2", of=one, mentions=[]) for one in reversed(many)),
        marker(20, "p2"),
    ]
    handler = PublishSignals(Log(history), size)
    position = Position(partition=0, offset=len(history) - 1)
    batches = [batch async for batch in handler.publish_signals(history[-1], position)]
    caught_up, *batches = batches
    assert not caught_up, "the fold came up to the marker before it was told"
    assert [signal.video.video_id for batch in batches for signal in batch] == MANY
    assert {len(batch) for batch in batches[:-1]} <= {size}


async def test_a_marker_is_told_so_many_signals_at_a_time_however_many_a_video_has() -> None:
    """A slow broker takes each after the one before, and all of a batch within one time limit."""
    many = [video(video_id, "poll") for video_id in MANY]
    calls = [
        [mention(one.video_id, "T", ordinal, start_ms=1000 * ordinal) for ordinal in range(30)]
        for one in many
    ]
    history = [
        *(completed("p1", of=one, mentions=said) for one, said in zip(many, calls, strict=True)),
        marker(20, "p1"),
    ]
    handler, last = PublishSignals(Log(history)), Position(partition=0, offset=len(history) - 1)
    batches = [batch async for batch in handler.publish_signals(history[-1], last) if batch]
    assert {len(batch) for batch in batches[:-1]} == {4 * 31}, "no video's signals are torn apart"
    assert all(len(batch) < SIGNALS + 31 for batch in batches)
    assert [signal.video.video_id for batch in batches for signal in batch] == [
        video_id for video_id in MANY for _ in range(31)
    ]
