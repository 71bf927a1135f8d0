"""The demo: the whole pipeline on a channel of our own, with a YouTube and a Claude on this machine.

The processes are the ordinary ones, started by `earmark up`; that these are demonstration servers they cannot know.
"""

import asyncio
import shutil
import sys
from pathlib import Path
from time import monotonic

from rich.console import Console

from streams.broker import local
from streams.demo import checks
from streams.demo.first_act import first_act
from streams.demo.sample_channel import sample_channel, sample_scripts
from streams.demo.second_act import second_act
from streams.demo.stage import Stage
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve

NOTICE = (
    "Claude's answers here are scripted: no model was called, and costs are the list price of scripted usage."
)


async def demo(home: Path, console: Console) -> bool:
    """Run both acts in `home`, which is emptied first; whether every check held."""
    _empty(home)
    channel = sample_channel()
    async with serve(LoopbackYoutube(channel)) as youtube, LoopbackClaude(sample_scripts()) as claude:
        stage = Stage(home, console, youtube.origin, claude.base_url)
        stage.say(NOTICE)
        async with stage.up():
            good = _tell(stage, await first_act(stage, channel))
            stage.say("Another prompt: tried over history, compared, activated, taken back.")
            good &= _tell(stage, await second_act(stage) | await _whole(stage, claude))
    _next(stage)
    stage.say(NOTICE)
    return good


def _empty(home: Path) -> None:
    local.stop(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)


async def _whole(stage: Stage, claude: LoopbackClaude) -> dict[str, bool]:
    """What must hold at the end of it all: the money, and the read model made anew."""
    live = stage.home / "live.duckdb"
    shutil.copyfile(stage.file, live)
    seen = stage.file.resolve()
    rebuilt = await stage.earmark("rebuild")
    await stage.until(lambda: stage.file.resolve() != seen)  # the projector has gone over to it
    different = await asyncio.to_thread(checks.differences, live, stage.file)
    charged = checks.charged(stage.file)
    return {
        f"the server's bill ${claude.bill():f} = daily_costs ${charged:f}": claude.bill() == charged > 0,
        f"live = rebuilt ({rebuilt}): {'; '.join(different) or 'both EXCEPTs empty'}": not different,
    }


def _tell(stage: Stage, results: dict[str, bool]) -> bool:
    """Print what was checked; whether all of it held."""
    for what, holds in results.items():
        stage.say(f"{'ok  ' if holds else 'FAIL'} {what}")
    return all(results.values())


def _next(stage: Stage) -> None:
    home, earmark = _shown(stage.home), _shown(Path(sys.executable).parent / "earmark")
    stage.say(f"It took {monotonic() - stage.began:.0f} s. What is there can be asked:")
    stage.say(f"  EARMARK_HOME={home} {earmark} sql \"FROM mentions WHERE symbol = 'PLTR'\"")
    stage.say("The same on real channels, with your key:")
    stage.say(f"  ANTHROPIC_API_KEY=… {earmark} up      # and in another shell:")
    stage.say(f"  {earmark} follow @SomeChannel --since 30d")


def _shown(path: Path) -> str:
    """A path as one types it from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
