"""Checks run side by side, and whatever one of them does, the others are told in time."""

import asyncio
import time
from collections.abc import Mapping

import pytest

from streams.claude.client import Claude  # noqa: F401  its import is no part of the time that is measured
from streams.clock import utc_now
from streams.doctor import outside
from streams.doctor.examine import Check, Found, apart, checks, examine
from streams.doctor.finding import Finding
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Failure, Reply
from tests.unit.doctor.test_machine_checks import closed_port, listening

OK = Finding("fine", "ok", "it is")


async def all_of(todo: Mapping[str, Check], limit_s: float) -> list[Finding]:
    return [finding async for findings in examine(todo, limit_s) for finding in findings]


async def test_one_that_hangs_or_fails_costs_the_others_nothing() -> None:
    async def fine() -> Found:
        return [OK, OK]

    async def hangs() -> Found:
        await asyncio.sleep(60)
        return OK

    async def hangs_in_a_thread() -> Found:
        return await apart(lambda: time.sleep(1) or OK)

    async def complains() -> Found:
        raise EarmarkError("the moon is away")

    async def fails() -> Found:
        return await apart(lambda: {}["nothing"])

    began = time.monotonic()
    found = await all_of(
        {"hangs": hangs, "thread": hangs_in_a_thread, "complains": complains, "fails": fails, "fine": fine},
        0.3,
    )
    assert time.monotonic() - began < 0.9
    again = "try again; if it stays, look at what it asks"
    assert found == [
        Finding("hangs", "broken", "no answer within 0.3 s", again),
        Finding("thread", "broken", "no answer within 0.3 s", again),
        Finding("complains", "broken", "the moon is away"),
        Finding(
            "fails",
            "broken",
            "this check itself failed: KeyError('nothing')",
            "please report it",
        ),
        OK,
        OK,
    ]


async def test_without_settings_the_machine_is_still_looked_at() -> None:
    def nowhere() -> Connection:
        raise EarmarkError("no settings, no broker")

    found = await all_of(checks(None, nowhere, utc_now), 15)
    assert [finding.check for finding in found] == ["versions", "yt-dlp", "java"]


async def test_a_key_is_taken_or_refused_or_nobody_can_say() -> None:
    async with LoopbackClaude({}, improvise=lambda _: Reply(text="")) as claude:
        assert (await outside.key("a key", claude.base_url, utc_now)).verdict == "ok"
        reached, clock = await outside.claude(claude.base_url, utc_now)
        assert (reached.verdict, clock.verdict) == ("ok", "ok")
        claude.counting = Failure(401, "authentication_error", "invalid x-api-key")
        refused = await outside.key("a key", claude.base_url, utc_now)
        assert (refused.verdict, refused.fix) == ("broken", "set another ANTHROPIC_API_KEY")
        assert "invalid x-api-key" in refused.found
    assert (await outside.key(None, None, utc_now)).found == "ANTHROPIC_API_KEY is not set"
    away = f"http://127.0.0.1:{closed_port()}"
    unknown = await outside.key("a key", away, utc_now)
    assert unknown.verdict == "look"
    [unreachable] = await outside.claude(away, utc_now)
    assert (unreachable.verdict, unreachable.fix) == ("broken", "see ANTHROPIC_BASE_URL, and the network")


async def test_a_youtube_that_turns_us_away_passes_and_one_that_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\nDate: Fri, 20 Nov 2020 12:00:00 GMT\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        refused, clock = await outside.youtube(
            f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", utc_now
        )
    assert refused.verdict == "look"
    assert refused.found.endswith(" turns this machine away with HTTP 429")
    assert clock.verdict == "broken", "it lives in 2020"
    monkeypatch.setattr(outside, "ANSWER_LIMIT_S", 0.2)
    with listening() as port:
        [silent] = await outside.youtube(f"http://127.0.0.1:{port}", utc_now)
    assert (silent.verdict, silent.found) == (
        "broken",
        f"http://127.0.0.1:{port} cannot be reached: no answer",
    )
