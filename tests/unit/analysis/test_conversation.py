"""What Claude is asked and what counts as an answer."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.analysis.answer import Answer, InvalidAnswerError, parse_answer
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
    assert set(allowed) == {"action", "time_horizon", "direction"}
    mentions = [{**MENTION, field: value} for field in ("action", "time_horizon") for value in allowed[field]]
    for direction in allowed["direction"]:
        told = ANSWER | {
            "mentions": mentions,
            "market_outlook": {**ANSWER["market_outlook"], "direction": direction},
        }
        assert len(parse_answer(orjson.dumps(told).decode()).mentions) == len(mentions)


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
        orjson.dumps({**ANSWER, "mentions": [{**MENTION, "action": "accumulate"}]}).decode(),
        orjson.dumps({**ANSWER, "mentions": [{**MENTION, "line": "one"}]}).decode(),
        orjson.dumps({**ANSWER, "market_outlook": {"direction": 3, "reasoning": ""}}).decode(),
        orjson.dumps({**ANSWER, "mentions": [{**MENTION, "conviction": None}]}).decode(),
        orjson.dumps(ANSWER).decode().replace("0.5", "NaN"),
        orjson.dumps(ANSWER).decode() + " and more",
    ],
)
def test_what_is_not_the_shape_that_was_asked_for_is_said_so(text: str) -> None:
    with pytest.raises(InvalidAnswerError, match="the answer is not what the schema asks for"):
        parse_answer(text)


@pytest.mark.parametrize("field", Answer.model_fields)
def test_every_part_of_an_answer_must_be_there(field: str) -> None:
    told = {name: value for name, value in ANSWER.items() if name != field}
    with pytest.raises(InvalidAnswerError, match=field):
        parse_answer(orjson.dumps(told).decode())
