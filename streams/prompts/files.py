"""Prompts as files: front matter, then the words."""

from pathlib import Path

from pydantic import ValidationError

from streams.errors import EarmarkError
from streams.events.prompts import Prompt

SCHEMA_VERSION = 2
"""The newest version of the answer's JSON schema: rises with a change of `answer.Answer`."""


class PromptFileError(EarmarkError):
    """A prompt file that cannot be read; the sentence says what belongs there."""


_FRONT_MATTER = ("name", "model", "max_tokens", "effort", "schema_version")


def read_prompt(path: Path) -> Prompt:
    """The prompt in a file: front matter between two lines of `---` (name, model, max_tokens, effort), then its words.

    `schema_version` may stand there, too: the version of the answer's JSON schema, 1 where a file says nothing, so that
    an old file stays the prompt that it was. Raises PromptFileError.
    """
    head, words = _split(path)
    fields: dict[str, str] = {"schema_version": "1"}
    for line in head.splitlines():
        name, colon, value = line.partition(":")
        if not colon or name.strip() not in _FRONT_MATTER:
            raise PromptFileError(
                f"{path}: {line!r} in the front matter: {', '.join(_FRONT_MATTER)} belong there"
            )
        fields[name.strip()] = value.strip()
    try:
        prompt = Prompt.model_validate({**fields, "words": words})
    except ValidationError as error:
        problems = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        raise PromptFileError(f"{path}: {problems}") from error
    if prompt.schema_version > SCHEMA_VERSION:
        raise PromptFileError(f"{path}: schema_version: the newest is {SCHEMA_VERSION}")
    return prompt


def _split(path: Path) -> tuple[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptFileError(f"{path} cannot be read: {error}") from error
    start, head, words = [*text.split("---\n", 2), "", ""][:3]
    if start or not words.strip():
        raise PromptFileError(f"{path}: a prompt begins with ---, its front matter, ---, and then its words")
    return head, words.strip()


BUNDLED = Path(__file__).parent / "extract-v2.md"
"""The prompt that comes with Earmark."""
