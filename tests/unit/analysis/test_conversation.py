"""What Claude is asked and what counts as an answer."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.analysis.answer import Answer, InvalidAnswerError, last_answer, parse_answer, parse_cut_answer
from streams.analysis.lines import WORDS_A_LINE, lines_of
from streams.analysis.question import request_of, schema_file
from streams.errors import EarmarkError
from streams.events.prompts import Prompt
from streams.events.videos import Video
from streams.prompts.files import SCHEMA_VERSION
from tests.builders.transcripts import captions_of, segments
from tests.recordings import answer_schema

PROMPT = Prompt(
    name="p", model="claude-haiku-5-5", max_tokens=4000, effort="low", words="Listen.", schema_version=1
)
MENTION: dict[str, Any] = {
    "symbol": "PLTR",
    "said_as": "palanteer",
    "action": "buy",
    "conviction": 0.5,
    "time_horizon": "days",
    "quote": "i am buying",
    "line": 1,
}
NOT_ASKED: dict[str, Any] = {
    "condition": None,
    "levels": (),
    "speaker": "unknown",
    "position": None,
    "paid": None,
    "expires": None,
}
"""What the first schema did not ask for, as it is read."""
LEVEL: dict[str, Any] = {"kind": "entry", "value": 120.5, "unit": "USD", "words": "at one twenty fifty"}
BESIDE: dict[str, Any] = {
    "condition": "if it comes back",
    "levels": [LEVEL, {**LEVEL, "kind": "stop"}],
    "speaker": "host",
    "position": "holds",
    "paid": False,
    "expires": "by Friday",
}
ANSWER: dict[str, Any] = {
    "market_outlook": {"direction": "mixed", "reasoning": "both ways"},
    "macro_themes": ["rates"],
    "key_risks": [],
    "summary": "One call.",
    "mentions": [MENTION],
}


@settings(deadline=None)
@given(segments)
def test_lines_hold_every_word_once_and_in_order(texts: tuple[str, ...]) -> None:
    lines = lines_of(texts)
    assert " ".join(line.text for line in lines).split() == " ".join(texts).split()
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


@settings(deadline=None)
@given(segments)
def test_lines_are_of_whole_segments_and_no_longer_than_they_must_be(texts: tuple[str, ...]) -> None:
    lines = lines_of(texts)
    for line in lines:
        assert line.text.split() == " ".join(texts[line.first : line.last + 1]).split()
        assert len(" ".join(texts[line.first : line.last]).split()) < WORDS_A_LINE
    for line, following in pairwise(lines):
        assert following.first == line.last + 1
        assert len(line.text.split()) >= WORDS_A_LINE
    assert not lines or lines[0].first == 0


def test_a_transcript_of_blanks_has_no_line() -> None:
    assert lines_of((" ", "\n")) == []


def test_the_transcript_is_numbered_below_what_is_known_of_the_video() -> None:
    sent = request_of(PROMPT, captions_of("one two " * 12, " ", "three"), 4000)["messages"]
    assert sent == [
        {
            "role": "user",
            "content": "Channel: Plain & Fair\nTitle: Three names\nPublished: 2026-11-20\n\n"
            f"[1] {'one two ' * 11}one two\n[2] three",
        }
    ]


def test_what_is_not_known_of_a_video_is_said_to_be_unknown() -> None:
    bare = Video(video_id="v", url="u", origin="asked")
    sent = request_of(PROMPT, captions_of("hi", video=bare), 4000)["messages"][0]["content"]
    assert sent == "Channel: unknown\nTitle: unknown\nPublished: unknown\n\n[1] hi"


def test_a_request_follows_from_prompt_and_captions_and_caches_the_words_alone() -> None:
    request = request_of(PROMPT, captions_of("hi"), 8000)
    assert request == request_of(PROMPT, captions_of("hi"), 8000)
    assert (request["model"], request["max_tokens"]) == ("claude-haiku-5-5", 8000)
    assert request["output_config"]["effort"] == "low"
    (words,) = request["system"]
    assert words["text"] == "Listen."
    assert words["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    assert "cache_control" not in orjson.dumps(request["messages"]).decode()


def test_the_schema_says_nothing_that_a_reader_of_the_code_is_told() -> None:
    """Docstrings and titles would be billed with every call, and a better docstring would be another prompt."""
    schema = orjson.dumps(
        request_of(PROMPT, captions_of("hi"), 1)["output_config"]["format"]["schema"]
    ).decode()
    assert '"description"' not in schema
    assert '"title"' not in schema
    assert schema.count('"additionalProperties":false') == 3
    assert '"enum":["buy","sell","hold","watch","avoid"]' in schema


def test_the_newest_schema_is_that_of_the_answer() -> None:
    assert answer_schema.kept() == answer_schema.generated(), answer_schema.NEXT


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_prompt_is_asked_with_its_own_schema_and_what_that_allows_is_read(version: int) -> None:
    """Also when a later one allows more or less: what was paid for is kept."""
    asked = request_of(PROMPT.model_copy(update={"schema_version": version}), captions_of("hi"), 1)
    schema = asked["output_config"]["format"]["schema"]
    assert schema == orjson.loads(schema_file(version).read_bytes())
    allowed = {
        field: values["enum"]
        for part in schema["$defs"].values()
        for field, values in part["properties"].items()
        if "enum" in values
    }
    later = {"speaker", "position", "kind", "unit"} if version > 1 else set()
    assert set(allowed) == {"action", "time_horizon", "direction", *later}
    mentions = [
        {**MENTION, field: value}
        for field in ("action", "time_horizon", "speaker", "position")
        for value in allowed.get(field, [])
    ]
    for direction in allowed["direction"]:
        told = ANSWER | {
            "mentions": mentions,
            "market_outlook": {**ANSWER["market_outlook"], "direction": direction},
        }
        answer = parse_answer(orjson.dumps(told).decode())
        assert answer.market_outlook.direction == direction
        assert [one.model_dump() for one in answer.mentions] == [{**NOT_ASKED, **one} for one in mentions]


def test_a_prompt_of_a_newer_earmark_is_not_asked_with_another_schema() -> None:
    newer = PROMPT.model_copy(update={"schema_version": SCHEMA_VERSION + 1})
    with pytest.raises(EarmarkError, match=f"the newest here is {SCHEMA_VERSION}: upgrade Earmark"):
        request_of(newer, captions_of("hi"), 1)


def test_an_answer_is_read_whatever_the_case_of_its_enums_and_whatever_else_it_says() -> None:
    told = {
        **ANSWER,
        "market_outlook": {"direction": " Bullish", "reasoning": "", "mood": 1},
        "mentions": [{**MENTION, "action": "BUY ", "time_horizon": "Months", "price": 3}],
        "more": None,
    }
    answer = parse_answer(orjson.dumps(told).decode())
    assert answer.market_outlook.direction == "bullish"
    assert (answer.mentions[0].action, answer.mentions[0].time_horizon) == ("buy", "months")
    assert answer.macro_themes == ("rates",)


@settings(deadline=None)
@given(st.floats(-1e9, 1e9))
def test_a_conviction_out_of_range_is_no_broken_answer(conviction: float) -> None:
    """The API holds no ranges: what was paid for is kept, and the number is put right where it is grounded."""
    told = {**ANSWER, "mentions": [{**MENTION, "conviction": conviction}]}
    assert parse_answer(orjson.dumps(told).decode()).mentions[0].conviction == conviction


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "I found no calls.",
        "[]",
        "null",
        orjson.dumps({**ANSWER, "mentions": None}).decode(),
        orjson.dumps({**ANSWER, "mentions": {"1": MENTION}}).decode(),
        orjson.dumps({name: ANSWER[name] for name in ANSWER if name != "mentions"}).decode(),
        orjson.dumps(ANSWER).decode()[:-1],
        '{"a":' * 100_000,
    ],
)
def test_what_is_not_the_shape_that_was_asked_for_is_said_so(text: str) -> None:
    with pytest.raises(InvalidAnswerError, match="the answer is not what the schema asks for"):
        parse_answer(text)


def test_only_the_mentions_must_be_there() -> None:
    answer = parse_answer('{"mentions": []}')
    assert answer.market_outlook.direction is None
    assert (answer.summary, answer.macro_themes, answer.key_risks, answer.mentions) == ("", (), (), ())


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        ({"action": "accumulate"}, {"action": None}),
        ({"action": 3}, {"action": None}),
        ({"conviction": "high"}, {"conviction": None}),
        ({"conviction": None}, {"conviction": None}),
        ({"conviction": True}, {"conviction": None}),
        ({"conviction": "0.8"}, {"conviction": 0.8}),
        ({"time_horizon": "soon"}, {"time_horizon": "unspecified"}),
        ({"line": "[12]"}, {"line": 12}),
        ({"line": 12.0}, {"line": 12}),
        ({"line": "one"}, {"line": None}),
        ({"line": 10**15}, {"line": None}),
        ({"quote": None}, {"quote": ""}),
        ({"symbol": ["PLTR"]}, {"symbol": "PLTR"}),
    ],
)
def test_a_part_of_a_mention_that_cannot_be_used_is_null_and_the_others_stand(
    changed: dict[str, Any], read: dict[str, Any]
) -> None:
    told = {**ANSWER, "mentions": [MENTION, {**MENTION, **changed}, "PLTR"]}
    one, other, nothing = parse_answer(orjson.dumps(told).decode()).mentions
    assert one.model_dump() == {**NOT_ASKED, **MENTION}
    assert other.model_dump() == {**NOT_ASKED, **MENTION, **read}
    assert (nothing.symbol, nothing.quote) == ("", "")


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        ({}, {}),
        ({"condition": " "}, {"condition": None}),
        ({"condition": "None", "expires": "null"}, {"condition": None, "expires": None}),
        ({"condition": ["if", "it"]}, {"condition": "if; it"}),
        ({"speaker": "HOST"}, {"speaker": "host"}),
        ({"speaker": "my cat"}, {"speaker": "unknown"}),
        ({"speaker": None}, {"speaker": "unknown"}),
        ({"position": "long"}, {"position": None}),
        ({"paid": "True"}, {"paid": True}),
        ({"paid": "perhaps"}, {"paid": None}),
        ({"paid": 1}, {"paid": None}),
        ({"levels": None}, {"levels": ()}),
        ({"levels": {"kind": "entry"}}, {"levels": ()}),
    ],
)
def test_what_stands_beside_a_call_and_cannot_be_used_costs_nothing_else(
    changed: dict[str, Any], read: dict[str, Any]
) -> None:
    told = {**ANSWER, "mentions": [{**MENTION, **BESIDE, **changed}]}
    (one,) = parse_answer(orjson.dumps(told).decode()).mentions
    whole = {**MENTION, **BESIDE, "levels": tuple(BESIDE["levels"])}
    assert one.model_dump() == {**whole, **read}


@pytest.mark.parametrize(
    ("changed", "read"),
    [
        ({"kind": "Target", "unit": "usd"}, {"kind": "target", "unit": "USD"}),
        ({"kind": "resistance"}, {"kind": None}),
        ({"unit": "GBP"}, {"unit": None}),
        ({"value": "120.50"}, {"value": Decimal("120.50")}),
        ({"value": "around 120"}, {"value": None}),
        ({"value": True}, {"value": None}),
        ({"value": 0.1}, {"value": Decimal("0.1")}),
        ({"words": None}, {"words": ""}),
    ],
)
def test_a_part_of_a_level_that_cannot_be_used_is_null(changed: dict[str, Any], read: dict[str, Any]) -> None:
    told = {**ANSWER, "mentions": [{**MENTION, "levels": [LEVEL, {**LEVEL, **changed}, 120]}]}
    one, other, nothing = parse_answer(orjson.dumps(told).decode()).mentions[0].levels
    assert one.model_dump() == {**LEVEL, "value": Decimal("120.5")}
    assert other.model_dump() == {**LEVEL, "value": Decimal("120.5"), **read}
    assert nothing.model_dump() == {"kind": None, "value": None, "unit": None, "words": ""}


def test_a_conviction_that_is_no_number_of_json_is_none() -> None:
    told = orjson.dumps(ANSWER).decode().replace("0.5", "NaN")
    assert parse_answer(told).mentions[0].conviction is None


@pytest.mark.parametrize(
    ("told", "themes", "summary"),
    [
        (None, (), ""),
        ("rates", ("rates",), "rates"),
        (["rates", None, " ", 3], ("rates", "3"), "rates; 3"),
        ({"rates": "fall", "war": None}, ("rates: fall", "war: "), "rates: fall; war: "),
        ([{"theme": "rates"}], ("theme: rates",), "theme: rates"),
        (True, ("true",), "true"),
    ],
)
def test_what_explains_is_read_in_any_shape(told: Any, themes: tuple[str, ...], summary: str) -> None:
    shaped = {**ANSWER, "macro_themes": told, "key_risks": told, "summary": told}
    shaped["market_outlook"] = {"direction": "mixed", "reasoning": told}
    answer = parse_answer(orjson.dumps(shaped).decode())
    assert answer.macro_themes == answer.key_risks == themes
    assert answer.summary == answer.market_outlook.reasoning == summary


@pytest.mark.parametrize("wrapped", ["{}", "```json\n{}\n```", "Here {{it}} is:\n{} Is {{that}} all?"])
def test_an_answer_is_found_in_what_is_wrapped_round_it(wrapped: str) -> None:
    assert parse_answer(wrapped.format(orjson.dumps(ANSWER).decode())) == Answer.model_validate(ANSWER)


def test_of_several_texts_the_last_with_an_answer_counts_and_then_all_of_them_as_one() -> None:
    first, second = (orjson.dumps({**ANSWER, "summary": name}).decode() for name in ("one", "two"))
    assert last_answer([first, second, '{"note": "done"}'])[0] == second
    assert last_answer([first[:40], first[40:]])[1].summary == "one"
    with pytest.raises(InvalidAnswerError):
        last_answer(["no", "no"])


WHOLE = orjson.dumps(
    {**ANSWER, "mentions": [{**MENTION, "quote": f"a }} brace {n}"} for n in range(3)]}
).decode()
_BESIDE_LAST = {**MENTION, **BESIDE, "levels": [LEVEL, {**LEVEL, "words": "at }] two"}]}
_LEVELS_LAST = {
    **{name: value for name, value in _BESIDE_LAST.items() if name != "levels"},
    "levels": [LEVEL],
}


@pytest.mark.parametrize("cut", range(len(WHOLE)))
def test_wherever_an_answer_is_cut_its_whole_mentions_are_kept_and_no_half_of_one(cut: int) -> None:
    answer = parse_cut_answer(WHOLE[:cut])
    whole = Answer.model_validate(orjson.loads(WHOLE))
    ended = WHOLE[:cut].partition('"mentions":')[2].count('"line":1}')
    mentions = () if answer is None else answer.mentions
    assert mentions == whole.mentions[:ended]
    if answer is not None:
        assert answer.market_outlook.direction in {None, "mixed"}
        assert answer.summary in {"", "One call."}


@pytest.mark.parametrize("told", [_BESIDE_LAST, _LEVELS_LAST])
def test_wherever_an_answer_with_levels_is_cut_no_mention_lacks_one(told: dict[str, Any]) -> None:
    text = orjson.dumps({**ANSWER, "mentions": [told, told]}).decode()
    whole = parse_answer(text).mentions
    one = orjson.dumps(told).decode()
    first = text.index(one) + len(one)
    ends = [first, first + 1 + len(one)]
    for cut in range(len(text)):
        answer = parse_cut_answer(text[:cut])
        mentions = () if answer is None else answer.mentions
        assert mentions == whole[: sum(end <= cut for end in ends)]


def test_a_cut_text_that_says_nothing_is_no_answer() -> None:
    assert [parse_cut_answer(text) for text in ("", "I would", "{", '{"a": 1', "[{", '{"a":' * 100_000)] == [
        None
    ] * 6


def test_an_answer_that_ends_as_its_mentions_begin_has_none() -> None:
    """The last brace there is closed something else, in which a list is open, too."""
    answer = parse_cut_answer('{"market_outlook": [null, {}], "summary": "So.", "mentions": [')
    assert answer is not None
    assert (answer.summary, answer.mentions) == ("So.", ())


def test_half_a_surrogate_pair_or_a_raw_line_break_costs_no_cut_answer_its_mentions() -> None:
    told = (
        orjson.dumps(ANSWER)
        .decode()[:-2]
        .replace("i am buying", "i\nam \\ud83d\\ude80 \\ud83d \\\\ud83d buying")
    )
    answer = parse_cut_answer(told)
    assert answer is not None
    assert answer.mentions[0].quote == "i am \U0001f680 \ufffd \\ud83d buying"
