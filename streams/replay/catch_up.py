"""Waiting until the read model has read what is asked of it."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from projections.history import ends_read
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.log.follow import Ends, ends_of
from streams.log.topics import CAPTIONS, Topic

LIMIT_S = 60.0

log = logging.getLogger(__name__)


def up_to(captions_ends: Sequence[int]) -> Ends:
    """The ends of `captions` that froze a replay's list."""
    return {(CAPTIONS.name, partition): end for partition, end in enumerate(captions_ends)}


async def ends_now(connection: Connection, topics: Sequence[Topic]) -> Ends:
    """The ends of every partition of these topics in the log now."""
    return {
        (topic.name, partition): end
        for topic in topics
        for partition, end in enumerate(await ends_of(connection, topic))
    }


def is_behind(home: Path, ends: Ends) -> bool:
    """Whether the newest snapshot lacks something before `ends`. Raises SqlError where there is no snapshot."""
    read = ends_read(home)
    return any(read.get(place, 0) < end for place, end in ends.items())


async def catch_up(home: Path, ends: Ends, limit_s: float = LIMIT_S) -> None:
    """Wait until the read model has read everything before `ends`.

    Raises EarmarkError where it has not within `limit_s` seconds, SqlError where there is none.
    """
    waits = False
    try:
        async with asyncio.timeout(limit_s):
            while is_behind(home, ends):
                if not waits:
                    log.warning("waiting until the read model in %s comes up to the log", home)
                waits = True
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise EarmarkError(
            f"the read model in {home} did not come up to the log within {limit_s:g} s: is the projector running?"
            " Nothing is lost: run it again"
        ) from None
