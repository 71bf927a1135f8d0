from typing import Any

import pytest

from streams.events.catalogue import EVENT_TYPES
from streams.events.envelope import decode, encode
from streams.events.event import Event
from streams.events.signals import SIGNALS
from tests.builders.examples import EXAMPLES, OLDER
from tests.recordings.events.goldens import (
    FOLDER,
    TODAY,
    additions,
    example_of,
    meaning,
    named,
    parse,
    path,
)

GOLDENS = sorted(file.stem for file in FOLDER.glob("*.json"))


def test_every_event_type_has_an_example() -> None:
    assert {type(event) for event in EXAMPLES.values()} == set(EVENT_TYPES)


def test_every_example_has_its_golden_file() -> None:
    missing = {*TODAY, *OLDER} - set(GOLDENS)
    assert not missing, f"{missing}: python -m tests.recordings.events"


@pytest.mark.parametrize("event_type", [one for one in EVENT_TYPES if one not in SIGNALS])
def test_every_version_of_a_type_has_its_golden_file(event_type: type[Event]) -> None:
    """Those of the signals: as they were released, tests/contract/test_promised_messages.py."""
    versions = range(1, event_type.version + 1)
    wanted = [path(named(event_type.__name__, version)) for version in versions]
    assert [file for file in wanted if not file.exists()] == []


@pytest.mark.parametrize("golden", GOLDENS)
def test_every_golden_file_is_of_an_example(golden: str) -> None:
    assert example_of(golden) in EXAMPLES


@pytest.mark.parametrize("golden", GOLDENS)
def test_a_golden_message_decodes_to_its_event(golden: str) -> None:
    """What an older Earmark wrote means today what it meant then."""
    message = parse(path(golden).read_text())
    assert decode(message.headers, message.value) == meaning(golden)


@pytest.mark.parametrize("golden", TODAY)
def test_an_event_encodes_to_its_golden_bytes(golden: str) -> None:
    """Key, headers, their order and the body are the same to the byte."""
    assert encode(TODAY[golden]) == parse(path(golden).read_text())


@pytest.mark.parametrize(
    ("old", "new", "added"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1, "b": None}, ["b"]),
        ({"a": {"b": 1}, "c": [{"d": 1}]}, {"a": {"b": 1, "e": 2}, "c": [{"d": 1, "f": 3}]}, ["e", "f"]),
    ],
)
def test_what_is_only_added_is_named(old: Any, new: Any, added: list[str]) -> None:
    assert list(additions(old, new)) == added


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": {"b": 1}}, {"a": {}}),
        ({"a": [1]}, {"a": [1, 2]}),
        ({"a": {"b": 1}}, {"a": None}),
    ],
)
def test_a_golden_file_that_would_say_otherwise_is_refused(old: Any, new: Any) -> None:
    with pytest.raises(ValueError, match="became"):
        list(additions(old, new))
