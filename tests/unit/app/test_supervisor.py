"""What the supervisor says of a process that ends again and again."""

import asyncio
from pathlib import Path

import pytest

from streams.app.supervisor import _Supervisor


async def test_the_same_trouble_is_told_once_however_often_a_process_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An analyst without a key ends at once, with its sentence."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    said, complained = list[str](), list[str]()
    supervisor = _Supervisor(tmp_path, said.append, complained.append)
    running = asyncio.create_task(supervisor.keep_running("analyst", 1.0))
    log = tmp_path / "analyst.log"
    async with asyncio.timeout(60):
        while not log.exists() or log.read_text().count("ANTHROPIC_API_KEY") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # what is said of the second end
    supervisor.signalled()
    await running
    assert len(complained) == 2
    assert "ANTHROPIC_API_KEY is not set" in complained[0]
    assert "starts again" in complained[1]
