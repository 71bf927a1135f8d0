"""Every message that is no readable event has an error that names what is wrong with it."""

import json

import pytest

from streams.errors import EarmarkError
from streams.events.envelope import (
    BrokenBodyError,
    Message,
    NewerVersionError,
    UndecodableError,
    UnknownTypeError,
    decode,
    encode,
)
from tests.builders.examples import EXAMPLES

GOOD = encode(EXAMPLES["VideoDiscovered"])


def with_headers(**changes: bytes | None) -> Message:
    """GOOD with each named header replaced, or taken out where the new value is None."""
    headers = dict(GOOD.headers) | changes
    return Message(
        GOOD.key, tuple((name, value) for name, value in headers.items() if value is not None), GOOD.value
    )


def with_body(value: object) -> Message:
    return Message(GOOD.key, GOOD.headers, json.dumps(value).encode())


def failure(message: Message) -> UndecodableError:
    # Not pytest.raises: what it keeps and pydantic's own error, which the collector cannot see into, hold each other.
    try:
        decode(message.headers, message.value)
    except UndecodableError as error:
        return error
    pytest.fail("it was decoded")


def test_what_is_undecodable_is_an_error_of_earmark() -> None:
    assert issubclass(UndecodableError, EarmarkError)


def test_a_type_that_nobody_knows_is_named() -> None:
    error = failure(with_headers(ce_type=b"VideoForgotten"))
    assert type(error) is UnknownTypeError
    assert "VideoForgotten" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        Message(GOOD.key, (), GOOD.value),
        with_headers(ce_type=None),
        with_headers(ce_source=None),
        with_headers(ce_specversion=b"9.9"),
        with_headers(ce_time=b"last Tuesday"),
        with_headers(ce_time=b"2026-11-22T12:00:00"),
        with_headers(ce_type=b"\xff\xfe"),
    ],
    ids=["no headers", "no type", "no source", "spec version", "no time at all", "naive time", "no UTF-8"],
)
def test_what_is_no_cloud_event_says_so(message: Message) -> None:
    error = failure(message)
    assert type(error) is UnknownTypeError
    assert "not a CloudEvent" in str(error)


def test_a_header_without_a_value_is_no_header() -> None:
    """Kafka allows one; a stranger's does no harm, ours is missed."""
    assert decode([*GOOD.headers, ("trace", None)], GOOD.value) == EXAMPLES["VideoDiscovered"]
    with pytest.raises(UnknownTypeError):
        decode([("ce_type", None)], GOOD.value)


def test_a_newer_version_asks_for_an_upgrade() -> None:
    error = failure(with_headers(ce_dataschema=b"urn:earmark:VideoDiscovered:2"))
    assert type(error) is NewerVersionError
    assert "VideoDiscovered version 2" in str(error)
    assert "upgrade" in str(error)


_SCHEMA = b"urn:earmark:VideoDiscovered"


@pytest.mark.parametrize(
    "schema",
    [
        None,
        _SCHEMA,
        _SCHEMA + b":0",
        _SCHEMA + b":-1",
        _SCHEMA + b":1.0",
        _SCHEMA + ":\N{ARABIC-INDIC DIGIT ONE}".encode(),
        _SCHEMA + b":" + b"9" * 5000,
        b"urn:other:VideoDiscovered:1",
        b"urn:earmark:ChannelFollowed:1",
    ],
)
def test_a_version_that_cannot_be_read_is_a_broken_message(schema: bytes | None) -> None:
    error = failure(with_headers(ce_dataschema=schema))
    assert type(error) is BrokenBodyError
    assert "ce_dataschema" in str(error)


def test_a_message_without_a_time_is_broken() -> None:
    """The library would put the present in its place, and two readers would disagree."""
    error = failure(with_headers(ce_time=None))
    assert type(error) is BrokenBodyError
    assert "ce_time" in str(error)


def test_a_time_beyond_the_calendar_is_broken() -> None:
    assert type(failure(with_headers(ce_time=b"0001-01-01T00:00:00+05:00"))) is BrokenBodyError


@pytest.mark.parametrize("value", [None, b"", b"{", b"not JSON", b"\xff\xfe", b"NaN", b"[" * 100_000])
def test_a_body_that_is_no_json_is_broken(value: bytes | None) -> None:
    with pytest.raises(BrokenBodyError, match="VideoDiscovered"):
        decode(GOOD.headers, value)


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_a_body_that_is_no_object_is_broken(body: object) -> None:
    error = failure(with_body(body))
    assert type(error) is BrokenBodyError
    assert "where an object belongs" in str(error)


def test_a_missing_field_is_named() -> None:
    error = failure(with_body({}))
    assert type(error) is BrokenBodyError
    assert "video" in str(error)


@pytest.mark.parametrize("video", [7, "text", [], {"video_id": 7, "url": "u", "origin": "poll"}])
def test_a_field_of_a_wrong_type_is_named(video: object) -> None:
    error = failure(with_body({"video": video}))
    assert type(error) is BrokenBodyError
    assert "video" in str(error)


def test_a_value_outside_its_list_is_named() -> None:
    error = failure(with_body({"video": {"video_id": "v", "url": "u", "origin": "rumour"}}))
    assert type(error) is BrokenBodyError
    assert "origin" in str(error)
