"""The demo: the whole pipeline on a channel of our own, with a YouTube and a Claude on this machine.

The processes are the ordinary ones, started by `earmark up`; that these are demonstration servers they cannot know.
"""

import asyncio
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic

from streams.broker import local
from streams.clock import utc_now
from streams.demo import checks
from streams.demo.first_act import first_act
from streams.demo.sample_channel import live_scripts, sample_channel, sample_scripts
from streams.demo.second_act import second_act
from streams.demo.stage import Say, Stage
from streams.loopback.channel import ChannelVideo
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve

NOTICE = "Scripted answers: no model was called; costs are their list price."


async def demo(home: Path, say: Say) -> bool:
    """Run both acts in `home`, which is emptied first; whether every check held."""
    _empty(home)
    whole = sample_channel()
    *old, new = whole.videos
    channel, scripts = replace(whole, videos=tuple(old)), sample_scripts()
    async with serve(LoopbackYoutube(channel)) as youtube, LoopbackClaude(scripts) as claude:

        def come_out() -> ChannelVideo:
            video = replace(new, published_at=utc_now().replace(microsecond=0))
            scripts.update(live_scripts(whole, video))
            youtube.show(replace(whole, videos=(*old, video)))
            return video

        stage = Stage(home, say, youtube.origin, claude.base_url)
        stage.say(NOTICE)
        async with stage.up():
            results = _tell(stage, await first_act(stage, channel, come_out))
            stage.say("Another prompt: tried over history, compared, activated, taken back.")
            results |= _tell(stage, await second_act(stage) | await _whole(stage, claude))
    seconds = monotonic() - stage.began
    for line in summary(stage.home, Path(sys.executable).parent / "earmark", results, seconds):
        say(line)
    return all(results.values())


def _empty(home: Path) -> None:
    local.stop(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)


async def _whole(stage: Stage, claude: LoopbackClaude) -> dict[str, bool]:
    """What must hold at the end of it all: the money, and the read model made anew."""
    live = stage.home / "live.duckdb"
    shutil.copyfile(stage.file, live)
    seen = stage.file.resolve()
    rebuilt = (await stage.earmark("rebuild")).partition("\n")[0]
    await stage.until(lambda: stage.file.resolve() != seen)  # the projector has gone over to it
    different = await asyncio.to_thread(checks.differences, live, stage.file)
    charged = checks.charged(stage.file)
    return {
        f"the server's bill ${claude.bill():f} = daily_costs ${charged:f}": claude.bill() == charged > 0,
        f"live = rebuilt ({rebuilt}): {'; '.join(different) or 'both EXCEPTs empty'}": not different,
    }


def _tell(stage: Stage, results: dict[str, bool]) -> dict[str, bool]:
    """Print what was checked; the same."""
    for what, holds in results.items():
        stage.say(f"{'ok  ' if holds else 'FAIL'} {what}")
    return results


def summary(home: Path, earmark: Path, results: Mapping[str, bool], seconds: float) -> list[str]:
    """What a person reads at the end, in eleven lines: whether it all held, and what to type next."""
    good, typed = sum(results.values()), _typed(earmark)
    return [
        f"Done in {seconds:.0f} s: {good} of {len(results)} checks hold.",
        "A subscriber, the read model and Claude's bill agree to the last digit."
        if good == len(results)
        else "What does not hold stands above, behind FAIL.",
        NOTICE,
        "On real channels, with your key:",
        "  export ANTHROPIC_API_KEY=…",
        f"  {typed} up",
        "and in another shell:",
        f"  {typed} follow @SomeChannel --since 30d",
        "What the demo put on the record can be looked at, and asked:",
        f"  EARMARK_HOME={_shown(home)} {typed} dashboard",
        f'  EARMARK_HOME={_shown(home)} {typed} sql "FROM mentions"',
    ]


def _typed(earmark: Path) -> str:
    """The command as one types it from here."""
    found = shutil.which("earmark")
    return "earmark" if found is not None and Path(found) == earmark else _shown(earmark)


def _shown(path: Path) -> str:
    """A path as one types it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
