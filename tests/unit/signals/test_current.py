import tracemalloc
from copy import deepcopy

import pytest

from streams.events.event import Event
from streams.signals import current
from streams.signals.current import Partition, Switch, evolve
from tests.builders.histories import SPOILS, completed, failed, marker, record, spoilt, video

A, B = video("dQw4w9WgXcA"), video("dQw4w9WgXcB")


def switches(*events: Event) -> list[list[Switch]]:
    """What each event of a partition switches, one list an event."""
    partition = Partition()
    return [evolve(partition, record(event, offset)) for offset, event in enumerate(events)]


def test_the_first_analysis_under_an_active_prompt_becomes_current() -> None:
    assert switches(marker(7), completed()) == [[], [Switch(A.video_id, None, 1, 1, "first", 7)]]


def test_an_analysis_under_a_prompt_never_activated_waits_for_its_marker() -> None:
    """A replay is quiet until its prompt is activated; then it speaks as an activation, even where nothing stood."""
    assert switches(completed("p2"), marker(7, "p1"), marker(9, "p2")) == [
        [],
        [],
        [Switch(A.video_id, None, 0, 1, "activation", 9)],
    ]


def test_a_marker_switches_every_video_that_has_an_analysis_under_its_prompt() -> None:
    history = [
        marker(0, "p1"),
        completed("p1", of=A),
        completed("p1", of=B),
        completed("p2", of=B),
        completed("p2", of=A),
        marker(5, "p2"),
    ]
    assert switches(*history)[-1] == [
        Switch(A.video_id, 1, 4, 2, "activation", 5),
        Switch(B.video_id, 2, 3, 2, "activation", 5),
    ]


def test_a_video_not_replayed_keeps_its_old_analysis() -> None:
    assert switches(marker(0, "p1"), completed("p1"), marker(5, "p2"))[-1] == []


def test_an_analysis_that_arrives_after_its_prompts_activation_switches_as_that_activation() -> None:
    history = [marker(0, "p1"), completed("p1"), marker(5, "p2"), completed("p2")]
    assert switches(*history)[-1] == [Switch(A.video_id, 1, 3, 2, "activation", 5)]


def test_an_analysis_of_the_old_prompt_that_comes_late_switches_nothing() -> None:
    history = [marker(0, "p1"), completed("p2"), marker(5, "p2"), completed("p1", revision=2)]
    assert switches(*history)[-1] == []


def test_new_captions_under_the_same_prompt_are_a_correction() -> None:
    history = [marker(0), completed(), completed(revision=2)]
    assert switches(*history)[-1] == [Switch(A.video_id, 1, 2, 2, "correction", 0)]


def test_old_captions_that_come_late_switch_nothing() -> None:
    assert switches(marker(0), completed(revision=2), completed(revision=1))[-1] == []


def test_the_first_by_offset_is_the_analysis() -> None:
    """A second bill for the same analysis is a bill and no second opinion."""
    partition = Partition()
    for offset, event in enumerate([marker(0), completed(attempt="1")]):
        evolve(partition, record(event, offset))
    before = deepcopy(partition)
    assert evolve(partition, record(completed(attempt="2", direction="bearish"), 2)) == []
    assert partition == before


def test_an_answer_to_a_repetition_is_current_as_any_other_and_no_second_opinion() -> None:
    repeated = completed(again=1, direction="bearish")
    assert switches(marker(0), failed(), repeated)[-1] == [Switch(A.video_id, None, 2, 1, "first", 0)]
    assert switches(marker(0), completed(), repeated)[-1] == []


def test_rolling_back_switches_to_what_stood_before_at_a_higher_revision() -> None:
    history = [
        marker(0, "p1"),
        completed("p1"),
        completed("p2"),
        marker(5, "p2"),
        marker(6, "p1"),
        marker(7, "p2"),
    ]
    assert switches(*history)[-2:] == [
        [Switch(A.video_id, 2, 1, 3, "activation", 6)],
        [Switch(A.video_id, 1, 2, 4, "activation", 7)],
    ]


def test_a_marker_told_again_switches_nothing() -> None:
    """After a crash all markers since the last commit come again, the older ones after the newer."""
    markers = [marker(5, "p1"), marker(6, "p2"), marker(7, "p1")]
    history = [completed("p1"), completed("p2"), *markers, *markers]
    assert switches(*history)[-3:] == [[], [], []]


def test_what_is_no_analysis_and_no_marker_changes_nothing() -> None:
    partition = Partition()
    assert evolve(partition, record(failed(), 0)) == []
    assert partition == Partition()


@pytest.mark.parametrize("how", SPOILS)
def test_what_cannot_be_read_counts_for_nothing(how: str) -> None:
    """Neither an analysis nor a marker, though headers name all that the fold keeps of them."""
    partition = Partition()
    for offset, event in enumerate([marker(0), completed()]):
        assert evolve(partition, spoilt(record(event, offset), how)) == []
    assert partition == Partition()


def test_a_video_of_live_data_is_kept_in_200_bytes() -> None:
    partition, videos = Partition(), 20_000
    current.activated(partition, "p1", 0)
    tracemalloc.start()
    for n in range(videos):
        current.completed(partition, 1_000_000 + n, f"v{n:010}", "p1", 1)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(partition.videos) == videos
    assert kept / videos <= 200
