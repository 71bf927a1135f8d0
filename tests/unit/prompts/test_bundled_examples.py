"""What the bundled prompt shows as right is right: its examples ground, whole, and it says what the contract says."""

import json
import re
from typing import Any

import pytest

from streams.analysis.answer import parse_answer
from streams.analysis.grounding import ground
from streams.analysis.question import schema_file
from streams.analysis.symbols import Symbols
from streams.events import meanings
from streams.prompts.files import BUNDLED, read_prompt
from tests.builders.transcripts import captions_of

PROMPT = read_prompt(BUNDLED)
SCHEMA: dict[str, Any] = json.loads(schema_file(PROMPT.schema_version).read_bytes())
ASKED: dict[str, Any] = SCHEMA["$defs"]
EXAMPLES = re.findall(r"^(\w.*)\n((?:\[\d+\] .*\n)+)mentions: (\[.*\])$", PROMPT.words, re.MULTILINE)


def test_there_are_a_dozen_examples_and_in_some_of_them_nobody_calls() -> None:
    assert len(EXAMPLES) == PROMPT.words.count("\nmentions: ") >= 12
    assert sum(answer == "[]" for _, _, answer in EXAMPLES) >= 3


@pytest.mark.parametrize(("trap", "lines", "answer"), EXAMPLES, ids=[trap for trap, _, _ in EXAMPLES])
def test_an_example_stands_in_its_lines_word_for_word(trap: str, lines: str, answer: str) -> None:
    numbered = [line.partition("] ")[2] for line in lines.splitlines()]
    # Each line is a line by itself, however short.
    captions = captions_of(*(f"{line}{' .' * 24}" for line in numbered))
    told = json.loads(answer)
    assert all(list(one) == ASKED["AnsweredMention"]["required"] for one in told)
    answered = parse_answer(json.dumps({"mentions": told})).mentions
    for one, mention in zip(told, ground(answered, captions, Symbols()), strict=True):
        assert (mention.rejected, mention.match, mention.dropped) == (None, "exact", ()), trap
        assert (mention.line, mention.symbol, mention.conviction) == (
            one["line"],
            one["symbol"],
            one["conviction"],
        )
        assert (mention.condition, mention.expires, len(mention.levels)) == (
            one["condition"],
            one["expires"],
            len(one["levels"]),
        )
        assert mention.said_as in lines


def test_it_says_what_each_field_of_its_schema_and_each_value_is() -> None:
    names = [*ASKED["AnsweredMention"]["required"], *SCHEMA["required"]]
    assert [name for name in names if f"\n- {name}: " not in PROMPT.words and name != "mentions"] == []
    meant: dict[str, Any] = {
        "action": meanings.ACTIONS,
        "time_horizon": meanings.HORIZONS,
        "direction": meanings.DIRECTIONS,
        "kind": meanings.LEVEL_KINDS,
        "unit": meanings.UNITS,
        "speaker": meanings.SPEAKERS,
        "position": meanings.POSITIONS,
    }
    enums = {
        name: field["enum"]
        for part in ASKED.values()
        for name, field in part["properties"].items()
        if "enum" in field
    }
    assert enums.keys() == meant.keys()
    said = [meanings.listed({value: meant[name][value] for value in enums[name]}) for name in enums]
    said += [meanings.CONVICTION, meanings.CONDITION, meanings.EXPIRES, meanings.PAID]
    assert [text for text in said if text not in PROMPT.words] == []
