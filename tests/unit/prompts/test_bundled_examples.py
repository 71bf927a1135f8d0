"""What the bundled prompt shows as right is right: its examples ground, whole, and it says what the contract says."""

import json
import re

import pytest

from streams.analysis.answer import Answer, AnsweredMention, parse_answer
from streams.analysis.grounding import ground
from streams.analysis.symbols import Symbols
from streams.events import meanings
from streams.prompts.files import BUNDLED, SCHEMA_VERSION, read_prompt
from tests.builders.transcripts import captions_of

PROMPT = read_prompt(BUNDLED)
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
    assert all(list(one) == list(AnsweredMention.model_fields) for one in told)
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


def test_it_asks_for_every_field_of_the_newest_schema_and_says_what_each_value_means() -> None:
    assert PROMPT.schema_version == SCHEMA_VERSION
    asked = [*AnsweredMention.model_fields, *Answer.model_fields]
    assert [name for name in asked if f"\n- {name}: " not in PROMPT.words and name != "mentions"] == []
    said = [
        meanings.ACTIONS,
        meanings.HORIZONS,
        meanings.DIRECTIONS,
        meanings.LEVEL_KINDS,
        meanings.UNITS,
        meanings.SPEAKERS,
        meanings.POSITIONS,
    ]
    texts = [meanings.CONVICTION, meanings.CONDITION, meanings.EXPIRES, meanings.PAID]
    assert [text for text in [*map(meanings.listed, said), *texts] if text not in PROMPT.words] == []
