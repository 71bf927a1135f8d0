"""An example of a comparison as people read it."""

from streams.replay.compare import told

EXAMPLE = {
    "channel_title": "Kettle and Tape",
    "symbol": "NVDA",
    "change": "changed",
    "changed": ["action", "conviction"],
    **{
        f"{side}_{name}": value
        for side, action in (("a", "buy"), ("b", "watch"))
        for name, value in (
            ("action", action),
            ("time_horizon", "years"),
            ("conviction", 0.8),
            ("quote", f"i {action} it"),
            ("url", "https://youtu.be/x?t=3s"),
        )
    },
}


def test_both_sides_stand_below_what_changed() -> None:
    assert list(told(EXAMPLE)) == [
        "action, conviction changed: NVDA on Kettle and Tape",
        "  A buy, years, 0.80: i buy it (https://youtu.be/x?t=3s)",
        "  B watch, years, 0.80: i watch it (https://youtu.be/x?t=3s)",
    ]


def test_a_call_that_one_side_lacks_is_told_as_such() -> None:
    assert list(told(EXAMPLE | {"change": "added", "a_action": None}))[:2] == [
        "added: NVDA on Kettle and Tape",
        "  A -",
    ]


def test_a_strangers_words_do_not_command_the_terminal() -> None:
    lines = list(told(EXAMPLE | {"a_quote": "buy\x1b[2J\nnow", "channel_title": "A\x07B"}))
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
