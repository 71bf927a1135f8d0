"""What Claude is asked, and the shape its answer must have. All of it follows from the prompt and the captions."""

from functools import cache
from typing import Any

import orjson
from anthropic import transform_schema
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from streams.errors import EarmarkError
from streams.events.analyses import Action, Direction, TimeHorizon
from streams.events.captions import CaptionsExtracted
from streams.events.prompts import Prompt
from streams.events.videos import Video

LINES_VERSION = 1
WORDS_A_LINE = 24


class InvalidAnswerError(EarmarkError):
    """An answer that was complete and does not have the shape it was asked for."""


def _bare(schema: dict[str, Any]) -> None:
    """Keep our own words for readers of the code out of what Claude is sent (and what its cache is keyed by)."""
    schema.pop("description", None)
    for described in (schema, *schema["properties"].values()):
        described.pop("title", None)


class _Answered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra=_bare)

    @field_validator("action", "time_horizon", "direction", mode="before", check_fields=False)
    @classmethod
    def _any_case(cls, value: object) -> object:
        # Structured output does not promise an enum's case.
        return value.strip().lower() if isinstance(value, str) else value


class AnsweredMention(_Answered):
    """A stock call in the model's words: nothing in it is checked yet, for the API enforces no ranges."""

    symbol: str
    said_as: str
    action: Action
    conviction: float
    time_horizon: TimeHorizon
    quote: str
    line: int


class AnsweredOutlook(_Answered):
    """The market outlook in the model's words."""

    direction: Direction
    reasoning: str


class Answer(_Answered):
    """Claude's whole answer. Its JSON schema goes with the request, so a change of it is a new SCHEMA_VERSION."""

    market_outlook: AnsweredOutlook
    macro_themes: tuple[str, ...]
    key_risks: tuple[str, ...]
    summary: str
    mentions: tuple[AnsweredMention, ...]


class Line(BaseModel):
    """A numbered line of the transcript: segments `first` to `last` (inclusive) of the captions."""

    model_config = ConfigDict(frozen=True)

    number: int
    text: str
    first: int
    last: int


def lines_of(texts: tuple[str, ...]) -> list[Line]:
    """The transcript as numbered lines from 1, each of whole segments up to about WORDS_A_LINE words.

    Short lines let a quote be found near the number the model names; too short ones cost tokens for numbers.
    """
    lines: list[Line] = []
    start, words = 0, 0
    for index, text in enumerate(texts):
        words += len(text.split())
        if words >= WORDS_A_LINE or index == len(texts) - 1:
            joined = " ".join(" ".join(texts[start : index + 1]).split())
            if joined:
                lines.append(Line(number=len(lines) + 1, text=joined, first=start, last=index))
            start, words = index + 1, 0
    return lines


@cache
def _schema() -> dict[str, Any]:
    # The same for every request, and milliseconds to make.
    return transform_schema(Answer)


def request_of(prompt: Prompt, captions: CaptionsExtracted, max_tokens: int) -> dict[str, Any]:
    """The arguments of `messages.create` for these captions under this prompt."""
    return {
        "model": prompt.model,
        "max_tokens": max_tokens,
        "system": [
            {"type": "text", "text": prompt.words, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
        ],
        "messages": [{"role": "user", "content": _transcript(captions.video, captions.texts)}],
        "output_config": {
            "format": {"type": "json_schema", "schema": _schema()},
            "effort": prompt.effort,
        },
    }


def _transcript(video: Video, texts: tuple[str, ...]) -> str:
    about = [
        f"Channel: {video.channel_title or 'unknown'}",
        f"Title: {video.title or 'unknown'}",
        f"Published: {video.published_at.date().isoformat() if video.published_at else 'unknown'}",
    ]
    numbered = [f"[{line.number}] {line.text}" for line in lines_of(texts)]
    return "\n".join([*about, "", *numbered])


def parse_answer(text: str) -> Answer:
    """The answer in the model's text. Raises InvalidAnswerError."""
    try:
        return Answer.model_validate(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise InvalidAnswerError(f"the answer is not what the schema asks for: {error}") from error
