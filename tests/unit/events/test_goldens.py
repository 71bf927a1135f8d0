import pytest

from streams.events.catalogue import EVENT_TYPES
from streams.events.envelope import decode, encode
from tests.builders.examples import EXAMPLES, OLDER
from tests.recordings.events.goldens import FOLDER, parse, path


def test_every_event_type_has_an_example() -> None:
    assert {type(event) for event in EXAMPLES.values()} == set(EVENT_TYPES)


def test_every_golden_file_has_its_example() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == {*EXAMPLES, *OLDER}


@pytest.mark.parametrize("name", [*EXAMPLES, *OLDER])
def test_a_golden_message_decodes_to_its_event(name: str) -> None:
    """What an older Earmark wrote means today what it meant then."""
    golden = parse(path(name).read_text())
    assert decode(golden.headers, golden.value) == {**EXAMPLES, **OLDER}[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_event_encodes_to_its_golden_bytes(name: str) -> None:
    """Key, headers, their order and the body are the same to the byte."""
    assert encode(EXAMPLES[name]) == parse(path(name).read_text())
