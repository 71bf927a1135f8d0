"""Prompts as files: what they say is what is asked, and what is wrong in one is named."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.budget.prices import price
from streams.events.ledger import Usage
from streams.events.prompts import Prompt
from streams.prompts.files import BUNDLED, SCHEMA_VERSION, PromptFileError, read_prompt

FRONT = "---\nname: mine\nmodel: claude-haiku-5-5\nmax_tokens: 900\neffort: medium\n---\n"


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "prompt.md"
    file.write_text(text, encoding="utf-8", newline="")
    return file


def test_a_file_is_its_front_matter_and_its_words(tmp_path: Path) -> None:
    text = FRONT + "\nSay what was called.\n\n---\nNothing else: é.\n\n"
    assert read_prompt(written(tmp_path, text)) == Prompt(
        name="mine",
        model="claude-haiku-5-5",
        max_tokens=900,
        effort="medium",
        words="Say what was called.\n\n---\nNothing else: é.",
        schema_version=1,
    )


def test_a_file_may_name_the_schema_of_its_answers(tmp_path: Path) -> None:
    """What says nothing is of the first, whatever the newest is: an old file stays the prompt that it was."""
    named = FRONT.replace("effort: medium", f"effort: medium\nschema_version: {SCHEMA_VERSION}")
    assert read_prompt(written(tmp_path, named + "w")).schema_version == SCHEMA_VERSION


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(words=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1))
def test_any_words_come_back_as_they_were_written(tmp_path: Path, words: str) -> None:
    if words.strip():
        assert read_prompt(written(tmp_path, FRONT + words)).words == words.strip()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a prompt begins with ---"),
        ("Say what was called.", "a prompt begins with ---"),
        ("words first\n" + FRONT + "words", "a prompt begins with ---"),
        (FRONT, "and then its words"),
        (FRONT + "  \n", "and then its words"),
        (
            FRONT.replace("effort: medium", "temperature: 1") + "w",
            "'temperature: 1' in the front matter: name, model",
        ),
        (FRONT.replace("effort: medium", "effort") + "w", "'effort' in the front matter"),
        (FRONT.replace("effort: medium\n", "") + "w", "effort: Field required"),
        (FRONT.replace("medium", "huge") + "w", "effort: Input should be"),
        (FRONT.replace("900", "many") + "w", "max_tokens: Input should be a valid integer"),
        (FRONT.replace("900", "0") + "w", "max_tokens: Input should be greater"),
        (FRONT.replace("mine", "My Prompt") + "w", "name: String should match pattern"),
        (
            FRONT.replace("mine", "mine\nschema_version: 99") + "w",
            f"schema_version: the newest is {SCHEMA_VERSION}",
        ),
        (FRONT.replace("mine", "mine\nschema_version: 0") + "w", "schema_version: Input should be greater"),
        (FRONT.replace("900", "x").replace("mine", "X") + "w", "; max_tokens: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(PromptFileError) as wrong:
        read_prompt(written(tmp_path, text))
    assert sentence in str(wrong.value)
    assert str(wrong.value).startswith(str(tmp_path / "prompt.md"))


def test_a_file_that_is_not_there_or_no_text_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PromptFileError, match="cannot be read"):
        read_prompt(tmp_path / "none.md")
    (tmp_path / "bytes.md").write_bytes(b"---\n\xff")
    with pytest.raises(PromptFileError, match="cannot be read"):
        read_prompt(tmp_path / "bytes.md")


def test_the_bundled_prompt_can_be_asked_and_paid() -> None:
    prompt = read_prompt(BUNDLED)
    assert prompt.name == BUNDLED.stem
    assert price(prompt.model, Usage(input_tokens=1, output_tokens=1)) > 0
