"""What is sent is what the contract says, and what was sent under an older one is what that one said."""

import json

import pytest
from hypothesis import given, settings

from streams.events.envelope import Message, decode, encode
from streams.events.event import Event, Position
from streams.events.signals import SIGNALS, MentionAdded
from streams.log.topics import MENTION_SIGNALS, OUTLOOK_SIGNALS, destination
from streams.signals.publish_signals import PublishSignals
from tests.builders.examples import EXAMPLES
from tests.builders.histories import Log, events
from tests.builders.promised import PROMISED, Promised
from tests.builders.publishing import signals_of
from tests.contract.released import released, versions
from tests.recordings.events.goldens import named, parse, path

RELEASED = [
    (version, topic, name)
    for version in versions()
    for topic, channel in released(version)["channels"].items()
    for name in channel["messages"]
]


def complaints(event: Event) -> list[str]:
    message = encode(event)
    return PROMISED.complaints(destination(event)[0].name, message.key, message.headers, message.value)


def mention_added() -> MentionAdded:
    event = EXAMPLES["MentionAdded"]
    assert isinstance(event, MentionAdded)
    return event


@pytest.mark.parametrize("name", [name for name, event in EXAMPLES.items() if isinstance(event, SIGNALS)])
def test_every_golden_signal_is_as_promised(name: str) -> None:
    assert complaints(EXAMPLES[name]) == []


@pytest.mark.parametrize(("version", "topic", "name"), RELEASED)
def test_a_released_version_s_signals_stay_as_promised_and_can_be_read(
    version: int, topic: str, name: str
) -> None:
    """Those of its golden files, and today's code sends what it reads in them as today's contract has it."""
    file = path(named(name, version))
    assert file.exists(), f"git checkout HEAD -- {file}"
    message = parse(file.read_text())
    promised = Promised(released(version), closed=False)
    assert promised.complaints(topic, message.key, message.headers, message.value) == []
    assert complaints(decode(message.headers, message.value)) == []


@settings(max_examples=30, deadline=None)
@given(history=events())
async def test_the_signals_of_any_history_are_as_promised(history: list[Event]) -> None:
    handler = PublishSignals(Log(history))
    for offset, event in enumerate(history):
        for signal in await signals_of(handler, event, Position(partition=0, offset=offset)):
            assert complaints(signal) == []


@pytest.mark.parametrize("twentieths", range(21))
def test_every_conviction_is_as_promised(twentieths: int) -> None:
    """0.15 divided by 0.05 is not 3 in floats."""
    said = mention_added().mention.model_copy(update={"conviction": twentieths / 20})
    assert complaints(mention_added().model_copy(update={"mention": said})) == []


def spoilt(message: Message, what: str) -> Message:
    """A message with one thing in it that was not promised."""
    headers, body = dict(message.headers), json.loads(message.value)
    match what:
        case "a field nobody described":
            body["mention"]["mood"] = "good"
        case "a field that is missing":
            del body["mention"]["symbol"]
        case "an action there is not":
            body["mention"]["action"] = "applaud"
        case "a time without its zone":
            body["video"]["published_at"] = "2026-11-22T13:00:00"
        case "an id that is none":
            body["mention_id"] = "7"
        case "a header that is missing":
            del headers["ce_cause"]
        case "another key":
            return Message(b"T", message.headers, message.value)
    return Message(message.key, tuple(headers.items()), json.dumps(body).encode())


@pytest.mark.parametrize(
    "what",
    [
        "a field nobody described",
        "a field that is missing",
        "an action there is not",
        "a time without its zone",
        "an id that is none",
        "a header that is missing",
        "another key",
    ],
)
def test_what_was_not_promised_is_complained_of(what: str) -> None:
    message = spoilt(encode(mention_added()), what)
    found = PROMISED.complaints(MENTION_SIGNALS.name, message.key, message.headers, message.value)
    assert len(found) == 1, found


def test_a_signal_in_the_wrong_topic_is_complained_of() -> None:
    message = encode(mention_added())
    found = PROMISED.complaints(OUTLOOK_SIGNALS.name, message.key, message.headers, message.value)
    assert found == ["signals.outlooks has no 'MentionAdded'"]
