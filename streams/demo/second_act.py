"""The second act: another prompt is tried over history, compared, activated, and taken back."""

import shutil

from streams.demo import checks
from streams.demo.sample_channel import CANDIDATE
from streams.demo.stage import PREFIX, SIGNALS, Stage
from streams.prompts.files import BUNDLED

MAX_USD = "0.02"


async def second_act(stage: Stage) -> dict[str, bool]:
    """What an operator does, verb by verb; what was checked, and whether it held."""
    old, new = BUNDLED.stem, CANDIDATE.stem
    shutil.copy(CANDIDATE, stage.home)
    before = checks.calls(await checks.signals(stage.bootstrap, PREFIX))
    published = await checks.records_in(stage.bootstrap, SIGNALS)
    await stage.show("prompts", "register", CANDIDATE.name)
    await stage.show("replay", "plan", new)
    await stage.show("replay", "run", new, "--max-usd", MAX_USD)
    await stage.settle()
    await stage.show_table("replay", "compare", old, new)
    counted = checks.counted(await stage.show("prompts", "activate", new, "--dry-run"))
    await stage.show("prompts", "activate", new, "--yes")
    await stage.until(lambda: checks.signals_read(stage.file) >= published + counted.total())
    back = checks.counted(await stage.show("prompts", "activate", old, typed="y\n"))
    total = published + counted.total() + back.total()
    await stage.until(lambda: checks.signals_read(stage.file) >= total)
    await stage.settle()
    heard = await checks.signals(stage.bootstrap, PREFIX)
    after = checks.calls(heard)
    told_anew = {mention_id: call for mention_id, call in after.items() if call != before.get(mention_id)}
    # Each video switched there and back: whatever was told of the calls before was told twice.
    twice = all(
        call.revision == before[mention_id].revision + 2
        for mention_id, call in told_anew.items()
        if mention_id in before
    )
    same = checks.standing(after) == checks.standing(before) == checks.mentions(stage.file)
    words = ", ".join(f"{number} {kind}" for kind, number in sorted(counted.items()))
    return {
        f"the replay published nothing: {published} signals before it and after it": len(heard) == total,
        f"the activation published what its dry run had counted: {words}": (
            checks.activations(heard) == [counted, back] and counted.total() > 0
        ),
        f"taken back: the {len(checks.standing(after))} mentions of before, after {len(told_anew)} were told anew": (
            same and twice and bool(told_anew)
        ),
    }
