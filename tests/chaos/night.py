"""Three things go wrong overnight: `python -m tests.chaos.night` plays them and prints what the operator types and reads.

A key that Claude refuses, a YouTube that asks to slow down, and a disk that fills up; one after the other, on
everything real but YouTube and Claude.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil

from streams.clock import utc_now
from streams.loopback import refusals
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Failure
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.chaos.whole_machine import DISK_BYTES, MIN_FREE_BYTES, ballast, small_disk
from tests.pipeline.harbour_notes import EMPTY, HANDLE, answer, video
from tests.pipeline.installation import Installation

REFUSED = Failure(401, "authentication_error", "invalid x-api-key")
LIMIT_S = 600.0


class Night:
    """An installation, and what was printed of it so far."""

    def __init__(self, folder: Path, youtube: LoopbackYoutube, claude: LoopbackClaude) -> None:
        (folder / ".env").write_text("ANTHROPIC_API_KEY=mistyped\n")
        self.youtube = youtube
        self.claude = claude
        self.earmark = Installation(
            folder,
            {
                "EARMARK_YOUTUBE_URL": youtube.origin,
                "EARMARK_POLL_INTERVAL": "5s",
                "EARMARK_DISK_MIN_FREE": str(MIN_FREE_BYTES),
                "ANTHROPIC_BASE_URL": claude.base_url,
            },
        )
        self._shown = 0

    async def types(self, *verb: str) -> None:
        """Run a verb and print it with what it prints."""
        self.reads_on()
        code, said = await self.earmark.run(*verb)
        print(f"$ earmark {' '.join(verb)}" + (f"      # exit {code}" if code else ""))
        print(said.replace(str(self.earmark.home), "EARMARK_HOME").rstrip(), flush=True)

    def reads_on(self) -> None:
        """Print what `up` has said meanwhile."""
        text = self.earmark.printed.read_text().replace(str(self.earmark.home), "EARMARK_HOME")
        for line in text[self._shown :].splitlines():
            print(f"  up | {line}", flush=True)
        self._shown = len(text)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what happens by itself."""
        async with asyncio.timeout(LIMIT_S):
            while not holds():  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def until_said(self, words: str) -> None:
        """Wait until `up` says something."""
        await self.until(lambda: words in self.earmark.printed.read_text())

    async def until_heard(self, count: int) -> None:
        """Wait until so many videos are analysed."""
        query = "SELECT count(*) FROM video_status WHERE status = 'analysed'"
        await self.until(lambda: self.earmark.rows(query) == [(count,)])

    def upload(self, *videos: str) -> None:
        """Let the channel bring out videos now."""
        new = tuple(video(video_id, utc_now(), "rope", "tar") for video_id in videos)
        shown = self.youtube.channel
        self.youtube.show(replace(shown, videos=(*new, *shown.videos)))


async def play(folder: Path) -> None:
    """The night."""
    async with serve(LoopbackYoutube(EMPTY)) as youtube, LoopbackClaude({}, improvise=answer) as claude:
        night = Night(folder, youtube, claude)
        earmark = night.earmark
        claude.counting = REFUSED
        with small_disk(earmark.home):
            async with earmark.starting() as up:
                await night.until_said("running: ")
                await night.types("follow", HANDLE, "--yes")

                night.upload("HarbourKey1")
                await night.until_said("TROUBLE Claude cannot be asked")
                await night.types("status")
                print("$ sed -i s/mistyped/corrected/ .env", flush=True)
                (folder / ".env").write_text("ANTHROPIC_API_KEY=corrected\n")
                claude.counting = None
                await night.until_heard(1)
                await night.until_said("over, after")

                youtube.refuses = lambda _: refusals.BOT_CHECK
                night.upload("HarbourBot2")
                await night.until_said("TROUBLE YouTube refuses")
                await night.types("explain", "HarbourBot2")
                youtube.refuses = lambda _: None
                await night.until_heard(2)

                with ballast(earmark.home):
                    await night.until_said("TROUBLE the disk of")
                    night.upload("HarbourDisk")
                    await night.types("status")
                    print("$ rm EARMARK_HOME/ballast", flush=True)
                await night.until_heard(3)
                await night.types("report")
                await night.types("status")
                up.terminate()
                await up.wait()
                night.reads_on()


def main() -> None:
    """Play it in a folder of its own."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"The disk has {DISK_BYTES / 1e6:.0f} MB; EARMARK_DISK_MIN_FREE is {MIN_FREE_BYTES / 1e6:.0f} MB.")
    with tempfile.TemporaryDirectory() as folder, suppress(psutil.NoSuchProcess):
        asyncio.run(play(Path(folder)))
    sys.exit(0)


if __name__ == "__main__":
    main()
