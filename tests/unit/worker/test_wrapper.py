"""What becomes of an event that cannot be handled, and of one that can."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NoReturn

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, RecordListTooLargeError
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import TransientError
from streams.events.captions import CaptionsUnavailable
from streams.events.dead_letters import DeadLettered
from streams.events.envelope import BrokenBodyError, NewerVersionError, UnknownTypeError, encode
from streams.events.event import Event, Position
from streams.events.prompts import PromptActivated
from streams.events.record import Record
from streams.events.videos import Video, VideoDiscovered
from streams.log.topics import VIDEOS
from streams.worker.wrapper import (
    DEAD_LETTERS_IN_A_ROW,
    TRIES,
    Agent,
    Batches,
    DeadLetter,
    ExitCode,
    Handler,
    HandlerTimeoutError,
    Retry,
    Stop,
    Wrapper,
    after_failure,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DISCOVERED = VideoDiscovered(at=NOW, video=Video(video_id="v1", url="https://y.test/v1", origin="poll"))
UNAVAILABLE = CaptionsUnavailable(
    at=NOW,
    video=DISCOVERED.video,
    revision=1,
    attempt=1,
    tries=1,
    reason="none",
    failure="permanent",
    starts_at=None,
    next_try_at=None,
)

UNREADABLE = [UnknownTypeError("?"), NewerVersionError("?"), BrokenBodyError("?")]
AWAY = [TransientError("away"), KafkaConnectionError("away")]
TOO_LARGE = [MessageSizeTooLargeError("9 MB"), RecordListTooLargeError("9 MB")]
POISON = [ValueError("poison"), HandlerTimeoutError("slow"), TimeoutError()]


class StoppedError(BaseException):
    """Stands for the end of the process."""

    def __init__(self, stop: Stop) -> None:
        super().__init__(stop)
        self.stop = stop


def stopped(stop: Stop) -> NoReturn:
    raise StoppedError(stop)


def record_of(event: Event, offset: int = 7) -> Record:
    message = encode(event)
    return Record("videos", 3, offset, 0, message.key, message.headers, message.value)


class World:
    """A log that is a list, a sleep that is instant, a process whose end is an exception."""

    def __init__(self, handle: Handler) -> None:
        self.log: list[Event] = []
        self.slept: list[float] = []
        self.append_errors: list[Exception] = []
        agent = Agent("caption_videos", (VIDEOS,), handle, 0.05, (VideoDiscovered,))
        self.wrapper = Wrapper(agent, self.append_all, lambda: NOW, stop=stopped, sleep=self.sleep)

    async def append_all(self, events: Iterable[Event]) -> None:
        if self.append_errors:
            raise self.append_errors.pop(0)
        self.log.extend(events)

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)

    async def stops(self, record: Record) -> ExitCode:
        with pytest.raises(StoppedError) as caught:
            await self.wrapper.run(record)
        return caught.value.stop.code


def raising(*errors: Exception) -> Handler:
    """A handler that raises these in turn and then answers."""
    left = list(errors)

    async def handle(_event: Event, _position: Position) -> Sequence[Event]:
        if left:
            raise left.pop(0)
        return [UNAVAILABLE]

    return handle


@pytest.mark.parametrize("error", UNREADABLE, ids=repr)
def test_what_cannot_be_read_is_dead_lettered_at_once(error: Exception) -> None:
    assert after_failure(error, 1, DEAD_LETTERS_IN_A_ROW) == DeadLetter(counts=False)


@pytest.mark.parametrize("error", AWAY + POISON, ids=repr)
def test_every_failure_of_a_handler_is_tried_again_first(error: Exception) -> None:
    delays = [after_failure(error, attempt, 0) for attempt in range(1, TRIES)]
    assert all(isinstance(delay, Retry) and delay.delay_s > 0 for delay in delays)


@pytest.mark.parametrize("error", TOO_LARGE, ids=repr)
def test_what_the_log_finds_too_large_is_not_made_three_times(error: Exception) -> None:
    assert after_failure(error, 1, 0) == DeadLetter(counts=True)


@pytest.mark.parametrize("error", AWAY, ids=repr)
def test_what_is_not_the_events_fault_is_never_dead_lettered(error: Exception) -> None:
    todo = after_failure(error, TRIES, 0)
    assert isinstance(todo, Stop)
    assert todo.code is ExitCode.TRY_LATER


@pytest.mark.parametrize("error", POISON + TOO_LARGE, ids=repr)
def test_poison_is_dead_lettered_until_too_many_come_in_a_row(error: Exception) -> None:
    outcomes = [after_failure(error, TRIES, streak) for streak in range(DEAD_LETTERS_IN_A_ROW)]
    assert outcomes[:-1] == [DeadLetter(counts=True)] * (DEAD_LETTERS_IN_A_ROW - 1)
    assert isinstance(outcomes[-1], Stop)
    assert outcomes[-1].code is ExitCode.POISONED


async def test_the_result_is_in_the_log_before_the_event_may_be_committed() -> None:
    world = World(raising())
    await world.wrapper.run(record_of(DISCOVERED))
    assert world.log == [UNAVAILABLE]


async def test_the_handler_is_told_where_the_event_stands() -> None:
    places = []

    async def handle(_event: Event, position: Position) -> Sequence[Event]:
        places.append(position)
        return []

    await World(handle).wrapper.run(record_of(DISCOVERED))
    assert places == [Position(partition=3, offset=7)]


async def test_an_event_of_another_type_is_passed_over() -> None:
    world = World(raising(ValueError("never asked")))
    await world.wrapper.run(record_of(PromptActivated(at=NOW, prompt_id="p", previous=None)))
    assert world.log == []
    assert world.slept == []


async def test_a_failed_send_repeats_the_same_event() -> None:
    world = World(raising())
    world.append_errors = [KafkaConnectionError("away")]
    await world.wrapper.run(record_of(DISCOVERED))
    assert world.log == [UNAVAILABLE]
    assert len(world.slept) == 1


async def test_a_dead_letter_keeps_key_headers_and_bytes() -> None:
    world = World(raising())
    record = Record(
        "videos", 3, 7, 0, b"\xff\x00", [("ce_type", b"\xfe"), ("ce_type", b"2"), ("", b"")], b"\x80\x81"
    )
    await world.wrapper.run(record)
    [letter] = world.log
    assert isinstance(letter, DeadLettered)
    assert (letter.topic, letter.partition, letter.offset) == ("videos", 3, 7)
    assert (letter.key_bytes, letter.value_bytes) == (record.key, record.value)
    assert letter.header_bytes == list(record.headers)
    assert (letter.handler, letter.attempt, letter.at) == ("caption_videos", 1, NOW)


async def test_a_hung_handler_is_dead_lettered_for_its_time_limit() -> None:
    async def handle(_event: Event, _position: Position) -> Sequence[Event]:
        await asyncio.sleep(3600)
        return []

    world = World(handle)
    await world.wrapper.run(record_of(DISCOVERED))
    [letter] = world.log
    assert isinstance(letter, DeadLettered)
    assert letter.attempt == TRIES
    assert letter.error == "HandlerTimeoutError: caption_videos took longer than 0.05 s"


async def test_a_dead_letter_that_is_not_taken_ends_the_process() -> None:
    world = World(raising(*[ValueError("poison")] * TRIES))
    world.append_errors = [KafkaConnectionError("away")]
    assert await world.stops(record_of(DISCOVERED)) is ExitCode.DEAD_LETTER_UNSENT


async def test_a_broker_that_stays_away_ends_the_process() -> None:
    world = World(raising())
    world.append_errors = [KafkaConnectionError("away")] * TRIES
    assert await world.stops(record_of(DISCOVERED)) is ExitCode.TRY_LATER
    assert world.log == []


async def test_too_many_dead_letters_in_a_row_end_the_process_before_the_last_is_sent() -> None:
    world = World(raising(*[ValueError("poison")] * 100))
    for offset in range(DEAD_LETTERS_IN_A_ROW - 1):
        await world.wrapper.run(record_of(DISCOVERED, offset))
    assert await world.stops(record_of(DISCOVERED, 99)) is ExitCode.POISONED
    assert len(world.log) == DEAD_LETTERS_IN_A_ROW - 1


async def test_a_success_begins_the_count_anew_and_an_event_passed_over_does_not() -> None:
    poison = [ValueError("poison")] * TRIES * (DEAD_LETTERS_IN_A_ROW - 1)
    world = World(raising(*poison))
    other = record_of(PromptActivated(at=NOW, prompt_id="p", previous=None))
    for offset in range(DEAD_LETTERS_IN_A_ROW - 1):
        await world.wrapper.run(record_of(DISCOVERED, offset))
        await world.wrapper.run(other)
    assert world.wrapper._streak == DEAD_LETTERS_IN_A_ROW - 1
    await world.wrapper.run(record_of(DISCOVERED))
    assert world.wrapper._streak == 0


async def test_a_cancelled_handler_ends_the_process_uncommitted() -> None:
    begun = asyncio.Event()

    async def handle(_event: Event, _position: Position) -> Sequence[Event]:
        begun.set()
        await asyncio.sleep(3600)
        return []

    world = World(handle)
    world.wrapper.agent = Agent("caption_videos", (VIDEOS,), handle, 3600.0)

    async def run() -> ExitCode:
        return await world.stops(record_of(DISCOVERED))

    task = asyncio.create_task(run())
    await begun.wait()
    assert list(world.wrapper.busy) == [("videos", 3)]
    task.cancel()
    assert await task is ExitCode.CANCELLED
    assert world.wrapper.busy == {}


async def test_a_batch_is_in_the_log_before_the_next_is_asked_for_and_each_has_the_whole_time_limit() -> None:
    """Together they take longer than the limit; the watchdog sees each of them begin."""
    limits = []

    async def handle(_event: Event, _position: Position) -> Batches:
        for n in range(3):
            assert len(world.log) == n
            limits.append(world.wrapper.busy["videos", 3])
            await asyncio.sleep(0.75)
            yield [UNAVAILABLE]

    world = World(handle)
    world.wrapper.agent = Agent("caption_videos", (VIDEOS,), handle, 2.0)
    await world.wrapper.run(record_of(DISCOVERED))
    assert world.log == [UNAVAILABLE] * 3
    assert limits == sorted(set(limits))


async def test_a_try_that_fails_in_the_middle_begins_again_with_the_first_batch() -> None:
    left = [ValueError("once")]
    closed = []

    async def handle(_event: Event, _position: Position) -> Batches:
        try:
            yield [DISCOVERED]
            if left:
                raise left.pop()
            yield [UNAVAILABLE]
        finally:
            closed.append(True)

    world = World(handle)
    await world.wrapper.run(record_of(DISCOVERED))
    assert world.log == [DISCOVERED, DISCOVERED, UNAVAILABLE]
    world.append_errors = [KafkaConnectionError("away")]
    await world.wrapper.run(record_of(DISCOVERED))
    assert world.log[3:] == [DISCOVERED, UNAVAILABLE]
    assert len(closed) == 4, "a try that is given up is closed at once"


async def test_a_batch_that_hangs_is_not_excused_by_those_before() -> None:
    async def handle(_event: Event, _position: Position) -> Batches:
        yield [UNAVAILABLE]
        await asyncio.sleep(3600)

    world = World(handle)
    await world.wrapper.run(record_of(DISCOVERED))
    assert world.log[:-1] == [UNAVAILABLE] * TRIES
    assert isinstance(world.log[-1], DeadLettered)


@given(
    st.lists(st.sampled_from(["answer", "poison", "away", "unreadable", "unsent"]), min_size=1, max_size=30)
)
def test_every_event_ends_as_a_result_a_dead_letter_or_a_stop(fates: list[str]) -> None:
    """Whatever befalls a run of events: what was returned from is in the log, once, and the first stop is the last word."""

    async def run() -> None:
        fate = ""

        async def handle(_event: Event, _position: Position) -> Sequence[Event]:
            if fate == "poison":
                raise ValueError(fate)
            if fate == "away":
                raise TransientError(fate)
            return [UNAVAILABLE]

        world = World(handle)
        for offset, fate in enumerate(fates):
            record = record_of(DISCOVERED, offset)
            if fate == "unreadable":
                record = Record("videos", 3, offset, 0, None, [], None)
            if fate == "unsent":
                world.append_errors = [KafkaConnectionError("away")] * TRIES
            try:
                await world.wrapper.run(record)
            except StoppedError:
                assert len(world.log) == offset
                return
            assert len(world.log) == offset + 1
            assert isinstance(world.log[-1], CaptionsUnavailable if fate == "answer" else DeadLettered)

    asyncio.run(run())
