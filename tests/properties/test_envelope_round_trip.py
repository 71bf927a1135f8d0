"""The envelope keeps every event whole; the strategies are read off the models themselves."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, timedelta, timezone
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pytest
from annotated_types import Ge, Gt, Le, MinLen, MultipleOf
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

from streams.events.analyses import Mention
from streams.events.captions import CaptionsExtracted
from streams.events.catalogue import EVENT_TYPES
from streams.events.envelope import UndecodableError, decode, encode
from streams.events.event import Event
from streams.events.prompts import Prompt, PromptRegistered

EXAMPLES_A_TYPE = settings(max_examples=20, deadline=None)

Rules = Mapping[type[Any], Any]
"""A field's rules by their kind: Ge, MinLen, …"""


def values(annotation: Any, rules: Rules = {}) -> st.SearchStrategy[Any]:  # noqa: B006  never changed
    """What a field of that annotation can hold."""
    kind = get_origin(annotation) or annotation
    return KINDS.get(kind, lambda _, __: models(annotation))(get_args(annotation), rules)


def _annotated(args: tuple[Any, ...], rules: Rules) -> st.SearchStrategy[Any]:
    bare, *more = args
    return values(bare, rules_of(part for rule in more for part in getattr(rule, "metadata", [rule])) | rules)


def rules_of(metadata: Iterable[Any]) -> dict[type[Any], Any]:
    return {re.Pattern if hasattr(rule, "pattern") else type(rule): rule for rule in metadata}


def _either(args: tuple[Any, ...], rules: Rules) -> st.SearchStrategy[Any]:
    return st.one_of([values(option, rules) for option in args])


def _tuple(args: tuple[Any, ...], rules: Rules) -> st.SearchStrategy[Any]:
    if args[-1] is not Ellipsis:
        return st.tuples(*map(values, args))
    least = rules[MinLen].min_length if MinLen in rules else 0
    return st.lists(values(args[0]), min_size=least, max_size=3).map(tuple)


def _str(_: tuple[Any, ...], rules: Rules) -> st.SearchStrategy[str]:
    if re.Pattern in rules:
        return st.from_regex(rules[re.Pattern].pattern, fullmatch=True).map(str.strip)
    return st.text(min_size=rules[MinLen].min_length if MinLen in rules else 0, max_size=8)


def _float(_: tuple[Any, ...], rules: Rules) -> st.SearchStrategy[float]:
    if MultipleOf in rules:
        return st.integers(0, 20).map(lambda steps: steps / 20)
    return st.floats(rules[Gt].gt, rules[Le].le, exclude_min=True)


KINDS: Mapping[Any, Callable[[tuple[Any, ...], Rules], st.SearchStrategy[Any]]] = {
    Annotated: _annotated,
    Union: _either,
    UnionType: _either,
    tuple: _tuple,
    Literal: lambda args, _: st.sampled_from(args),
    str: _str,
    float: _float,
    int: lambda _, rules: st.integers(min_value=rules[Ge].ge if Ge in rules else None),
    NoneType: lambda _, __: st.none(),
    bool: lambda _, __: st.booleans(),
    UUID: lambda _, __: st.uuids(),
    Decimal: lambda _, __: st.decimals(min_value=0, max_value=999_999_999, places=9),
    AwareDatetime: lambda _, __: st.datetimes(
        timezones=st.sampled_from(
            [UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))]
        )
    ).filter(lambda moment: 1 < moment.year < 9999),
}


def fields(model: type[BaseModel]) -> dict[str, st.SearchStrategy[Any]]:
    return {
        name: values(field.annotation, rules_of(field.metadata)) for name, field in model.model_fields.items()
    }


