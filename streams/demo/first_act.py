"""The first act: a channel is followed, and every stock call of its videos comes to stand on the record."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

import duckdb
from rich.table import Table

from streams.demo import checks
from streams.demo.sample_channel import INVENTED_QUOTE, WRONG_LINE
from streams.demo.stage import LIMIT_S, PREFIX, Stage
from streams.errors import EarmarkError
from streams.loopback.channel import Channel
from streams.settings import Settings

SINCE = "2026-11-01"
TABS = len(Settings.model_fields["tabs"].default)

TABLES = {
    "Mentions: what was said, and where": """
        SELECT symbol, action, format('{:.2f}', conviction) AS conviction, time_horizon AS horizon, quote, url
        FROM mentions ORDER BY published_at, start_ms""",
    "Rejected: never a signal": """
        SELECT symbol, rejected AS why, quote FROM all_mentions WHERE rejected IS NOT NULL""",
    "Outlook of each video": """
        SELECT video_title AS video, direction, reasoning FROM outlooks ORDER BY published_at""",
    "Not analysed": """
        SELECT title AS video, status, reason, strftime(next_try_at, '%Y-%m-%d %H:%M UTC') AS next_try
        FROM video_status WHERE status <> 'analysed'""",
    "Money, US dollars": """
        SELECT day, model, lane, attempts, completed, input_tokens, output_tokens, c.charged_usd, b.cap_usd
        FROM daily_costs c JOIN budget_days b USING (day) ORDER BY ALL""",
}


async def first_act(stage: Stage, channel: Channel) -> dict[str, bool]:
    """Follow the channel, watch until all is done, show what is there; what was checked, and whether it held."""
    await stage.show("follow", channel.handle, "--since", SINCE, "--yes")
    asked = await _progress(stage, len(channel.videos))
    _tables(stage)
    await stage.settle()
    heard = checks.standing(checks.calls(await checks.signals(stage.bootstrap, PREFIX)))
    read = checks.mentions(stage.file)
    invented = checks.rejection(stage.file, *INVENTED_QUOTE)
    misplaced = checks.rejection(stage.file, *WRONG_LINE)
    return {
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
    try:
        async with asyncio.timeout(LIMIT_S):
            while line := await reader.stdout.readline():
                seen = json.loads(line)
                stage.say(
                    "{videos} videos, {captions} with captions, {waiting} waiting; {analysed} analysed:"
                    " {mentions} mentions, {signals} signals, ${charged_usd} charged".format(**seen)
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


def _tables(stage: Stage) -> None:
    with duckdb.connect(str(stage.file), read_only=True) as database:
        for title, query in TABLES.items():
            answer = database.execute(query)
            table = Table(title=title, title_justify="left", title_style="bold")
            for column in answer.description or ():
                table.add_column(column[0], overflow="fold")
            for row in answer.fetchall():
                table.add_row(*(f"{cell:f}" if hasattr(cell, "as_tuple") else str(cell) for cell in row))
            stage.console.print(table)
