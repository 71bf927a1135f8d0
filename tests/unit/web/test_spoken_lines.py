"""Where a quote stands among the lines of its video."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.web.spoken import Spoken

WORDS = UUID(int=1)
# As YouTube's own captions: each line is shown until the next but one comes.
ROLLING = [(1000 * at, 1000 * at + 2000, f"line {at}") for at in range(10)]


def marked(spoken: Spoken, start_ms: int, end_ms: int) -> list[str]:
    return [line.text for line in spoken.around(start_ms, end_ms, 2) if line.is_marked]


@given(first=st.integers(0, 9), count=st.integers(1, 10), beside=st.integers(0, 12))
def test_the_lines_from_the_first_to_the_last_are_marked_whatever_overlaps(
    first: int, count: int, beside: int
) -> None:
    last = min(first + count - 1, 9)
    lines = Spoken(WORDS, ROLLING).around(ROLLING[first][0], ROLLING[last][1], beside)
    assert [line.text for line in lines if line.is_marked] == [
        text for _, _, text in ROLLING[first : last + 1]
    ]
    assert [line.text for line in lines] == [
        text for _, _, text in ROLLING[max(0, first - beside) : last + beside + 1]
    ]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "texts"),
    [
        # After a correction no line need begin or end there.
        (2500, 3600, ["line 2", "line 3"]),
        (3000, 3000, ["line 3"]),
        (99_000, 99_001, ["line 9"]),
        (0, 1, ["line 0"]),
    ],
)
def test_of_a_time_that_is_no_lines_own_the_lines_at_it_are_marked(
    start_ms: int, end_ms: int, texts: list[str]
) -> None:
    assert marked(Spoken(WORDS, ROLLING), start_ms, end_ms) == texts


def test_what_is_before_the_first_line_is_at_it() -> None:
    assert marked(Spoken(WORDS, [(500, 900, "only")]), 0, 1) == ["only"]