@cache
def models(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any value of `model`, its own rules obeyed."""
    if model is Mention:
        grounded = fields(Mention) | {
            "mention_id": st.uuids(),
            "start_ms": st.integers(),
            "end_ms": st.integers(),
        }
        for name in ("action", "conviction", "line"):
            grounded[name] = grounded[name].filter(lambda value: value is not None)
        rejected = fields(Mention) | dict.fromkeys(("mention_id", "start_ms", "end_ms"), st.none())
        reasons = values(Mention.model_fields["rejected"].annotation).filter(bool)
        return st.builds(Mention, **grounded | {"rejected": st.none()}) | st.builds(
            Mention, **rejected | {"rejected": reasons}
        )
    if issubclass(model, CaptionsExtracted):
        columns = st.lists(
            st.tuples(st.text(max_size=12), st.integers(), st.integers()), min_size=1, max_size=5
        )
        others = fields(model)
        for column in ("texts", "starts_ms", "ends_ms"):
            del others[column]
        return st.builds(
            lambda segments, **rest: model(
                **dict(zip(("texts", "starts_ms", "ends_ms"), zip(*segments, strict=True), strict=True)),
                **rest,
            ),
            columns,
            **others,
        )
    if model is PromptRegistered:
        return st.builds(
            lambda at, prompt: PromptRegistered(at=at, prompt_id=prompt.prompt_id, prompt=prompt),
            values(AwareDatetime),
            models(Prompt),
        )
    return st.builds(model, **fields(model))


a_type = pytest.mark.parametrize("event_type", EVENT_TYPES, ids=lambda event_type: event_type.__name__)


@a_type
@EXAMPLES_A_TYPE
@given(data=st.data())
def test_what_is_encoded_decodes_to_itself(event_type: type[Event], data: st.DataObject) -> None:
    event = data.draw(models(event_type))
    message = encode(event)
    assert decode(message.headers, message.value) == event


@a_type
@EXAMPLES_A_TYPE
@given(data=st.data())
def test_the_same_event_gives_the_same_bytes(event_type: type[Event], data: st.DataObject) -> None:
    """Also when it was decoded in between: a redelivery repeats what was sent."""
    event = data.draw(models(event_type))
    message = encode(event)
    assert encode(event.model_copy(deep=True)) == message
    assert encode(decode(message.headers, message.value)) == message


@a_type
@EXAMPLES_A_TYPE
@given(data=st.data())
def test_the_cloudevents_package_reads_what_we_write(event_type: type[Event], data: st.DataObject) -> None:
    """Any CloudEvents client finds id, type, time, subject and JSON data where the Kafka binding has them."""
    event = data.draw(models(event_type))
    message = encode(event)
    theirs = from_binary_event(KafkaMessage(dict(message.headers), message.key, message.value))
    assert theirs.get_id() == str(event.event_id)
    assert theirs.get_source() == "urn:earmark"
    assert theirs.get_type() == event_type.__name__
    assert theirs.get_time() == event.at
    assert theirs.get_specversion() == "1.0"
    assert theirs.get_dataschema() == f"urn:earmark:{event_type.__name__}:{event_type.version}"
    assert theirs.get_subject() == (event.key or event_type.__name__)
    assert theirs.get_extension("partitionkey") == event.key
    assert theirs.get_data() == json.loads(message.value)
    for name, value in event.extensions.items():
        assert theirs.get_extension(name) == value


@a_type
@EXAMPLES_A_TYPE
@given(data=st.data())
def test_the_body_never_tells_the_time_of_the_event(event_type: type[Event], data: st.DataObject) -> None:
    """`at` travels as ce_time only: one truth."""
    assert "at" not in json.loads(encode(data.draw(models(event_type))).value)


_HEADER_NAMES = st.sampled_from(
    [
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_specversion",
        "ce_time",
        "ce_subject",
        "ce_dataschema",
        "content-type",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_message_that_is_no_event_raises_nothing_but_undecodable(data: st.DataObject) -> None:
    """Whatever a stranger does to a message: the reader's one error is the one its caller knows."""
    message = encode(data.draw(st.sampled_from(EVENT_TYPES).flatmap(models)))
    headers = dict(message.headers) | data.draw(
        st.dictionaries(_HEADER_NAMES, st.binary() | st.text().map(str.encode))
    )
    for name in data.draw(st.sets(_HEADER_NAMES, max_size=2)):
        headers.pop(name, None)
    body = (
        st.binary() | _JSON.map(lambda value: json.dumps(value).encode()) | st.just(message.value) | st.none()
    )
    try:
        event = decode(headers.items(), data.draw(body))
    except UndecodableError:
        return
    assert isinstance(event, Event)
