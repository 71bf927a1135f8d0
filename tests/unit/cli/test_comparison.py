"""An example of a comparison as people read it."""

from dataclasses import replace
from uuid import UUID

from projections.history import MentionComparison
from streams.cli.replay_output import told

EXAMPLE = MentionComparison(
    channel_id="channel-1",
    channel_title="Kettle and Tape",
    video_id="KTape000001",
    video_title="Chips",
    mention_id=UUID(int=1),
    symbol="NVDA",
    change="changed",
    changed=["action", "conviction"],
    a_action="buy",
    b_action="watch",
    a_time_horizon="years",
    b_time_horizon="years",
    a_conviction=0.8,
    b_conviction=0.8,
    a_quote="i buy it",
    b_quote="i watch it",
    a_url="https://youtu.be/x?t=3s",
    b_url="https://youtu.be/x?t=3s",
)


def test_both_sides_stand_below_what_changed() -> None:
    assert list(told(EXAMPLE)) == [
        "action, conviction changed: NVDA on Kettle and Tape",
        "  A buy, years, 0.80: i buy it (https://youtu.be/x?t=3s)",
        "  B watch, years, 0.80: i watch it (https://youtu.be/x?t=3s)",
    ]


def test_a_call_that_one_side_lacks_is_told_as_such() -> None:
    assert list(told(replace(EXAMPLE, change="added", a_action=None)))[:2] == [
        "added: NVDA on Kettle and Tape",
        "  A -",
    ]


def test_a_strangers_words_do_not_command_the_terminal() -> None:
    lines = list(told(replace(EXAMPLE, a_quote="buy\x1b[2J\nnow", channel_title="A\x07B")))
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
