"""The shape that Claude's answer is asked in, and how what comes is read: each part for itself.

Only what a part says decides about it. What explains (reasoning, themes, risks, summary) is taken in any shape; what a
call rests on is null where it cannot be used, and `grounding.py` says why.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from streams.claude.answers import cut_object_in, object_in
from streams.errors import EarmarkError
from streams.events.analyses import Action, Direction, Holding, LevelKind, Speaker, TimeHorizon, Unit

_LINES_AT_MOST = 10**9
_NOTHING = {"", "none", "null", "n/a"}


class InvalidAnswerError(EarmarkError):
    """An answer that was complete and does not have the shape it was asked for."""


def _text(value: Any) -> str:
    """What explains, as one text: JSON's own words where they are no text."""
    match value:
        case None:
            return ""
        case str():
            return value
        case list() | dict():
            return "; ".join(_parts(value))
        case _:
            return json.dumps(value)


def _parts(value: Any) -> Iterator[str]:
    """What explains, as several texts, none of them empty."""
    match value:
        case list():
            texts = [_text(inner) for inner in value]
        case dict():
            texts = [f"{name}: {_text(inner)}" for name, inner in value.items()]
        case _:
            texts = [_text(value)]
    return (text for text in texts if text.strip())


def _number(value: Any) -> float | None:
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and isfinite(number) else None


def _amount(value: Any) -> Decimal | None:
    # Through its text: 0.1 is what was written, and no sum of halves.
    number = _number(value)
    return None if number is None else Decimal(str(value).strip())


def _said(value: Any) -> str | None:
    """Words that may be none, which models also say in words."""
    text = _text(value).strip()
    return None if text.casefold() in _NOTHING else text


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _line(value: Any) -> int | None:
    number = _number(value.strip(" []") if isinstance(value, str) else value)
    return None if number is None or abs(number) > _LINES_AT_MOST else int(number)


def _one_of(kind: Any, otherwise: str | None = None) -> Callable[[Any], str | None]:
    # Structured output does not promise an enum's case.
    known = {value.lower(): value for value in get_args(kind)}

    def read(value: Any) -> str | None:
        return known.get(value.strip().lower(), otherwise) if isinstance(value, str) else otherwise

    return read


def _asked_as(kind: Any) -> WithJsonSchema:
    """What is asked for, where what is read may be null besides."""
    return WithJsonSchema(TypeAdapter(kind).json_schema())


Text = Annotated[str, BeforeValidator(_text)]
Texts = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(_parts(value)))]


def _bare(schema: dict[str, Any]) -> None:
    """Keep our own words for readers of the code out of what Claude is sent (and what its cache is keyed by)."""
    schema.pop("description", None)
    for described in (schema, *schema["properties"].values()):
        described.pop("title", None)


class _Answered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra=_bare)

    @model_validator(mode="before")
    @classmethod
    def _all_there(cls, value: Any) -> Any:
        """What is not there is null: one part that is missing makes no other void."""
        if isinstance(value, cls):
            return value
        return dict.fromkeys(cls.model_fields) | (value if isinstance(value, dict) else {})


class AnsweredLevel(_Answered):
    """A number in the model's words; null where a part of it cannot be used."""

    kind: Annotated[LevelKind | None, BeforeValidator(_one_of(LevelKind)), _asked_as(LevelKind)]
    value: Annotated[Decimal | None, BeforeValidator(_amount), _asked_as(float)]
    unit: Annotated[Unit | None, BeforeValidator(_one_of(Unit)), _asked_as(Unit)]
    words: Text


class AnsweredMention(_Answered):
    """A stock call in the model's words: nothing in it is checked yet, for the API enforces no ranges."""

    symbol: Text
    said_as: Text
    action: Annotated[Action | None, BeforeValidator(_one_of(Action)), _asked_as(Action)]
    conviction: Annotated[float | None, BeforeValidator(_number), _asked_as(float)]
    time_horizon: Annotated[TimeHorizon, BeforeValidator(_one_of(TimeHorizon, "unspecified"))]
    quote: Text
    line: Annotated[int | None, BeforeValidator(_line), _asked_as(int)]
    condition: Annotated[str | None, BeforeValidator(_said)]
    levels: Annotated[
        tuple[AnsweredLevel, ...],
        BeforeValidator(lambda value: value if isinstance(value, list | tuple) else ()),
    ]
    speaker: Annotated[Speaker, BeforeValidator(_one_of(Speaker, "unknown"))]
    position: Annotated[Holding | None, BeforeValidator(_one_of(Holding)), _asked_as(Holding)]
    paid: Annotated[bool | None, BeforeValidator(_truth), _asked_as(bool)]
    expires: Annotated[str | None, BeforeValidator(_said)]


class AnsweredOutlook(_Answered):
    """The market outlook in the model's words; without a direction it is none."""

    direction: Annotated[Direction | None, BeforeValidator(_one_of(Direction)), _asked_as(Direction)]
    reasoning: Text


class Answer(_Answered):
    """Claude's whole answer. A change of its JSON schema is a new SCHEMA_VERSION; answers to older ones must be read, too."""

    market_outlook: AnsweredOutlook
    macro_themes: Texts
    key_risks: Texts
    summary: Text
    mentions: tuple[AnsweredMention, ...]


def parse_answer(text: str) -> Answer:
    """The answer in a text. Raises InvalidAnswerError."""
    found = object_in(text)
    try:
        return Answer.model_validate(found)
    except ValidationError as error:
        why = error if found else "no whole JSON object with mentions stands in it"
        raise InvalidAnswerError(f"the answer is not what the schema asks for: {why}") from error


def last_answer(texts: Sequence[str]) -> tuple[str, Answer]:
    """The last of `texts` that has an answer in it, else all of them as one, and that answer. Raises InvalidAnswerError."""
    error = InvalidAnswerError("the answer has no text")
    for text in reversed(("".join(texts), *texts)):
        try:
            return text, parse_answer(text)
        except InvalidAnswerError as invalid:
            error = invalid
    raise error


def parse_cut_answer(text: str) -> Answer | None:
    """What an answer says that breaks off in `text`: every mention in it is whole. None where it says nothing."""
    reached, whole = cut_object_in(text)
    answer = Answer.model_validate(reached | {"mentions": whole})
    return answer if whole or answer.summary or answer.market_outlook.direction else None
