"""The Faust worker: agents on partitions, a watchdog over them, an end that always comes.

Faust gives group membership, commits and a stream for each partition. Results go out through the same publisher as
everywhere else, and what becomes of an event is the wrapper's business (`wrapper.py`).
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import faust
import faust.streams
import faust.transport.drivers.aiokafka as faust_kafka

from streams.clock import Clock
from streams.errors import EarmarkError
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.publish import publisher
from streams.log.topics import MAX_MESSAGE_BYTES
from streams.worker.watchdog import Report, watch
from streams.worker.wrapper import Agent, ExitCode, Wrapper

SHUTDOWN_LIMIT_S = 20.0

# So many records wait for a partition's handler, in memory and of up to 9 MB each.
BUFFER = 16
# One loop feeds all partitions, and a put into a full buffer holds it up: a handler that goes on for minutes would keep
# every partition waiting for as long. Faust asks for a partition no more once a put finds BUFFER / 1.25 records (rounded
# down) in its buffer, so no answer comes on top of more than these: what it brings must fit into the rest.
AT_ONCE = BUFFER - int(BUFFER / 1.25)
# A partition whose buffer has room again has to wait for the next question. Faust asks for a second, which would make
# little more than BUFFER records a second of what has piled up in one partition.
ASK_AGAIN_S = 0.02

Agents = Callable[[], AbstractAsyncContextManager[Sequence[Agent]]]
"""Opens what the agents need, on the event loop they run on, and gives them for as long as the block lasts."""


def credentials(connection: Connection) -> faust.types.auth.CredentialsT | None:
    """What Faust needs to log in and to encrypt as `connection` says."""
    match connection.security_protocol:
        case "PLAINTEXT":
            return None
        case "SSL":
            return faust.SSLCredentials(context=connection.ssl_context)
        case _:
            return faust.SASLCredentials(
                username=connection.username,
                password=connection.password,
                ssl_context=connection.ssl_context,
                mechanism=connection.sasl_mechanism,
            )


def settings(connection: Connection, slot: str, time_limit_s: float) -> Mapping[str, Any]:
    """The settings of the Faust app of the worker in `slot` whose slowest handler may take `time_limit_s` seconds.

    These lost nothing under kills, stops and outages; each deviates from Faust's own for a reason.
    """
    return {
        "broker": [f"aiokafka://{server.strip()}" for server in connection.bootstrap.split(",")],
        "broker_credentials": credentials(connection),
        # A member that comes back under its own name causes no rebalance.
        "consumer_group_instance_id": slot,
        "broker_session_timeout": 10.0,
        "broker_heartbeat_interval": 2.0,
        "broker_request_timeout": 30.0,
        # Must exceed what a handler may take, or a rebalance makes everything in flight run twice. A handler that
        # goes on for many batches is not waited for: nobody would get work for as long. The watchdog then ends this
        # process, and the next owner of the partition publishes it all again from the first batch.
        "broker_rebalance_timeout": max(60.0, time_limit_s + 30.0),
        # Full buffers are no reason to leave the group: a member that leaves this way never returns.
        "broker_max_poll_interval": 1e6,
        "broker_commit_interval": 1.0,
        "broker_commit_every": 100,
        # A worker that met an empty cluster must not believe it for five minutes.
        "consumer_metadata_max_age_ms": 10_000,
        "producer_metadata_max_age_ms": 10_000,
        "consumer_max_fetch_size": MAX_MESSAGE_BYTES,
        "consumer_auto_offset_reset": "earliest",
        "stream_buffer_maxsize": BUFFER,
        "broker_max_poll_records": AT_ONCE,
        "stream_wait_empty": True,
        "processing_guarantee": "at_least_once",
        "producer_acks": -1,
        "topic_allow_declare": False,
        # Without a leader topic Faust asks for it for ever.
        "topic_disable_leader": True,
        "web_enabled": False,
        "autodiscover": False,
        "worker_redirect_stdouts": False,
    }


class _Consumer(faust_kafka.Consumer):
    async def _getmany(
        self,
        active_partitions: set[faust.types.TP] | None,
        timeout: float,  # noqa: ASYNC109  as Faust has it
    ) -> Mapping[faust.types.TP, list[Any]]:
        """Ask for no longer than a moment while a buffer is full."""
        wait_s = min(timeout, ASK_AGAIN_S) if self._buffered_partitions else timeout
        return await super()._getmany(active_partitions, wait_s)


class _Transport(faust_kafka.Transport):
    Consumer = _Consumer


class _Worker(faust.App):
    def _create_directories(self) -> None:
        """No tables, so no folders."""

    def _new_transport(self) -> _Transport:
        """Read with a consumer of our own."""
        return _Transport(self.conf.broker_consumer, self)


def _register(app: faust.App, connection: Connection, agent: Agent, wrapper: Wrapper) -> None:
    async def run(stream: faust.types.StreamT[bytes]) -> None:
        async for event in stream.events():
            message = event.message
            await wrapper.run(
                Record(
                    message.topic.removeprefix(connection.prefix),
                    message.partition,
                    message.offset,
                    round(message.timestamp * 1000),
                    message.key,
                    message.headers,
                    message.value,
                )
            )

    topic = app.topic(
        *map(connection.name, agent.topics),
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )
    app.agent(topic, name=agent.name, isolated_partitions=True)(run)


async def work(
    connection: Connection,
    slot: str,
    agents: Agents,
    now: Clock,
    stop: asyncio.Event,
    may_begin: Callable[[], bool] = lambda: True,
    report: Report = lambda _: None,
) -> None:
    """Run the agents as the group member named `slot` until `stop` is set. The topics must be there.

    No event is begun while `may_begin` says no; `report` is called again and again. Raises EarmarkError when Faust gives
    up. An event that cannot be seen through, a silent partition and a stop that hangs end the process at once, with an
    `ExitCode`.
    """
    if vars(faust.streams)["_CStreamIterator"] is None:
        raise EarmarkError("Faust runs without its compiled stream: install a wheel of faust-streaming")
    working = asyncio.create_task(_work(connection, slot, agents, now, may_begin, report), name="work")
    stopped = asyncio.create_task(stop.wait(), name="stopped")
    try:
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        if not working.done():
            working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _work(
    connection: Connection,
    slot: str,
    agents: Agents,
    now: Clock,
    may_begin: Callable[[], bool],
    report: Report,
) -> None:
    async with publisher(connection) as publish, agents() as running:
        app = _Worker(
            connection.worker_group,
            **settings(connection, slot, max(agent.time_limit_s for agent in running)),
        )
        wrappers = [Wrapper(agent, publish.append_all, now, may_begin=may_begin) for agent in running]
        for agent, wrapper in zip(running, wrappers, strict=True):
            _register(app, connection, agent, wrapper)
        watching = asyncio.create_task(watch(app, connection, wrappers, report), name="watchdog")
        try:
            await app.start()
            ended = asyncio.create_task(app.wait_until_stopped(), name="faust")
            await asyncio.wait({ended, watching}, return_when=asyncio.FIRST_COMPLETED)
            cause = watching.exception() if watching.done() else app.crash_reason
        finally:
            # Faust waits without limit for what is in flight, and a stop that meets a rebalance may hang.
            timer = threading.Timer(SHUTDOWN_LIMIT_S, os._exit, [ExitCode.SHUTDOWN_HUNG])
            timer.daemon = True
            timer.start()
            watching.cancel()
            await app.stop()
    raise EarmarkError(f"the worker ended by itself: {cause!r}") from cause
