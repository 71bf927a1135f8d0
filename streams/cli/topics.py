import asyncio

import click

from streams.app.connections import connection_of
from streams.cli.terminal import say
from streams.errors import RefusedError
from streams.log.layout import Plan, administrator, apply, empty_topics, existing_layouts
from streams.log.layout import plan as plan_for
from streams.settings import Settings, load


@click.group()
def topics() -> None:
    """The topics of the log: the broker's against the code's."""


@topics.command()
def plan() -> None:
    """Print what `topics apply` would do, and change nothing.

    Exit 3 when a topic's partition count differs from the code's, or it has fewer replicas than
    EARMARK_KAFKA_REPLICATION_FACTOR: nothing can fix that in place.
    """
    settings = load()
    found = asyncio.run(_plan(settings))
    _print(found, settings.topic_prefix)
    if found.refused:
        raise RefusedError("some topics cannot stay as they are: nothing will be applied")


@topics.command(name="apply")
@click.option(
    "--recreate-empty",
    is_flag=True,
    help="Delete and create again the topics that cannot stay as they are and never held a record."
    " Stop what writes to them first.",
)
def apply_(*, recreate_empty: bool) -> None:
    """Create missing topics and restore settings that differ.

    When a partition count differs, or replicas are missing, change nothing and exit 3.
    """
    settings = load()
    _print(asyncio.run(_apply(settings, recreate_empty=recreate_empty)), settings.topic_prefix)


def _print(found: Plan, prefix: str) -> None:
    for line in found.lines(prefix) or ["nothing to do: the topics are as the code needs them"]:
        say(line)


async def _plan(settings: Settings) -> Plan:
    connection = connection_of(settings)
    async with administrator(connection) as admin:
        existing = await existing_layouts(admin, settings.topic_prefix)
    return plan_for(existing, settings.topic_prefix, replication_factor=settings.kafka_replication_factor)


async def _apply(settings: Settings, *, recreate_empty: bool) -> Plan:
    connection = connection_of(settings)
    async with administrator(connection) as admin:
        empty = None
        if recreate_empty:
            empty = await empty_topics(connection, await existing_layouts(admin, connection.prefix))
        return await apply(admin, connection.prefix, settings.kafka_replication_factor, empty)
