"""The first act: a channel is followed, and every stock call of its videos comes to stand on the record."""

import asyncio
import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from streams.budget.money import usd
from streams.demo import checks
from streams.demo.live_signal import ComeOut, live_signal
from streams.demo.sample_channel import INVENTED_QUOTE, WRONG_LINE
from streams.demo.stage import LIMIT_S, PREFIX, Stage
from streams.errors import EarmarkError
from streams.loopback.channel import Channel
from streams.settings import Settings

SINCE = "2026-11-01"
TABS = len(Settings.model_fields["tabs"].default)

TABLES = {
    "Mentions: what was said, and where": (
        "SELECT symbol, action, conviction, quote, url FROM mentions ORDER BY published_at, start_ms"
    ),
    "With a condition: nothing to act on yet": (
        "SELECT symbol, action, condition, expires FROM mentions WHERE condition IS NOT NULL"
        " ORDER BY published_at, start_ms"
    ),
    "Rejected: never a signal": (
        "SELECT symbol, coalesce(rejected, 'paid') AS why, quote FROM all_mentions"
        " WHERE rejected IS NOT NULL OR paid"
    ),
    "Outlook of each video": "SELECT video_title, direction, reasoning FROM outlooks ORDER BY published_at",
    "Not analysed": "SELECT video_title, reason, next_try_at FROM video_status WHERE status <> 'analysed'",
    "Money, US dollars": "SELECT day, lane, attempts, completed, charged_usd FROM daily_costs",
}
GIVEN_BACK = (
    "charged falls where a call ends: the most it can cost is reserved before it, and the rest is given back"
)


async def first_act(stage: Stage, channel: Channel, come_out: ComeOut) -> dict[str, bool]:
    """Follow the channel, watch until all is done, hear a new video live, show what is there.

    What was checked, and whether it held.
    """
    await stage.show("follow", channel.handle, "--since", SINCE, "--yes")
    asked = await _progress(stage, len(channel.videos))
    live = await live_signal(stage, come_out)
    await stage.settle()
    await stage.until(lambda: checks.is_settled(stage.file))
    for title, query in TABLES.items():
        stage.say(title)
        await stage.show_table("sql", query)
    heard = checks.standing(checks.calls(await checks.signals(stage.bootstrap, PREFIX)))
    read = checks.mentions(stage.file)
    invented = checks.rejection(stage.file, *INVENTED_QUOTE)
    misplaced = checks.rejection(stage.file, *WRONG_LINE)
    return {
        **live,
        f"{len(heard)} mentions of a subscriber = {len(read)} in the read model": heard == read != {},
        f"an invented quote was rejected ({INVENTED_QUOTE[1]}: {invented})": invented is not None,
        f"a right quote with a wrong line was put right ({WRONG_LINE[1]})": misplaced is None,
        f"a second process asked DuckDB {asked} times meanwhile, without an error": asked > 0,
    }


async def _progress(stage: Stage, videos: int) -> int:
    """Follow a second process that queries DuckDB until all is done; how often it asked."""
    reader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streams.demo.reader", str(stage.file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us, who then close its stdin
    )
    assert reader.stdout is not None  # noqa: S101  asked for
    charged, told = Decimal(), False
    try:
        async with asyncio.timeout(LIMIT_S):
            while line := await reader.stdout.readline():
                seen = json.loads(line)
                if not told and (Decimal(seen["charged_usd"]) < charged or is_done(seen, videos)):
                    stage.say(GIVEN_BACK)
                    told = True
                charged = Decimal(seen["charged_usd"])
                stage.say(
                    "{videos} videos: {captions} captioned, {analysed} analysed, {mentions} mentions,"
                    " ${money} charged".format(**seen, money=usd(charged))
                )
                if is_done(seen, videos):
                    break
    except TimeoutError:
        raise EarmarkError(f"not done after {LIMIT_S:g} s: see {stage.home / 'logs'}") from None
    finally:
        rest, _ = await reader.communicate(b"\n")
    if reader.returncode:
        raise EarmarkError("the second process could not read the read model")
    return int(json.loads(rest.splitlines()[-1])["asked"])


def is_done(seen: Mapping[str, Any], videos: int) -> bool:
    """Whether every tab is walked, every video analysed or waiting, every signal out, and no claim open."""
    return (
        seen.get("scans") == TABS
        and seen["videos"] == videos
        and seen["analysed"] + seen["waiting"] == videos
        and seen["signals"] == seen["mentions"] + seen["analysed"]
        and float(seen["open_usd"]) == 0
    )
