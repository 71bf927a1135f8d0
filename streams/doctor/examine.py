"""All checks side by side, each within its time."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

from streams.broker import local
from streams.clock import Clock
from streams.doctor import cluster, machine, outside
from streams.doctor.finding import Finding
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.settings import Settings

CHECK_LIMIT_S = 15.0
T = TypeVar("T")
Found = Finding | list[Finding]
Check = Callable[[], Awaitable[Found]]


def checks(settings: Settings | None, connect: Callable[[], Connection], now: Clock) -> Mapping[str, Check]:
    """Every check by its name, in the order of what needs what; without settings those of the machine alone."""
    alone: dict[str, Check] = {
        "versions": partial(apart, machine.packages),
        "yt-dlp": partial(apart, partial(machine.ytdlp, now())),
    }
    if settings is None:
        return alone | {"java": partial(apart, partial(machine.java, None))}
    key = settings.anthropic_api_key
    base_url = settings.anthropic_base_url
    return {
        "settings": partial(apart, partial(machine.settings_read, settings)),
        "disk": partial(apart, partial(machine.disk, settings.home, settings.disk_min_free)),
        **alone,
        "java": partial(apart, partial(machine.java, settings.kafka)),
        "ports": partial(apart, partial(machine.ports, settings.home, settings.kafka)),
        "kafka": partial(_kafka, settings, connect, now),
        "read model": partial(apart, partial(machine.read_model, settings.home, now())),
        "claude": partial(outside.claude, base_url, now),
        "key": partial(outside.key, None if key is None else key.get_secret_value(), base_url, now),
        "youtube": partial(outside.youtube, settings.youtube_url, now),
        "cookies": partial(apart, partial(machine.cookies, settings.cookies, now())),
    }


async def examine(todo: Mapping[str, Check], limit_s: float = CHECK_LIMIT_S) -> AsyncIterator[list[Finding]]:
    """What each check finds, in their order. One that takes longer than `limit_s` is told as such."""
    running = [asyncio.create_task(_within(name, check, limit_s), name=name) for name, check in todo.items()]
    for task in running:
        yield await task


async def apart(look: Callable[[], T]) -> T:
    """`look` in a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            settle = partial(done.set_result, look())
        except Exception as error:  # noqa: BLE001  it is told by who waits
            settle = partial(done.set_exception, error)
        # Nobody waits any more once the time is up, and the loop may be gone.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: None if done.done() else settle())

    threading.Thread(target=run, daemon=True).start()
    return await done


async def _within(name: str, check: Check, limit_s: float) -> list[Finding]:
    try:
        found = await asyncio.wait_for(check(), limit_s)
    except TimeoutError:
        return [
            Finding(
                name,
                "broken",
                f"no answer within {limit_s:g} s",
                "try again; if it stays, look at what it asks",
            )
        ]
    except EarmarkError as error:
        return [Finding(name, "broken", str(error))]
    except Exception as error:  # noqa: BLE001  a check that fails says so, and the others go on
        return [Finding(name, "broken", f"this check itself failed: {error!r}", "please report it")]
    return found if isinstance(found, list) else [found]


async def _kafka(settings: Settings, connect: Callable[[], Connection], now: Clock) -> Found:
    is_local = settings.kafka is None
    if is_local and await apart(partial(local.find, settings.home)) is None:
        return Finding(
            "kafka", "look", "the local broker does not run", "`earmark up` starts it, with all the rest"
        )
    return await cluster.kafka(connect(), is_local=is_local, now=now)
