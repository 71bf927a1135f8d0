"""Checks of what lies outside: Claude with the key that is set, YouTube, and the time by their clocks."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

import aiohttp

from streams.claude.outcomes import Misconfigured
from streams.clock import Clock
from streams.discovery.feeds import YOUTUBE
from streams.doctor.finding import Finding, clock

if TYPE_CHECKING:
    from streams.claude.client import Response

CLAUDE = "https://api.anthropic.com"
ANSWER_LIMIT_S = 6.0


async def key(api_key: str | None, base_url: str | None, now: Clock) -> Finding:
    """Whether Claude takes the key: it is asked for its models, which costs nothing."""
    if not api_key:
        return Finding(
            "key", "broken", "ANTHROPIC_API_KEY is not set", "put it into the environment or a .env file"
        )
    # In a thread: it is a second of CPU and more, for which no other check should wait.
    client = await asyncio.to_thread(import_module, "streams.claude.client")
    async with client.client(api_key, base_url, 1) as sdk:
        refused: Response | None = await client.Claude(sdk, now).refusal(ANSWER_LIMIT_S)
    if refused is None:
        return Finding("key", "ok", "Claude takes it")
    reason = getattr(refused.outcome, "reason", type(refused.outcome).__name__)
    if isinstance(refused.outcome, Misconfigured):
        return Finding("key", "broken", f"Claude refuses it: {reason}", "set another ANTHROPIC_API_KEY")
    return Finding(
        "key", "look", f"Claude does not say whether it takes it: {reason}", "try again in a minute"
    )


async def claude(base_url: str | None, now: Clock) -> list[Finding]:
    """Whether Claude can be reached, and its clock."""
    where = base_url or CLAUDE
    try:
        _, date = await _answer(where, is_stand_in=base_url is not None)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [_unreachable("claude", where, error, None if base_url is None else "ANTHROPIC_BASE_URL")]
    return [Finding("claude", "ok", f"{where} answers"), clock("Claude", date, now())]


async def youtube(origin: str | None, now: Clock) -> list[Finding]:
    """Whether YouTube can be reached, does not turn us away, and its clock."""
    where = origin or YOUTUBE
    try:
        status, date = await _answer(f"{where}/robots.txt", is_stand_in=origin is not None)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return [_unreachable("youtube", where, error, None if origin is None else "EARMARK_YOUTUBE_URL")]
    if status in {403, 429}:
        refused = Finding(
            "youtube",
            "look",
            f"{where} turns this machine away with HTTP {status}",
            "nothing is lost, it passes; if it lasts, lower EARMARK_YOUTUBE_PER_MINUTE, or set EARMARK_COOKIES",
        )
        return [refused, clock("YouTube", date, now())]
    return [Finding("youtube", "ok", f"{where} answers"), clock("YouTube", date, now())]


async def _answer(url: str, *, is_stand_in: bool) -> tuple[int, str | None]:
    """The status and the Date header of a GET, whatever the status."""
    limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
    # An origin is named, so no proxy knows better.
    async with (
        aiohttp.ClientSession(timeout=limit, trust_env=not is_stand_in) as session,
        session.get(url, allow_redirects=False) as response,
    ):
        return response.status, response.headers.get("Date")


def _unreachable(check: str, where: str, error: Exception, setting: str | None) -> Finding:
    why = "no answer" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    fix = "see the network, a proxy or a firewall" if setting is None else f"see {setting}, and the network"
    return Finding(check, "broken", f"{where} cannot be reached: {why}", fix)
