"""Which dead letters are open, and which may be handled again."""

from datetime import UTC, datetime

import pytest

from streams.errors import RefusedError
from streams.events.dead_letters import DeadLettered, DeadLetterRetried
from streams.events.envelope import encode
from streams.events.event import Event
from streams.events.record import Record
from streams.log.letters import Letters, way_of
from streams.log.topics import DEAD_LETTERS, TOPICS, Topic

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def letter(topic: str = "videos", offset: int = 7, partition: int = 0) -> DeadLettered:
    return DeadLettered.of(
        at=AT,
        topic=topic,
        partition=partition,
        offset=offset,
        key=b"k",
        value=b"v",
        headers=[],
        handler="h",
        error="ValueError: poison",
        attempt=3,
    )


def retried(number: int, offset: int) -> DeadLetterRetried:
    return DeadLetterRetried(at=AT, letter=number, partition=0, offset=offset)


def folded(*events: Event) -> Letters:
    letters = Letters()
    for offset, event in enumerate(events):
        message = encode(event)
        letters.apply(Record(DEAD_LETTERS.name, 0, offset, 0, message.key, message.headers, message.value))
    return letters


def test_a_letter_is_open_until_it_is_retried_and_one_that_is_written_twice_is_one() -> None:
    letters = folded(letter(), letter(), letter(offset=8), retried(0, 9))
    assert list(letters.by_number) == [0, 2]
    assert [one.number for one in letters.open()] == [2]


def test_a_second_retry_is_refused_and_names_the_letter_of_the_next_failure() -> None:
    letters = folded(letter(), retried(0, 9))
    with pytest.raises(RefusedError, match=r"retried at 2026-11-20 12:00 UTC, as videos\[0\]@9$"):
        letters.to_retry([0])
    letters = folded(letter(), retried(0, 9), letter(offset=9))
    with pytest.raises(RefusedError, match=r"as videos\[0\]@9, and failed again as dead letter 2$"):
        letters.to_retry([0])
    assert [one.number for one in letters.to_retry([2, 2])] == [2]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_letter_of_a_topic_where_order_is_meaning_is_never_copied(topic: Topic) -> None:
    """Where nothing handles messages there is nothing to repeat, and the ledger's order is money."""
    letters = folded(letter(topic.name))
    ways = {
        "videos": "copy",
        "captions.requests": "copy",
        "captions": "copy",
        "analyses": "in_place",
        "prompts": "in_place",
    }
    if topic.name in ways:
        [one] = letters.to_retry([0])
        assert way_of(one) == ways[topic.name]
    else:
        why = (
            "order alone says what is granted"
            if topic.name == "analysis.ledger"
            else "nothing in Earmark handles"
        )
        with pytest.raises(RefusedError, match=why):
            letters.to_retry([0])


@pytest.mark.parametrize("stranger", [letter("of.others"), letter(partition=12)], ids=["topic", "partition"])
def test_a_letter_of_a_place_that_is_not_earmarks_is_refused(stranger: DeadLettered) -> None:
    with pytest.raises(RefusedError, match="nothing in Earmark handles messages of"):
        folded(stranger).to_retry([0])


def test_a_message_without_key_and_value_is_not_retried() -> None:
    """No producer would send it."""
    empty = letter().model_copy(update={"original_key": None, "original_value": None})
    with pytest.raises(RefusedError, match="neither key nor value"):
        folded(empty).to_retry([0])


def test_a_number_that_is_no_letter_is_refused_before_anything_is_done() -> None:
    with pytest.raises(RefusedError, match="there is no dead letter 1: `earmark dead-letters list`"):
        folded(letter(), retried(7, 3)).to_retry([0, 1])


def test_what_is_no_letter_is_counted_and_costs_nothing_else() -> None:
    letters = folded(letter())
    letters.apply(Record(DEAD_LETTERS.name, 0, 1, 0, None, (), b"hello"))
    assert (letters.unreadable, list(letters.by_number)) == (1, [0])
