"""What the quick way takes, the language takes too and means the same by it; all else it leaves to the language."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.bodies import _by_the_language, _quickly
from projections.twins import NoTwinError, twin
from streams.events.catalogue import EVENT_TYPES
from streams.events.envelope import encode
from streams.events.event import Event
from streams.events.record import Record
from streams.log.topics import destination
from tests.builders.examples import EXAMPLES
from tests.properties.test_envelope_round_trip import models
from tests.recordings.events.goldens import FOLDER, parse

# As JSON writes them, in places where they are right, wrong, or right in another spelling.
ODD = """
    null true false 0 -0 1 -1 1.0 1e0 1E+2 1.5 0.15 0.15000000000000002 1e-7 5e-324 1e400 01 +1 .5 NaN Infinity -Infinity
    9223372036854775807 9223372036854775808 18446744073709551616 -9223372036854775809 1e30
    "" "1" "1.0" "0.50" "00.5" "-0" "-0.0" "1e3" "1_000" "0.0000000001" "9999999999" " 1 " "NaN" "true" "null" "live"
    "buy" "second" "\\u0041" "\\ud800" "\\ud83d\\ude00" "\\u0000" "a\\/b" "\\x"
    "2026-02-28T00:00:00Z" "2028-02-29T00:00:00Z" "2026-02-29T00:00:00Z" "2026-04-31T00:00:00Z" "2026-13-01T00:00:00Z"
    "2026-11-22T14:30:05.25Z" "2026-11-22T14:30:05.250000Z" "2026-11-22T14:30:05.000000Z" "2026-11-22T14:30:05.1234567Z"
    "2026-11-22T14:30:05+02:00" "2026-11-22T14:30:05+00:00" "2026-11-22t14:30:05z" "2026-11-22 14:30:05Z"
    "2026-11-22T14:30Z" "2026-11-22T24:00:00Z" "2026-11-22T23:59:60Z" "2026-11-22T14:30:05" "2026-11-22" "1763821805"
    1763821805 1763821805.5 "0001-01-01T00:00:00+14:00" "9999-12-31T23:59:59-14:00" "2026-11-22T14:30:05Z\\n"
    "5F0C1B1E-7A52-4C3E-9D66-0F6D1F3F8A02" "5f0c1b1e7a524c3e9d660f6d1f3f8a02" "{5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a02}"
    "urn:uuid:5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a02" "5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a0" "5f0c1b1e-7a52-4c3e-9d66-0f6d1f3f8a02 "
    [] {} [null] [1] ["a"] [["a"]] {"a":1}
"""
ODD_VALUES = re.findall(r'"(?:[^"\\]|\\.)*"|[^\s"][^\s]*', ODD)
MARK = "@here@"


def record(event: Event, value: bytes, headers: Any = None) -> Record:
    return Record(
        destination(event)[0].name,
        0,
        0,
        0,
        None,
        encode(event).headers if headers is None else headers,
        value,
    )


def is_taken(asked: Record) -> bool:
    """Whether the quick way takes it. What it makes of it is then what the language makes of it, to the value."""
    quick = _quickly(asked)
    if quick is None:
        return False
    slow = _by_the_language(asked)
    assert quick._replace(body=b"") == slow._replace(body=b"")
    ours, theirs = json.loads(quick.body), json.loads(slow.body)
    # The models leave some fields out where they say nothing.
    assert all(value in {None, False} for name, value in ours.items() if name not in theirs)
    assert text({name: ours.get(name) for name in theirs}) == text(theirs)
    return True


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values within a JSON value."""
    match value:
        case dict():
            return [
                each
                for name, inner in value.items()
                for each in [(*path, name), *places(inner, (*path, name))]
            ]
        case list():
            return [
                each
                for number, inner in enumerate(value)
                for each in [(*path, number), *places(inner, (*path, number))]
            ]
        case _:
            return []


