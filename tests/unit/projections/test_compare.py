from collections.abc import Iterable
from dataclasses import fields
from typing import Any
from uuid import uuid4

from projections.history import _EXAMPLES, ChannelComparison, MentionComparison
from streams.events.analyses import AnalysisCompleted
from streams.events.prompts import Prompt, PromptRegistered
from tests.builders.read_model_world import PROMPTS, at, completed, video
from tests.unit.projections.conftest import Told

FIRST, SECOND = PROMPTS
CHANNELS = """
SELECT channel_id, channel, videos, same, added, dropped, action_changed, horizon_changed, conviction_changed
FROM compare_channels('first', 'second')
"""


def answer(
    prompt: Prompt, number: int, symbols: Iterable[str], revision: int, known: dict[str, object]
) -> AnalysisCompleted:
    """A call a symbol, and one invented."""
    made = completed(video(number, **known), prompt, uuid4(), revision, symbols=[*symbols, "LEFT-OUT"])
    kept = tuple(call for call in made.mentions if call.rejected or call.symbol != "LEFT-OUT")
    return made.model_copy(update={"mentions": kept})


def under_first(number: int, *symbols: str, revision: int = 1, **known: object) -> AnalysisCompleted:
    return answer(FIRST, number, symbols, revision, known)


def under_second(
    number: int, *symbols: str, change: dict[str, Any] | None = None, **known: object
) -> AnalysisCompleted:
    """`change`: what the second prompt makes of every call that is grounded."""
    made = answer(SECOND, number, symbols, 1, known)
    calls = (call if call.rejected else call.model_copy(update=change or {}) for call in made.mentions)
    return made.model_copy(update={"mentions": tuple(calls)})


def tell(told: Told, *answers: AnalysisCompleted) -> None:
    for prompt in PROMPTS:
        told.tell(PromptRegistered(at=at(0), prompt_id=prompt.prompt_id, prompt=prompt))
    told.tell(*answers)


def test_every_kind_of_change_gets_an_example_before_any_gets_a_second(told: Told) -> None:
    """A candidate that finds more than it changes must not show its finds alone; changes have both quotes."""
    many = [f"S{number}" for number in range(9)]
    tell(told, under_first(1, "NVDA"), under_second(1, "NVDA", *many))
    tell(told, under_first(2, "T"), under_second(2))
    tell(told, under_first(3, "ON", "F"), under_second(3, "ON", "F", change={"action": "sell"}))
    tell(
        told, under_first(4, "GE"), under_second(4, "GE", change={"time_horizon": "days", "conviction": 0.9})
    )
    tell(told, under_first(5, "GM"), under_second(5, "GM", change={"conviction": 0.9}))
    examples = told.database.execute(_EXAMPLES, ["first", "second", 7]).fetchall()
    assert [name for name, *_ in told.database.description or ()] == [
        field.name for field in fields(MentionComparison)
    ]
    told_of = [MentionComparison(*example) for example in examples]
    assert [(example.change, example.changed) for example in told_of] == [
        ("changed", ["action"]),
        ("changed", ["time_horizon", "conviction"]),
        ("changed", ["conviction"]),
        ("dropped", []),
        ("added", []),
        ("changed", ["action"]),
        ("added", []),
    ]
    assert [example.a_quote == example.b_quote for example in told_of[:3]] == [True] * 3
    assert (told_of[3].b_quote, told_of[3].b_url, told_of[4].a_quote) == (None, None, None)


def test_each_channel_has_its_row_and_videos_of_no_known_channel_one_together(told: Told) -> None:
    """The last row is for all, whatever a channel calls itself."""
    unknown = {"channel_id": None}
    tell(
        told,
        *(under_first(1, "NVDA"), under_second(1, "NVDA")),
        *(under_first(2, "T", channel_id="channel-2"), under_second(2, "T", "ON", channel_id="channel-2")),
        *(under_first(3, **unknown), under_second(3, "F", **unknown)),
        *(under_first(4, "F", **unknown), under_second(4, **unknown)),
        under_first(5, "GE"),
    )
    rows = told.rows(CHANNELS)
    assert sorted(rows[:-1], key=str) == [
        ("channel-1", "The Channel", 1, 1, 0, 0, 0, 0, 0),
        ("channel-2", "The Channel", 1, 1, 1, 0, 0, 0, 0),
        (None, "The Channel", 2, 0, 1, 1, 0, 0, 0),
    ]
    assert rows[-1] == (None, "all", 4, 2, 2, 1, 0, 0, 0)


def test_prompts_are_compared_on_the_latest_captions_that_both_had(told: Told) -> None:
    tell(told, under_first(1, "NVDA"), under_second(1, "NVDA"), under_first(1, "T", revision=2))
    assert told.rows("SELECT symbol, change FROM compare_mentions('first', 'second')") == [("NVDA", "same")]


def test_a_whole_analysis_is_compared_rather_than_the_partial_one_before_it(told: Told) -> None:
    cut = under_first(1, "NVDA").model_copy(update={"partial": True})
    tell(told, cut, under_second(1, "NVDA", "T"))
    changes = "SELECT symbol, change FROM compare_mentions('first', 'second') ORDER BY ALL"
    assert told.rows(changes) == [("NVDA", "same"), ("T", "added")]
    tell(told, under_first(1, "NVDA", "T"))
    assert told.rows(changes) == [("NVDA", "same"), ("T", "same")]
    assert told.rows(CHANNELS)[-1][2:5] == (1, 2, 0)


def test_the_channels_rows_have_the_columns_that_the_code_reads(told: Told) -> None:
    told.rows("FROM compare_channels('first', 'second')")
    assert [name for name, *_ in told.database.description or ()] == [
        field.name for field in fields(ChannelComparison)
    ]


def test_a_comparison_of_nothing_is_a_row_of_zeros(told: Told) -> None:
    tell(told, under_first(1, "NVDA"))
    assert told.rows(CHANNELS) == [(None, "all", 0, 0, 0, 0, 0, 0, 0)]


def test_what_a_prompt_costs_and_invents_is_told_beside_what_it_changes(told: Told) -> None:
    tell(told, under_first(1, "NVDA"), under_second(1, "NVDA", "T", "ON"))
    [row] = told.rows(
        "SELECT a_rejected, b_rejected, a_usd_per_video::VARCHAR, b_usd_per_video::VARCHAR"
        " FROM compare_channels('first', 'second') WHERE channel = 'all'"
    )
    assert row == (0.5, 0.25, "0.004500000", "0.004500000")


def test_what_a_call_hangs_on_is_compared_where_both_prompts_ask_for_it(told: Told) -> None:
    """Where one does not, its silence is no change; and what a sponsor says is no call of either."""
    asks = {"paid": False, "speaker": "host", "position": "holds"}
    one, two, three = (under_first(number, "NVDA") for number in (1, 2, 3))
    calls = tuple(call if call.rejected else call.model_copy(update=asks) for call in two.mentions)
    hangs = asks | {"condition": "if it falls", "speaker": "guest"}
    tell(told, one, under_second(1, "NVDA", change=hangs))
    told.tell(two.model_copy(update={"mentions": calls}), under_second(2, "NVDA", change=hangs))
    told.tell(three, under_second(3, "NVDA", change={"paid": True}))
    assert told.rows(
        "SELECT video_id, change, changed, b_condition FROM compare_mentions('first', 'second') ORDER BY ALL"
    ) == [
        ("video-1", "same", [], "if it falls"),
        ("video-2", "changed", ["condition", "speaker"], "if it falls"),
        ("video-3", "dropped", [], None),
    ]
