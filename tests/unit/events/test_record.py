import pytest

from streams.events.envelope import UndecodableError, encode
from streams.events.record import Record
from tests.builders.examples import EXAMPLES


def record(headers: list[tuple[str, bytes | None]], value: bytes | None = None) -> Record:
    return Record("videos", 0, 0, 0, None, headers, value)


def test_a_record_tells_its_event_and_its_type() -> None:
    message = encode(EXAMPLES["VideoDiscovered"])
    seen = record(list(message.headers), message.value)
    assert seen.type == "VideoDiscovered"
    assert seen.event() == EXAMPLES["VideoDiscovered"]


def test_the_first_header_of_a_name_counts() -> None:
    assert record([("a", b"1"), ("a", b"2")]).header("a") == "1"
    assert record([("a", b"1")]).header("b") is None


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_header_that_is_no_text_ends_no_fold(content: bytes | None) -> None:
    """Anyone may write to a topic; whoever reads it by headers goes on."""
    odd = record([("ce_type", content)])
    assert odd.type != "VideoDiscovered"
    with pytest.raises(UndecodableError):
        odd.event()
