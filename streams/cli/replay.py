"""`earmark replay`: history under another prompt, known beforehand, compared before anything is switched."""

import asyncio
from decimal import Decimal
from typing import Any

import click
from aiokafka.errors import KafkaError

from projections import history
from streams.cli.log import from_log_option, open_log
from streams.cli.replay_output import print_comparison, print_plan, watch
from streams.cli.since import Since, since_option
from streams.cli.terminal import say
from streams.cli.usd import Usd
from streams.clock import utc_now
from streams.errors import EarmarkError
from streams.events.ledger import ReplayFilter
from streams.events.prompts import Prompt
from streams.log.connection import WrongSettingsError
from streams.log.publish import publisher
from streams.log.topics import ANALYSES, PROMPTS
from streams.prompts.registry import named, read_prompts
from streams.replay import run as replays
from streams.replay.catch_up import catch_up, ends_now
from streams.replay.plan import plan as plan_of
from streams.replay.progress import sentence
from streams.replay.selection import select
from streams.replay.wish import Wish
from streams.settings import Settings, load

ANSWER_LIMIT_S = 20.0
COMPARE_ANSWER_LIMIT_S = 5.0
EXAMPLES = 5


def _filtered(command: Any) -> Any:
    for option in (
        click.option(
            "--seed", type=int, default=0, help="Seed of the sample: the same seed draws the same sample."
        ),
        click.option("--sample", type=click.IntRange(1), metavar="N", help="Only N videos, drawn at random."),
        click.option("--channel", metavar="C", help="Only one channel: its id, @handle or title."),
        since_option(
            "Only videos published from a UTC date (2026-10-01) on, or from an age (30d) on when the replay starts."
        ),
    ):
        command = option(command)
    return command


@click.group()
def replay() -> None:
    """Replay history under another prompt: plan, run, compare. Nothing is published until you activate the prompt."""


@replay.command()
@click.argument("prompt")
@_filtered
def plan(prompt: str, since: Since | None, channel: str | None, sample: int | None, seed: int) -> None:
    """Print what a replay of PROMPT takes: videos, tokens, US dollars, days. It costs and writes nothing.

    The most it names is what the first attempts reserve. A failed attempt is repeated up to twice and charged again;
    --max-usd of `run` bounds everything.
    """
    settings = load()
    candidate = asyncio.run(_prompt(settings, prompt))
    which = _filter(settings, since, channel, sample)
    share = settings.replay_share
    print_plan(
        plan_of(select(settings.home, candidate, which, seed), candidate, settings.daily_cap_usd, share)
    )


@replay.command()
@click.argument("prompt")
@_filtered
@click.option(
    "--max-usd", type=Usd(), required=True, help="US dollars that the whole replay may be charged, at most."
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of the daily cap, at most; default: EARMARK_REPLAY_SHARE.",
)
@click.option(
    "--follow", is_flag=True, help="Also analyse new videos under PROMPT, while the active prompt stays live."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue a cancelled replay, within what it left of --max-usd.",
)
@click.option(
    "--detach", is_flag=True, help="Do not wait for the end: `earmark replay status` shows the progress."
)
def run(
    prompt: str,
    since: Since | None,
    channel: str | None,
    sample: int | None,
    seed: int,
    max_usd: Decimal,
    share: float | None,
    *,
    follow: bool,
    resume: bool,
    detach: bool,
) -> None:
    """Start a replay of history under PROMPT, or continue it. Ctrl-C stops only the display. No call is made twice.

    The same PROMPT and options, as typed, are the same replay on any day. If it is stopped before it has requested all
    videos, run it again.
    """
    settings = load()
    wish_share = settings.replay_share if share is None else Decimal(str(share))
    which = _filter(settings, since, channel, sample)
    all_asked = False

    async def start() -> None:
        nonlocal all_asked
        connection = await open_log(settings)
        candidate = await _prompt(settings, prompt)
        since_typed = None if since is None else since.back
        wish = Wish(candidate, which, seed, wish_share, max_usd, follow, since_typed)
        async with publisher(connection) as out:
            begun = await replays.start(
                connection, out, settings.home, wish, utc_now, settings.daily_cap_usd, resume=resume
            )
        all_asked = True
        say(sentence(begun.progress, candidate.name), folds=True)
        if not detach:
            await watch(connection, settings.home, begun, candidate.name)

    try:
        asyncio.run(start())
    except KeyboardInterrupt:
        if not all_asked:
            raise EarmarkError(
                "stopped before all videos of the replay were requested: run it again; it continues and makes no call twice"
            ) from None
        say("the replay continues: earmark replay status")


@replay.command()
@from_log_option
def status(*, from_log: bool) -> None:
    """List the replays: progress, charge and limit of each.

    Videos not requested yet are counted only if the local read model has caught up.
    """
    settings = load()

    async def read() -> None:
        connection = await open_log(settings)
        prompts, found = (
            await read_prompts(connection),
            await replays.replays_of(connection, settings.home, from_log=from_log),
        )
        if not found.started:
            say("no replay was started: earmark replay plan PROMPT")
        for replay_id, started in found.started.items():
            prompt = prompts.by_id[started.prompt_id]
            listing = replays.listing(settings.home, prompt, started)
            say(sentence(found.progress(replay_id, utc_now(), listing), prompt.name), folds=True)

    asyncio.run(read())


@replay.command()
@click.argument("replay_id")
def cancel(replay_id: str) -> None:
    """Cancel the replay whose id begins with REPLAY_ID: it claims nothing more. Its analyses stay.

    To continue it, run it again with the same options and --resume. A finished replay stays finished.
    """
    settings = load()

    async def end() -> None:
        connection = await open_log(settings)
        async with publisher(connection) as out:
            say(await replays.cancel(connection, out, settings.home, replay_id, utc_now))

    asyncio.run(end())


@replay.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    help="Format of the output.",
)
def compare(a: str, b: str, form: str) -> None:
    """Compare prompts A and B over the videos that both have analysed, by channel, with examples.

    It waits until the read model has every answer in the log. If no broker answers, it compares what the read model
    has. csv holds only the channels. In SQL: FROM compare_channels('A', 'B'), and FROM compare_mentions('A', 'B') for
    every mention.
    """
    settings = load()
    asyncio.run(_read_up_to_now(settings))
    found = history.compare(settings.home, a, b, EXAMPLES)
    print_comparison(found, form, title=f"A = {a}, B = {b}")


async def _read_up_to_now(settings: Settings) -> None:
    try:
        ends = await ends_now(await open_log(settings, COMPARE_ANSWER_LIMIT_S), (ANALYSES, PROMPTS))
    except WrongSettingsError:
        raise
    except (EarmarkError, KafkaError) as error:
        say(f"the comparison covers only what the read model has read so far: {error}", err=True)
        return
    await catch_up(settings.home, ends)


async def _prompt(settings: Settings, name: str) -> Prompt:
    return named(await read_prompts(await open_log(settings)), name)


def _filter(settings: Settings, since: Since | None, channel: str | None, sample: int | None) -> ReplayFilter:
    channel_id = None if channel is None else history.channel_id_of(settings.home, channel)
    at = None if since is None else since.at
    return ReplayFilter(since=at, channel_id=channel_id, sample=sample)
