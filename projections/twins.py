"""Events' bodies read and written by msgspec, some ten times faster than by the models of the language.

The models stay the authority. A twin, made from its model, accepts only a body that the model accepts too, with the
same values; whatever else a body is, the model has to say. So a rule that no twin can hold, or an odd spelling of a
value, costs time and nothing else.
"""

import types
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import annotated_types
import msgspec
from pydantic import BaseModel

from streams.events.analyses import Amount, Conviction
from streams.events.event import Usd, Utc

_DAY = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
TIME = rf"[12][0-9]{{3}}-{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.(?!000000)[0-9]{{6}})?Z"
"""A time as the language writes it; a 29 February is left to the model, which knows the years."""

_USD = r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?"
_STEPS = frozenset(step / 20 for step in range(21))


class NoTwinError(TypeError):
    """The model has a rule that no twin can hold."""


def _text(pattern: str) -> Any:
    return Annotated[str, msgspec.Meta(pattern=rf"\A{pattern}\Z")]


# What is written down of these is already the one form that the language has for them, or the twin refuses it.
_KNOWN: list[tuple[Any, Any]] = [
    (Utc, _text(TIME)),
    (Usd, _text(_USD)),
    (Amount, _text(_USD)),
    (Conviction, Annotated[float, msgspec.Meta(ge=0, le=1)]),  # and one of the steps, see below
]
# JSON has no infinity, and msgspec writes no integer that is longer.
_BOUNDS: dict[type, dict[str, Any]] = {
    int: {"ge": -(2**63), "le": 2**63 - 1},
    float: {"ge": -1e15, "le": 1e15},
}


@cache
def twin(model: type[BaseModel]) -> type[msgspec.Struct]:
    """The struct that reads bodies of `model`. Raises NoTwinError where there can be none."""
    hints = get_type_hints(model, include_extras=True)
    fields: list[Any] = []
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        form = _form(hints[name], field.metadata)
        fields.append((name, form) if field.is_required() else (name, form, field.get_default()))
    rules = _rules(model)
    if steps := [name for name, hint in hints.items() if Conviction in {hint, *get_args(hint)}]:
        rules.append(partial(_check_steps, steps))
    return msgspec.defstruct(
        model.__name__,
        fields,
        namespace={"__post_init__": _checked_by(rules)} if rules else None,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def _rules(model: type[BaseModel]) -> list[Callable[[Any], object]]:
    """What the model checks of a finished value: the same functions look at the twin's."""
    decorators = model.__pydantic_decorators__
    validators = decorators.model_validators.values()
    if decorators.field_validators or any(each.info.mode != "after" for each in validators):
        raise NoTwinError(f"{model.__name__} has validators of its own")
    return [validator.func for validator in validators]


def _checked_by(rules: Sequence[Callable[[Any], object]]) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        for rule in rules:
            rule(value)

    return check


def _check_steps(names: Sequence[str], value: Any) -> None:
    for name in names:
        conviction = getattr(value, name)
        if conviction is not None and conviction not in _STEPS:
            raise ValueError(f"{name} is none of its steps, as the language writes them")


def _form(hint: Any, metadata: Sequence[Any] = ()) -> Any:
    """What msgspec reads where `hint` is written down. Raises NoTwinError."""
    for known, form in _KNOWN:
        if hint == known:
            return form
    if hint in _BOUNDS:
        return Annotated[hint, msgspec.Meta(**_bounds(hint, metadata))]
    args = get_args(hint)
    if get_origin(hint) in {Union, types.UnionType}:
        return Union[tuple(_form(each, metadata) for each in args)]  # noqa: UP007  a tuple of them
    if get_origin(hint) is tuple:
        items = tuple(each if each is ... else _form(each) for each in args)
        return Annotated[types.GenericAlias(tuple, items), msgspec.Meta(**_bounds(tuple, metadata))]
    return hint if hint is type(None) else _whole(hint, metadata)


def _whole(hint: Any, metadata: Sequence[Any]) -> Any:
    if metadata:
        raise NoTwinError(f"nothing is known of {metadata} of a {hint}")
    if hint in {str, bool, UUID} or get_origin(hint) is Literal:
        return hint
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return twin(hint)
    raise NoTwinError(f"nothing is known of {hint}")


def _bounds(kind: type, metadata: Sequence[Any]) -> dict[str, Any]:
    bounds = dict(_BOUNDS.get(kind, {}))
    for each in metadata:
        match each:
            case annotated_types.Ge(ge=limit):
                bounds["ge"] = limit
            case annotated_types.Gt(gt=limit):
                bounds["gt"] = limit
                bounds.pop("ge")
            case annotated_types.Le(le=limit):
                bounds["le"] = limit
            case annotated_types.MinLen(min_length=limit):
                bounds["min_length"] = limit
            case _:
                raise NoTwinError(f"nothing is known of {each}")
    return bounds
