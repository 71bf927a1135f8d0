"""The kinds of value in the language: money, time, conviction, and what a model refuses."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from streams.events.analyses import Conviction, Mention
from streams.events.catalogue import EVENT_TYPES
from streams.events.envelope import decode, encode
from streams.events.event import Event, Usd, Utc
from streams.events.videos import VideoDiscovered
from tests.builders.examples import AT, EXAMPLES, VIDEO

USD: TypeAdapter[Decimal] = TypeAdapter(Usd)
UTC_TIME: TypeAdapter[datetime] = TypeAdapter(Utc)
CONVICTION: TypeAdapter[float] = TypeAdapter(Conviction)


@given(st.decimals(min_value=0, max_value=999_999_999, places=9))
def test_money_is_written_without_an_exponent(usd: Decimal) -> None:
    """Not every JSON reader takes 1E-9 for a number of dollars."""
    written = USD.dump_json(usd).decode().strip('"')
    assert "E" not in written.upper()
    assert Decimal(written) == usd


@pytest.mark.parametrize("usd", ["NaN", "Infinity", "0.0000000001", "1000000000"])
def test_money_that_is_none_is_refused(usd: str) -> None:
    with pytest.raises(ValidationError):
        USD.validate_python(usd)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        UTC_TIME.validate_python(AT.replace(tzinfo=None))


def test_a_time_of_another_zone_becomes_utc() -> None:
    there = datetime(2026, 11, 22, 9, 30, tzinfo=timezone(timedelta(hours=-5)))
    here = UTC_TIME.validate_python(there)
    assert here == there
    assert here.tzinfo is UTC


def test_a_time_that_utc_cannot_tell_is_refused() -> None:
    with pytest.raises(ValidationError, match="out of range"):
        UTC_TIME.validate_python(datetime.min.replace(tzinfo=timezone(timedelta(hours=5))))


STEPS = [
    0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0
]  # fmt: skip


@pytest.mark.parametrize("step", range(21))
def test_a_conviction_loses_its_float_dust(step: int) -> None:
    """7 x 0.05 is 0.35000000000000003; what is kept is 0.35."""
    assert CONVICTION.validate_python(step * 0.05) == STEPS[step]
    assert CONVICTION.validate_python(STEPS[step]) == STEPS[step]


@given(st.floats())
def test_no_other_conviction_exists(value: float) -> None:
    try:
        accepted = CONVICTION.validate_python(value)
    except ValidationError:
        return
    assert accepted in STEPS
    assert accepted == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("value", [-0.05, 0.12, 0.36, 1.05])
def test_a_conviction_between_two_steps_is_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        CONVICTION.validate_python(value)


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=EXAMPLES)
def test_a_field_that_nobody_knows_is_refused_where_an_event_is_built(event: Event) -> None:
    with pytest.raises(ValidationError, match="mood"):
        type(event).model_validate({**dict(event), "mood": "good"})


def with_unknown_fields(value: Any) -> Any:
    """`value` with one more field in every object in it, however deep."""
    if isinstance(value, dict):
        return {**{key: with_unknown_fields(inner) for key, inner in value.items()}, "mood": {"good": 1}}
    if isinstance(value, list):
        return [with_unknown_fields(inner) for inner in value]
    return value


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=EXAMPLES)
def test_fields_that_nobody_knows_are_ignored_where_an_event_is_decoded(event: Event) -> None:
    """Within a version changes are additive: an older reader takes what it knows, however deep the rest."""
    message = encode(event)
    body = TypeAdapter(Any).validate_json(message.value)
    later = TypeAdapter(Any).dump_json(with_unknown_fields(body))
    assert decode(message.headers, later) == event


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_event_cannot_be_changed(event_type: type[Event]) -> None:
    event = EXAMPLES[event_type.__name__]
    with pytest.raises(ValidationError, match="frozen"):
        event.at = AT


def test_an_unknown_field_inside_a_part_is_refused_where_it_is_built() -> None:
    with pytest.raises(ValidationError, match="mood"):
        VideoDiscovered.model_validate({"at": AT, "video": {**VIDEO.model_dump(), "mood": "good"}})


@pytest.mark.parametrize(
    "half",
    [
        {"rejected": "quote_not_in_transcript"},
        {"mention_id": None},
        {"start_ms": None},
        {"end_ms": None},
        {"mention_id": None, "start_ms": None, "end_ms": None},
    ],
)
def test_a_mention_is_grounded_or_rejected_never_half(half: dict[str, Any]) -> None:
    grounded = next(iter(EXAMPLES["AnalysisCompleted"].mentions))  # type: ignore[attr-defined]
    with pytest.raises(ValidationError, match="grounded"):
        Mention.model_validate({**grounded.model_dump(), **half})


def test_the_columns_of_a_transcript_are_of_one_length() -> None:
    captions = EXAMPLES["CaptionsExtracted"]
    with pytest.raises(ValidationError, match="one entry a segment"):
        type(captions).model_validate({**dict(captions), "starts_ms": (1,)})


def test_a_prompt_under_a_wrong_id_is_refused() -> None:
    registered = EXAMPLES["PromptRegistered"]
    with pytest.raises(ValidationError, match="not the hash"):
        type(registered).model_validate({**dict(registered), "prompt_id": "0" * 16})