@st.composite
def bodies(draw: st.DrawFn, whole: bytes) -> bytes:
    """A body like `whole`, with something odd about it."""
    value = json.loads(whole)
    path = draw(st.sampled_from(places(value)))
    parent = value
    for step in path[:-1]:
        parent = parent[step]
    change = draw(st.sampled_from(["value", "value", "missing", "extra", "twice", "spaces", "bytes"]))
    match change:
        case "value":
            parent[path[-1]] = MARK
            odd = draw(
                st.sampled_from(ODD_VALUES) | st.from_type(float).map(json.dumps) | st.integers().map(str)
            )
            return compact(value).replace(json.dumps(MARK).encode(), odd.encode())
        case "missing":
            del parent[path[-1]]
        case "extra":
            inside = parent if isinstance(parent, dict) else value
            inside[draw(st.sampled_from(["outlook", "mention", "at", "x", "version", ""]))] = draw(
                st.sampled_from([None, 1, "a", {"direction": "bullish"}])
            )
        case "twice":
            name = path[0]
            again = (
                compact(value[name]) if draw(st.booleans()) else draw(st.sampled_from(ODD_VALUES)).encode()
            )
            pair = json.dumps(name).encode() + b":" + again
            body = compact(value)
            return b"{" + pair + b"," + body[1:] if draw(st.booleans()) else body[:-1] + b"," + pair + b"}"
        case "spaces":
            return b" " + json.dumps(value, indent=1, ensure_ascii=draw(st.booleans())).encode() + b"\n"
        case _:
            body = compact(value)
            at = draw(st.integers(0, len(body)))
            odd_bytes = draw(
                st.sampled_from([b"", b"\xff", b"\xc3", b"\x00", b'"', b"\\", b"}", b"\xef\xbb\xbf"])
            )
            return body[:at] + odd_bytes + body[at + draw(st.integers(0, 2)) :]
    return compact(value)


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def test_every_type_but_the_one_with_patterns_of_its_own_has_a_twin() -> None:
    def has_twin(event_type: type[Event]) -> bool:
        try:
            return bool(twin(event_type))
        except NoTwinError:
            return False

    assert [each.__name__ for each in EVENT_TYPES if not has_twin(each)] == ["PromptRegistered"]


@pytest.mark.parametrize("name", [name for name in EXAMPLES if not name.startswith("PromptRegistered")])
def test_what_earmark_writes_is_taken_quickly(name: str) -> None:
    assert is_taken(record(EXAMPLES[name], encode(EXAMPLES[name]).value))


def test_of_what_earmark_wrote_the_quick_way_takes_what_is_only_added_to() -> None:
    """Bodies of all versions; those whose meaning has changed, and those of the one type without a twin, it leaves alone."""
    left = set()
    for path in sorted(FOLDER.glob("*.json")):
        message, event = parse(path.read_text()), EXAMPLES[re.split(r"[.-]", path.stem)[0]]
        if not is_taken(record(event, message.value, message.headers)):
            left.add(path.stem)
    assert left == {
        "CaptionsUnavailable",
        "CaptionsUnavailable.final",
        "PromptRegistered",
    }


@pytest.mark.parametrize("event_type", EVENT_TYPES)
@settings(max_examples=15, deadline=None)
@given(st.data())
def test_any_event_that_earmark_can_write_means_the_same_both_ways(
    event_type: type[Event], data: st.DataObject
) -> None:
    event = data.draw(models(event_type))
    is_taken(record(event, encode(event).value))


@pytest.mark.parametrize("name", EXAMPLES)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_odd_body_is_taken_only_if_the_language_takes_it_as_the_same(
    name: str, data: st.DataObject
) -> None:
    event = EXAMPLES[name]
    is_taken(record(event, data.draw(bodies(encode(event).value))))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_odd_headers_are_taken_only_if_the_language_takes_them_as_the_same(data: st.DataObject) -> None:
    event = EXAMPLES["AnalysisCompleted"]
    message = encode(event)
    headers: list[tuple[str, bytes | None]] = list(message.headers)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(headers) - 1))
        name, content = headers[at]
        odd = data.draw(
            st.sampled_from(
                [
                    None, b"", b"\xff", "é".encode(), b"1.0", b"0.3", b"1", b"AnalysisCompleted", b"MentionAdded",
                    b"urn:earmark:AnalysisCompleted:1", b"urn:earmark:AnalysisCompleted:3", b"urn:earmark:AttemptFailed:1",
                    b"2026-11-22T14:30:05Z", b"2026-11-22T14:30:05.5Z", b"2026-11-22T14:30:05", b"2026-11-22", b"20261122T143005Z",
                    b"2026-02-30T00:00:00Z", b"2026-11-22T24:00:00Z", b"2026-11-22T14:30:05+01:00", b"2026-W47-7T01:00:00Z",
                    b"2026-11-22T14:30:05Z\n", b"0001-01-01T00:00:00+14:00",
                ]
            )
        )  # fmt: skip
        other = data.draw(
            st.sampled_from(
                [name.upper(), "ce_data", "ce_", "ce_x-y", "ce_é", "Content-Type", "x", "ce_more"]
            )
        )
        match data.draw(st.sampled_from(["content", "content", "name", "gone", "twice", "more"])):
            case "content":
                headers[at] = (name, odd)
            case "name":
                headers[at] = (other, content)
            case "gone":
                del headers[at]
            case "twice":
                headers.append((name, odd))
            case "more":
                headers.append((other, odd))
    is_taken(record(event, message.value, headers))
