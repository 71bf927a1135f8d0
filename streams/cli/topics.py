import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from streams.app.connections import connection_of
from streams.cli.terminal import say
from streams.errors import EarmarkError, RefusedError
from streams.log.layout import Plan, apply, existing_layouts
from streams.log.layout import plan as plan_for
from streams.settings import Settings, load


@click.group()
def topics() -> None:
    """The topics of the log: the broker's against the code's."""


@topics.command()
def plan() -> None:
    """Print what `topics apply` would do, and change nothing.

    Exit 3 when a topic's partition count differs from the code's: nothing can fix that in place.
    """
    settings = load()
    found = asyncio.run(_plan(settings))
    _print(found, settings.topic_prefix)
    if found.refused:
        raise RefusedError("partition counts differ: nothing will be applied")


@topics.command(name="apply")
def apply_() -> None:
    """Create missing topics and restore settings that differ. When a partition count differs, change nothing and exit 3."""
    settings = load()
    _print(asyncio.run(_apply(settings)), settings.topic_prefix)


def _print(found: Plan, prefix: str) -> None:
    for line in found.lines(prefix) or ["nothing to do: the topics are as the code needs them"]:
        say(line)


async def _plan(settings: Settings) -> Plan:
    async with _admin(settings) as admin:
        return plan_for(await existing_layouts(admin, settings.topic_prefix), settings.topic_prefix)


async def _apply(settings: Settings) -> Plan:
    async with _admin(settings) as admin:
        return await apply(admin, settings.topic_prefix, settings.kafka_replication_factor)


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    connection = connection_of(settings)
    admin = connection.admin()
    try:
        await admin.start()
        yield admin
    except KafkaConnectionError as error:
        raise EarmarkError(
            f"no Kafka answers at {connection.bootstrap}: is it up, and are EARMARK_KAFKA and EARMARK_KAFKA_* right?"
        ) from error
    finally:
        await admin.close()
