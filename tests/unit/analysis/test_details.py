"""What an answer says beside a call counts only where the transcript says it, and a number only as it was said."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.analysis import details as honest
from streams.analysis.answer import AnsweredLevel
from streams.analysis.details import Details
from streams.analysis.grounding import ground
from streams.analysis.symbols import Symbols
from streams.analysis.transcript import Transcript
from streams.analysis.words import without_cues, words_of
from streams.events.analyses import Mention
from tests.builders.quotes import said
from tests.builders.transcripts import captions_of

FAR = (
    "and so on it goes with many words that say nothing of any stock at all but fill a whole line up to here"
)
QUOTE = "i would buy apple"


def level(words: str, value: str, unit: str = "USD", kind: str = "entry") -> AnsweredLevel:
    return AnsweredLevel.model_validate({"kind": kind, "value": value, "unit": unit, "words": words})


# What is said beside the call; the words, value and unit of a level; what is recorded of it, or the reason why nothing is.
LEVELS: dict[str, tuple[str, AnsweredLevel, tuple[str, str | None, str] | str]] = {
    "digits": ("at $120 that is", level("at $120", "120"), ("120", None, "at $120")),
    "words": ("at one twenty that is", level("at one twenty", "120"), ("120", None, "at one twenty")),
    "cents": ("at one twenty that is", level("at one twenty", "1.2"), ("1.20", None, "at one twenty")),
    "written by the model": ("at one twenty that is", level("at $120", "120"), ("120", None, "at one twenty")),
    "nothing but a number": ("at one twenty that is", level("120", "120"), ("120", None, "one twenty")),
    "a range": ("the low one-twenties", level("low one-twenties", "120"), ("120", "123", "low one-twenties")),
    "the part of a range": ("the low one-twenties", level("twenties", "122"), ("120", "123", "low one-twenties")),
    "from and to": ("from 110 to 120 maybe", level("110 to 120", "110"), ("110", "120", "110 to 120")),
    "a percentage": ("down ten percent more", level("ten percent", "10", "percent"), ("10", None, "ten percent")),
    "euros": ("at ninety euros then", level("at ninety euros", "90", "EUR"), ("90", None, "at ninety euros")),
    "points": ("at 4800 points then", level("4800 points", "4800", "points"), ("4800", None, "4800 points")),
    "another place is the right one": (
        "at one twenty or. Twenty. is fine",
        level("twenty", "20"),
        ("20", None, "Twenty."),
    ),
    "nobody said it": ("at one twenty that is", level("at one thirty", "130"), "not_near_the_quote"),
    "another number": ("at one twenty that is", level("at one twenty", "130"), "another_number"),
    "ten times as much": ("at one twenty that is", level("at one twenty", "1200"), "another_number"),
    "the end of a number": ("at one twenty that is", level("twenty", "20"), "another_number"),
    "the beginning of a number": ("at one twenty five that is", level("at one twenty", "120"), "another_number"),
    "the middle of a number": ("a hundred and five fifty", level("five", "5"), "another_number"),
    "what is behind an and": ("a hundred and five it is", level("a hundred", "100"), "another_number"),
    "cut off a sum": ("at twenty thousand it is", level("twenty", "20"), "another_number"),
    "a percentage as a price": ("down ten percent more", level("ten", "10"), "another_number"),
    "a price as a percentage": ("at ten dollars more", level("ten", "10", "percent"), "another_number"),
    "a price as percent": ("at ten it is", level("ten", "10", "percent"), "another_number"),
    "another currency": ("at ninety euros then", level("at ninety euros", "90"), "another_number"),
    "a moving average": ("at the 200 day line", level("the 200", "200"), "number_unread"),
    "two numbers": ("at 120 i sell half at 140", level("120 i sell half at 140", "120"), "number_unread"),
    "no number": ("where it was in spring", level("where it was", "120"), "number_unread"),
    "a number nobody trades at": ("at 99999999999 then", level("at 99999999999", "99999999999"), "another_number"),
    "without words": ("at $120 that is", level(" ", "120"), "unusable"),
    "signs": ("at $120 that is", level("…", "120"), "not_near_the_quote"),
    "a kind that is none": ("at $120 that is", level("at $120", "120", kind="mood"), "unusable"),
    "a unit that is none": ("at $120 that is", level("at $120", "120", "shells"), "unusable"),
}  # fmt: skip


def details(spoken: str, *levels: AnsweredLevel, by: ModuleType = honest, **beside: Any) -> Details:
    """What is recorded beside a call on line 12, of what is said on the lines 1 (far), 2, 12, 22 and 23 (far)."""
    lines = [f"far away {FAR}", f"if it falls {FAR}", *[FAR] * 9, f"{QUOTE} {spoken} {FAR}"]
    lines += [*[FAR] * 9, f"by friday {FAR}", f"far as well {FAR}"]
    mention = said(QUOTE, line=12, levels=levels, **beside)
    found: Details = by.details(mention, 12, Transcript(captions_of(*lines)))
    return found


def wrong(by: ModuleType) -> list[str]:
    """The rows of LEVELS, and the conditions, that a module judges in another way."""
    found = []
    for name, (spoken, told, expected) in LEVELS.items():
        judged = details(spoken, told, by=by)
        recorded = [
            (f"{one.value}", None if one.value_to is None else f"{one.value_to:f}", one.words)
            for one in judged.levels
        ] or [one.reason for one in judged.dropped]
        if recorded != [expected]:
            found.append(name)
    return found + [
        condition
        for condition in ("far away", "far as well", "if it rises")
        if details("", condition=condition, by=by).condition is not None
    ]


def test_a_level_is_the_number_in_the_words_that_were_said_or_is_dropped_with_the_reason() -> None:
    assert wrong(honest) == []


@pytest.mark.parametrize(
    ("check", "instead", "found_by"),
    [
        (".reading_of(value, unit)", ".readings[0]", "another number"),
        (".around_number(place.start, place.length)", ".text(place.start, place.length)", "the end of a number"),
        ("NEAR_QUOTE_LINES = 10", "NEAR_QUOTE_LINES = 11", "far as well"),
        ("line, NEAR_QUOTE_LINES)", "line, 10**6)", "far away"),
        ("next(_spoken(mention.condition, line, transcript), None)", "mention.condition", "if it rises"),
        ("and _is_amount(reading)", "", "a number nobody trades at"),
    ],
)  # fmt: skip
def test_a_check_that_is_left_out_is_noticed(check: str, instead: str, found_by: str) -> None:
    """The number in the words, all of it, and that they stand near the quote."""
    source = Path(honest.__file__).read_text(encoding="utf-8")
    assert check in source
    mutant = ModuleType("mutant")
    mutant.__dict__["__name__"] = honest.__name__
    try:
        exec(source.replace(check, instead), mutant.__dict__)  # noqa: S102  our own source
        noticed = wrong(mutant)
    except ValueError:  # the event refuses what the check would have
        noticed = [found_by]
    assert found_by in noticed


@pytest.mark.parametrize("part", ["condition", "expires"])
@pytest.mark.parametrize(
    ("told", "recorded"),
    [
        ("If it falls,", "If it falls,"),
        ("by friday", "by friday"),
        ("[3] if it falls", "if it falls"),
        ("back at 120", "back at one twenty"),
        ("when it is back", "when it is uh back"),
    ],
)
def test_what_a_call_hangs_on_is_recorded_in_the_transcripts_words(
    part: str, told: str, recorded: str
) -> None:
    found = details("when it is uh back at one twenty", **{part: told})
    assert (getattr(found, part), found.dropped) == (recorded, [])


@pytest.mark.parametrize("part", ["condition", "expires"])
@pytest.mark.parametrize("told", ["far away", "far as well", "if it rises", "!"])
def test_what_a_call_hangs_on_and_nobody_said_there_is_null_and_dropped(part: str, told: str) -> None:
    found = details("", **{part: told})
    assert getattr(found, part) is None
    assert [(one.part, one.reason, one.words) for one in found.dropped] == [
        (part, "not_near_the_quote", told)
    ]


def test_a_mention_with_a_broken_part_keeps_the_rest_and_a_rejected_one_has_no_words_beside_it() -> None:
    beside = {
        "condition": "if pigs fly",
        "levels": (level("at one twenty", "120", kind="stop"), level("at one twenty", "130")),
        "speaker": "guest",
        "position": "holds",
        "paid": True,
        "expires": "or never",
    }
    captions = captions_of(f"{QUOTE} at one twenty or never")
    good, bad = ground([said(QUOTE, **beside), said("nobody said that", **beside)], captions, Symbols())
    assert [(one.kind, one.value, one.value_to, one.unit, one.words) for one in good.levels] == [
        ("stop", Decimal(120), None, "USD", "at one twenty")
    ]
    assert (good.condition, good.expires) == (None, "or never")
    assert [(one.part, one.reason) for one in good.dropped] == [
        ("condition", "not_near_the_quote"),
        ("level", "another_number"),
    ]
    assert bad.rejected == "quote_not_in_transcript"
    assert (bad.condition, bad.levels, bad.expires, bad.dropped) == (None, (), None, ())
    for one in (good, bad):
        assert (one.speaker, one.position, one.paid) == ("guest", "holds", True)


_WORDS = [
    "at",
    "one",
    "twenty",
    "five",
    "120",
    "$5",
    "ten",
    "percent",
    "and",
    "hundred",
    "uh",
    "if",
    "low",
    "day",
]


@settings(deadline=None)
@given(
    spoken=st.lists(st.sampled_from(_WORDS), max_size=12),
    told=st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4),
    value=st.sampled_from(["1", "5", "10", "20", "100", "105", "120", "125", "1.2"]),
    unit=st.sampled_from(["USD", "percent"]),
)
def test_whatever_is_told_only_what_was_said_is_recorded(
    spoken: list[str], told: list[str], value: str, unit: str
) -> None:
    words = " ".join(told)
    (mention,) = ground(
        [said(QUOTE, condition=words, expires=words, levels=(level(words, value, unit),))],
        captions_of(f"{QUOTE}. {' '.join(spoken)}"),
        Symbols(),
    )
    assert set(_recorded(mention)) <= set(_runs([*words_of(QUOTE), *words_of(" ".join(spoken))]))
    assert len(mention.levels) + sum(one.part == "level" for one in mention.dropped) == 1
    assert all(one.value <= Decimal(value) <= (one.value_to or one.value) for one in mention.levels)


def _recorded(mention: Mention) -> Iterator[tuple[str, ...]]:
    texts = [mention.condition, mention.expires, *(one.words for one in mention.levels)]
    return (tuple(words_of(without_cues(text))) for text in texts if text is not None)


def _runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1))
