from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from projections import ingest
from streams.events.envelope import Message, encode
from streams.events.event import Event, Position
from streams.events.record import Record
from streams.signals.publish_signals import PublishSignals
from tests.builders.client import Client
from tests.builders.histories import SPOILS, Log, events, expected, spoilt
from tests.builders.publishing import signals_of


async def told(handler: PublishSignals, history: Sequence[Event], offset: int) -> list[Message]:
    """The messages of the signals that a handler tells for one event."""
    position = Position(partition=0, offset=offset)
    return [encode(signal) for signal in await signals_of(handler, history[offset], position)]


@settings(deadline=None)
@given(history=events())
async def test_a_client_holds_the_current_analyses_after_every_event(history: list[Event]) -> None:
    client, handler = Client(), PublishSignals(Log(history))
    for offset in range(len(history)):
        for message in await told(handler, history, offset):
            client.apply(message.headers, message.value)
        assert (client.mentions, client.outlooks) == expected(history[: offset + 1])


@settings(deadline=None)
@given(history=events())
async def test_the_revisions_of_an_id_only_grow_and_no_event_is_told_twice(history: list[Event]) -> None:
    handler, revisions, ids = PublishSignals(Log(history)), {}, set()
    for offset, event in enumerate(history):
        for signal in await signals_of(handler, event, Position(partition=0, offset=offset)):
            assert signal.revision > revisions.get(signal.subject_id, 0)
            assert signal.event_id not in ids
            assert signal.at == event.at
            assert signal.cause != "live" or event.lane == "live", "a replay is never news"
            revisions[signal.subject_id] = signal.revision
            ids.add(signal.event_id)


@settings(deadline=None)
@given(history=events().filter(len), data=st.data())
async def test_crashes_and_rebalances_change_no_byte(history: list[Event], data: st.DataObject) -> None:
    """Two workers take the partition from each other, go back and skip; each event gives what it gave at first."""
    log = Log(history)
    reference = PublishSignals(log)
    first = [await told(reference, history, offset) for offset in range(len(history))]
    workers, client = [PublishSignals(log), PublishSignals(log, batch=1)], Client()
    deliveries = st.lists(st.tuples(st.integers(0, 1), st.integers(0, len(history) - 1), st.booleans()))
    for worker, offset, crashed in data.draw(deliveries):
        if crashed:
            workers[worker] = PublishSignals(log)
        assert await told(workers[worker], history, offset) == first[offset]
    # Whatever was told again in between, a client that has read all of it stands where it should.
    for messages in [*first, *data.draw(st.lists(st.sampled_from(first)))]:
        for message in messages:
            client.apply(message.headers, message.value)
    assert (client.mentions, client.outlooks) == expected(history)


def rejected(records: Sequence[Record]) -> set[int]:
    """The offsets of what the read model rejects."""
    return {offset for _, _, offset, *_ in ingest.prepare(records, {}).rejects}


@settings(deadline=None)
@given(history=events().filter(len), data=st.data())
async def test_what_the_read_model_rejects_counts_for_nothing(
    history: list[Event], data: st.DataObject
) -> None:
    """Whatever stands broken in between is never handled; every other event still tells what it must, whoever handles it."""
    log = Log(history)
    broken = data.draw(st.dictionaries(st.integers(0, len(history) - 1), st.sampled_from(SPOILS)))
    for offset, how in broken.items():
        log.records[offset] = spoilt(log.records[offset], how)
    assert rejected(log.records) == broken.keys()
    readable = [offset for offset in range(len(history)) if offset not in broken]
    client, handler = Client(), PublishSignals(log)
    for offset in readable:
        messages = await told(handler, history, offset)
        assert await told(PublishSignals(log), history, offset) == messages
        for message in messages:
            client.apply(message.headers, message.value)
    assert (client.mentions, client.outlooks) == expected(history[offset] for offset in readable)
