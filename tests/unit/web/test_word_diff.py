"""Texts word by word: nothing is lost between them, and no text takes long."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.web import word_diff as module
from projections.web.word_diff import Piece, word_diff

# A few words, so that texts have some in common; blanks of every kind, so that lines end in odd places.
TEXTS = st.lists(
    st.sampled_from(["buy", "sell", "hold,", "a", "ä", " ", "\n", "  \n", "\u2028", "\t"]), max_size=40
).map("".join)


@given(before=TEXTS, after=TEXTS, effort=st.sampled_from([0, 5, 50, module.EFFORT]))
def test_both_texts_stand_in_the_difference(before: str, after: str, effort: int) -> None:
    pieces = word_diff(before, after, effort)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after
    assert all(piece.text for piece in pieces)
    assert all(one.kind != other.kind for one, other in pairwise(pieces))


def test_a_word_is_told_by_itself() -> None:
    assert word_diff(
        "Name each stock.\nSay why it is bought.\n", "Name each stock.\nSay when it is bought.\n"
    ) == (
        Piece("same", "Name each stock.\nSay "),
        Piece("removed", "why "),
        Piece("added", "when "),
        Piece("same", "it is bought.\n"),
    )


@pytest.mark.parametrize(("before", "after"), [("", ""), ("a b\n", "a b\n")])
def test_what_is_the_same_has_no_difference(before: str, after: str) -> None:
    assert word_diff(before, after) == ((Piece("same", before),) if before else ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a " * 50_000, "a b " * 25_000),
        ("\n".join("a" * 50_000), "\n".join("ab" * 25_000)),
        (" ".join(map(str, range(17_000))), " ".join(map(str, reversed(range(17_000))))),
    ],
    ids=["one word", "one letter a line", "turned round"],
)
def test_the_effort_is_bounded_however_alike_the_words_are(before: str, after: str) -> None:
    """A hundred kB of the worst: what is too much to compare is replaced, and nothing is lost."""
    pieces = word_diff(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after
    comparison = module._Comparison(1000)
    comparison.compare(before.split(), after.split())
    assert 0 <= comparison.effort <= 1000
