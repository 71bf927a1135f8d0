"""A mention counts only where the transcript says it, and its times are the transcript's."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streams.analysis.answer import AnsweredMention
from streams.analysis.grounding import MIN_QUOTE_WORDS, ground
from streams.analysis.lines import lines_of
from streams.analysis.names import Listing
from streams.analysis.symbols import Symbols
from streams.analysis.transcript import Transcript
from streams.analysis.words import without_cues, words_of
from streams.events.analyses import Mention, mention_id
from streams.events.captions import CaptionsExtracted
from tests.builders.quotes import said
from tests.builders.transcripts import captions_of, segments

FILLER = (
    "and so on it goes with many words that say nothing of any stock at all but fill a whole line up to here",
)
UNLISTED = Symbols()
TALK = captions_of(
    "welcome back", "I am BUYING", "Palanteer, here", "and now. Apple? I'd sell", "Apple right here"
)


def heard_in(text: str) -> list[str]:
    return words_of(without_cues(text))


def one(
    answered: AnsweredMention, captions: CaptionsExtracted = TALK, symbols: Symbols = UNLISTED
) -> Mention:
    (mention,) = ground([answered], captions, symbols)
    return mention


def test_a_quote_is_found_across_segments_and_timed_by_them() -> None:
    mention = one(said("buying palanteer here and now", symbol="$pltr"))
    assert mention.rejected is None
    assert mention.mention_id == mention_id("v", "PLTR", 0)
    assert (mention.symbol, mention.said_as) == ("PLTR", "$pltr")
    assert (mention.line, mention.start_ms, mention.end_ms) == (1, 1000, 3900)


@pytest.mark.parametrize(
    "quote",
    [
        "i am buying",
        "I  am\nBUYING!",
        "“I am, buying…”",
        "\uff29 \uff41\uff4d \uff42\uff55\uff59\uff49\uff4e\uff47",
    ],
)
def test_case_blanks_punctuation_and_width_do_not_matter(quote: str) -> None:
    assert one(said(quote)).rejected is None


@pytest.mark.parametrize(
    ("answered", "reason"),
    [
        (said("am buying"), "quote_too_short"),
        (said(""), "quote_too_short"),
        (said("… — !"), "quote_too_short"),
        (said("i am buyin palanteer"), "quote_not_in_transcript"),
        (said("am buying palanteers here"), "quote_not_in_transcript"),
        (said("buying here palanteer"), "quote_not_in_transcript"),
        (said("apple right here and"), "quote_not_in_transcript"),
        (said("i am buying", symbol="the palantir company"), "symbol_unusable"),
        (said("nobody said that", symbol="?"), "symbol_unusable"),
    ],
)
def test_what_is_not_grounded_is_kept_with_its_reason_and_without_a_time(
    answered: AnsweredMention, reason: str
) -> None:
    mention = one(answered)
    assert (mention.rejected, mention.mention_id, mention.start_ms, mention.end_ms) == (
        reason,
        None,
        None,
        None,
    )
    assert (mention.quote, mention.line) == (answered.quote, answered.line)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        (15, None),
        (25, None),
        (14, "quote_far_from_line"),
        (26, "quote_far_from_line"),
        (-3, "quote_far_from_line"),
    ],
)
def test_a_quote_counts_near_the_line_that_was_named_and_no_further(named: int, reason: str | None) -> None:
    captions = captions_of(*FILLER * 19, "i am buying palanteer " * 6, *FILLER * 19)
    mention = one(said("am buying palanteer", line=named), captions)
    assert mention.rejected == reason
    assert mention.line == (20 if reason is None else named)


def test_of_a_quote_said_twice_the_place_nearest_to_the_named_line_counts() -> None:
    call = "and again i am buying palanteer right here for the long run and this is no advice at all to any of you who listen"
    captions = captions_of(call, *FILLER * 2, call, *FILLER * 4)
    assert [one(said("i am buying palanteer", line=line), captions).line for line in (1, 2, 3, 4, 8)] == [
        1,
        1,
        4,
        4,
        4,
    ]


def test_grounded_mentions_of_a_symbol_are_numbered_by_time_whatever_the_answers_order() -> None:
    answered = [
        said("apple right here", symbol="AAPL"),
        said("nobody said this", symbol="AAPL"),
        said("i am buying", symbol="PLTR"),
        said("apple i'd sell", symbol="aapl"),
    ]
    mentions = ground(answered, TALK, UNLISTED)
    assert [mention.quote for mention in mentions] == [mention.quote for mention in answered]
    assert [mention.mention_id for mention in mentions] == [
        mention_id("v", "AAPL", 1),
        None,
        mention_id("v", "PLTR", 0),
        mention_id("v", "AAPL", 0),
    ]


def test_listed_says_whether_the_symbol_stands_in_the_list_and_nothing_without_a_list() -> None:
    call = said("i am buying", symbol="brk b")
    assert one(call).listed is None
    assert one(call, symbols=Symbols(own=Listing(frozenset({"BRK.B"})))).listed is True
    assert one(call, symbols=Symbols(own=Listing())).listed is False
    assert one(call, symbols=Symbols(own=Listing())).rejected is None


def test_a_name_is_published_under_its_symbol_and_kept_where_it_has_none() -> None:
    known = Symbols(bundled=Listing(names={"palantir technologies": "PLTR"}))
    named = one(said("i am buying", symbol="Palantir Technologies, Inc."), symbols=known)
    assert (named.symbol, named.mention_id) == ("PLTR", mention_id("v", "PLTR", 0))
    unnamed = one(said("i am buying", symbol="the palantir company"), symbols=known)
    assert (unnamed.symbol, unnamed.rejected) == ("the palantir company", "symbol_unusable")


@pytest.mark.parametrize(
    ("told", "kept"),
    [(0.83, 0.85), (0.824, 0.8), (0, 0.0), (1, 1.0), (0.15000000000000002, 0.15)],
)
def test_a_conviction_is_the_nearest_step(told: float, kept: float) -> None:
    assert one(said("i am buying", conviction=told)).conviction == kept


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([85], [0.85]),
        ([85, 60, 5, 0], [0.85, 0.6, 0.05, 0.0]),
        ([8.5, 7, 1], [0.85, 0.7, 0.1]),
        ([7], [0.7]),
        ([1, 1], [1.0, 1.0]),
        ([85, 0.5], [None, 0.5]),
        ([8.5, 0.5], [None, 0.5]),
        ([85, 8.5], [None, None]),
        ([101, 1], [None, 1.0]),
        ([101, 85], [None, None]),
        ([-2, 85], [None, None]),
        ([-2, 0.5], [None, 0.5]),
        ([float("inf"), 0.5], [None, 0.5]),
    ],
)
def test_convictions_of_another_scale_are_rescaled_if_the_whole_answer_is_on_it(
    told: list[float], kept: list[float | None]
) -> None:
    """And what is on no scale voids its own mention: it never counts as the nearest number that is."""
    captions = captions_of(*(f"i am buying thing number {n}" for n in range(len(told))))
    answered = [
        said(f"buying thing number {n}", symbol=f"S{n}", conviction=conviction)
        for n, conviction in enumerate(told)
    ]
    mentions = ground(answered, captions, UNLISTED)
    assert [mention.conviction for mention in mentions] == kept
    assert [mention.rejected for mention in mentions] == [
        "conviction_unusable" if conviction is None else None for conviction in kept
    ]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"action": None}, "action_unknown"),
        ({"conviction": None}, "conviction_unusable"),
        ({"line": None}, "line_unusable"),
        ({"symbol": ""}, "symbol_unusable"),
        ({"quote": ""}, "quote_too_short"),
    ],
)
def test_one_bad_mention_is_rejected_with_its_reason_and_the_others_stand(
    changed: dict[str, str | None], reason: str
) -> None:
    good = said("i am buying palanteer")
    mentions = ground([good.model_copy(update=changed), good], TALK, UNLISTED)
    assert [mention.rejected for mention in mentions] == [reason, None]
    assert mentions[1].mention_id == mention_id("v", "PLTR", 0)


def test_a_call_told_twice_is_one_mention_and_one_at_another_place_is_another() -> None:
    answered = [
        said("buying palanteer here and now", symbol="$pltr", conviction=0.7),
        said("i am buying palanteer"),
        said("i am buying palanteer", symbol="AAPL"),
        said("apple right here"),
    ]
    mentions = ground(answered, TALK, UNLISTED)
    assert [mention.rejected for mention in mentions] == [None, "repeated", None, None]
    assert [mention.mention_id for mention in mentions] == [
        mention_id("v", "PLTR", 0),
        None,
        mention_id("v", "AAPL", 0),
        mention_id("v", "PLTR", 1),
    ]


def test_a_call_that_contradicts_itself_is_rejected_and_costs_no_other_its_number() -> None:
    buy = said("i am buying palanteer")
    sell = said("buying palanteer here and now").model_copy(update={"action": "sell"})
    mentions = ground([sell, said("apple right here"), buy], TALK, UNLISTED)
    assert [mention.rejected for mention in mentions] == ["contradicts_itself", None, "contradicts_itself"]
    assert mentions[1].mention_id == mention_id("v", "PLTR", 0)
    assert [mention.action for mention in mentions] == ["sell", "buy", "buy"]


def test_three_hundred_mentions_of_one_answer_are_all_kept() -> None:
    captions = captions_of(*(f"i am buying thing number {n}" for n in range(300)))
    lines = {n: line.number for line in lines_of(captions.texts) for n in range(line.first, line.last + 1)}
    answered = [said(f"buying thing number {n}", symbol="PLTR", line=lines[n]) for n in range(300)]
    mentions = ground(answered, captions, UNLISTED)
    assert [mention.mention_id for mention in mentions] == [mention_id("v", "PLTR", n) for n in range(300)]


def test_a_segment_that_ends_before_it_begins_gives_no_time_that_runs_back() -> None:
    captions = TALK.model_copy(update={"ends_ms": (0, 0, 0, 0, 0)})
    mention = one(said("i am buying"), captions)
    assert (mention.start_ms, mention.end_ms) == (1000, 1000)


def test_a_video_without_a_word_grounds_nothing() -> None:
    assert one(said("i am buying"), captions_of(" ")).rejected == "quote_not_in_transcript"


@settings(deadline=None)
@given(texts=segments, data=st.data())
def test_whatever_was_said_is_grounded_where_it_was_said(texts: tuple[str, ...], data: st.DataObject) -> None:
    """Any words in a row, named by the line they begin on: found, on that line, within the segments they stand in."""
    captions = captions_of(*texts)
    lines = lines_of(texts)
    assume(lines)
    line = data.draw(st.sampled_from(lines))
    behind = [word for text in texts[line.first :] for word in heard_in(text)]
    within = len([word for text in texts[line.first : line.last + 1] for word in heard_in(text)])
    assume(within and len(behind) >= MIN_QUOTE_WORDS)
    start = data.draw(st.integers(0, min(within - 1, len(behind) - MIN_QUOTE_WORDS)))
    count = data.draw(st.integers(MIN_QUOTE_WORDS, len(behind) - start))
    mention = one(said(" ".join(behind[start : start + count]), line=line.number), captions)
    assert mention.rejected is None
    assert mention.line == line.number
    assert mention.start_ms is not None
    assert mention.end_ms is not None
    assert line.first * 1000 <= mention.start_ms <= line.last * 1000
    spoken = texts[mention.start_ms // 1000 : (mention.end_ms - 900) // 1000 + 1]
    heard = " ".join(word for text in spoken for word in heard_in(text))
    assert " ".join(behind[start : start + count]) in heard


@settings(deadline=None)
@given(
    texts=segments,
    quote=st.lists(st.sampled_from(["buy", "sell", "hold", "the", "a", "palantir"]), min_size=3, max_size=6),
)
def test_what_was_never_said_in_a_row_is_never_grounded(texts: tuple[str, ...], quote: list[str]) -> None:
    words = [word for text in texts for word in heard_in(text)]
    rows = [words[start : start + len(quote)] for start in range(len(words))]
    mention = one(said(" ".join(quote), line=1), captions_of(*texts))
    # Near the line is what is no more than five lines away, and these have fewer.
    assert (mention.match == "exact") == (quote in rows)
    assert mention.match in {"exact", "fillers", None}


@settings(deadline=None)
@given(segments)
def test_every_word_stands_on_the_line_it_was_shown_on(texts: tuple[str, ...]) -> None:
    transcript = Transcript(captions_of(*texts))
    shown = [line.number for line in lines_of(texts) for _ in heard_in(line.text)]
    assert [transcript.line_at(place) for place in range(len(shown))] == shown
