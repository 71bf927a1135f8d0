"""What `earmark up` prints where no terminal reads."""

import asyncio
import re
from pathlib import Path

import pytest

from streams.cli import live
from streams.settings import Settings


async def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_quiet: bool) -> list[str]:
    settings = Settings(home=tmp_path, kafka="127.0.0.1:1")
    async with live.showing(settings, is_quiet=is_quiet) as say:
        say("running: everything")
        await asyncio.sleep(0.5)
    return capsys.readouterr().out.splitlines()


async def test_without_a_terminal_there_is_a_timed_line_a_minute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LINE_EVERY_S", 0.01)
    first, *rest = await shown(tmp_path, capsys, is_quiet=False)
    assert re.fullmatch(r"\d\d:\d\d:\d\d running: everything", first)
    assert rest
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d \? videos heard today", line) for line in rest)


async def test_quiet_there_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LINE_EVERY_S", 0.01)
    assert len(await shown(tmp_path, capsys, is_quiet=True)) == 1
