"""The pictures on the README: `python -m tests.docs.screenshots [HOME]` takes them anew, of what a demo left in HOME."""

import asyncio
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
from playwright.async_api import async_playwright

from projections.snapshots import LINK
from projections.web.forms import address
from projections.web.page import Outside
from projections.web.render import PATHS
from projections.web.server import Site, serve
from tests.browser.chromium import chromium

DEMO = Path(".earmark/demo")
FOLDER = Path(__file__).with_name("screenshots")
WIDTH, HEIGHT = 1000, 640
LARGEST = 150_000
"""Bytes of a picture."""
# What is shown most about.
SUBJECTS = "SELECT mode(video_id), mode(channel_id) FROM mentions"


async def take(home: Path) -> None:
    """Take a picture of each page, at its top."""
    with duckdb.connect(home / LINK, read_only=True) as database:
        [(video, channel)] = database.execute(SUBJECTS).fetchall()

    async def look() -> Outside:
        return Outside(datetime.now(UTC), (), (), None, (), (), ())

    runner = await serve(Site(home, Decimal(5), look, lambda: datetime.now(UTC)).app(), "127.0.0.1", 0)
    site = f"http://127.0.0.1:{runner.addresses[0][1]}"
    FOLDER.mkdir(exist_ok=True)
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium())
            tab = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            for name, page, scheme in (
                ("calls", PATHS["calls"], "light"),
                ("video", address(PATHS["video"], video), "light"),
                ("channel", address(PATHS["channel"], channel), "dark"),
            ):
                await tab.emulate_media(color_scheme=scheme)
                response = await tab.goto(site + page)
                assert response is not None
                assert response.ok, f"{response.status} {page}"
                file = FOLDER / f"{name}.png"
                size = len(await tab.screenshot(path=file))
                assert size <= LARGEST, f"{file} has {size:,} bytes: {LARGEST:,} at most"
                print(f"{file.relative_to(Path.cwd())}: {size:,} bytes")
            await browser.close()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO))
