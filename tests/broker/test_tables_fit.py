"""What a person sees on real terminals of 60, 80, 100 and 200 columns: no line is wider, and no link is broken."""

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from rich.cells import cell_len

from streams.clock import utc_now
from streams.discovery.seen import Seen
from streams.discovery.watch_state import Reporter, WatchState
from streams.events.channels import ChannelFollowed
from streams.log.connection import Connection
from streams.log.publish import publisher
from tests.builders.examples import EXAMPLES
from tests.builders.pseudo_terminal import on_a_terminal
from tests.builders.read_model_world import PROMPTS, activated, completed, video
from tests.builders.snapshot import publish

pytestmark = pytest.mark.kafka

WIDTHS = (60, 80, 100, 200)
CHANNEL_ID = "UC0123456789abcdefghijkl"
PAGE = "https://www.youtube.com/@plain/videos"
VERBS = {
    "mentions": ("sql", "from mentions"),
    "links": ("sql", "select symbol, quote, url from mentions"),
    "blocks": ("sql", "from mentions", "--vertical"),
    "channels": ("channels",),
    "budget": ("budget",),
}


async def shown(home: Path, connection: Connection) -> dict[tuple[str, int], list[str]]:
    """Every verb's lines at every width, of a log, a read model and a watch that have something to say."""
    now = datetime.now(UTC)
    seen = {
        CHANNEL_ID: Seen(now - timedelta(minutes=5), problem=f"{PAGE} answers as nobody has seen it before")
    }
    Reporter(home)(WatchState(now, channels=seen))
    answers = [completed(video(number), PROMPTS[0], UUID(int=number)) for number in (1, 2)]
    publish(home, *activated(PROMPTS[0], 0, None), *answers)
    async with publisher(connection) as log:
        await log.append(
            ChannelFollowed(
                at=utc_now(), channel_id=CHANNEL_ID, handle="@plain", title="Plain & Fair, 日本語", since=None
            )
        )
        await log.append_all([EXAMPLES["AnalysisRequested"], EXAMPLES["BudgetReserved"]])
    environment = {
        "EARMARK_HOME": str(home),
        "EARMARK_KAFKA": connection.bootstrap,
        "EARMARK_TOPIC_PREFIX": connection.prefix,
    }
    places = [(name, wide) for name in ("mentions", "channels", "budget") for wide in WIDTHS]
    places += [("links", 60), ("blocks", 60)]
    said = await asyncio.gather(
        *(
            asyncio.to_thread(
                on_a_terminal, (sys.executable, "-m", "streams", *VERBS[name]), wide, environment, home
            )
            for name, wide in places
        )
    )
    return {place: text.splitlines() for place, text in zip(places, said, strict=True)}


async def test_every_table_fits_its_terminal_and_no_link_is_broken(
    connection: Connection, tmp_path: Path
) -> None:
    of = await shown(tmp_path, connection)
    wider = [(*place, line) for place, lines in of.items() for line in lines if cell_len(line) > place[1]]
    assert wider == []
    whole = rf"https://youtube\.example/watch\?v=video-[12]&t=61s|{PAGE}"
    links = [link for lines in of.values() for line in lines for link in re.findall(r"https?:\S*", line)]
    assert [link for link in links if not re.fullmatch(whole, link)] == []
    for name in ("links", "blocks"):
        assert sum("&t=61s" in line for line in of[name, 60]) == 2
        assert "hidden: " not in " ".join(of[name, 60])
    for wide in WIDTHS:
        assert any(PAGE in line for line in of["channels", wide])
        assert {"@plain", "日本語", CHANNEL_ID} <= set(" ".join(of["channels", wide]).split())
        assert {"claude-haiku-5-5", "0.0023"} <= set(" ".join(of["budget", wide]).split())
        assert of["mentions", wide][0].startswith("symbol")
        assert "hidden: mention_id, " in " ".join(of["mentions", wide])
        assert "--wide shows all, --vertical a row a block" in " ".join(of["mentions", wide])
