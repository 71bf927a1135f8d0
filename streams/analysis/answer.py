"""The shape that Claude's answer must have."""

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from streams.errors import EarmarkError
from streams.events.analyses import Action, Direction, TimeHorizon


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
    """Claude's whole answer. A change of its JSON schema is a new SCHEMA_VERSION; answers to older ones must be read, too."""

    market_outlook: AnsweredOutlook
    macro_themes: tuple[str, ...]
    key_risks: tuple[str, ...]
    summary: str
    mentions: tuple[AnsweredMention, ...]


def parse_answer(text: str) -> Answer:
    """The answer in the model's text. Raises InvalidAnswerError."""
    try:
        return Answer.model_validate(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise InvalidAnswerError(f"the answer is not what the schema asks for: {error}") from error
