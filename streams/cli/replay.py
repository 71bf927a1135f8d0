"""`earmark replay`: history under another prompt, known beforehand, compared before anything is switched."""

import asyncio
from decimal import Decimal, InvalidOperation
from typing import Any

import click
from aiokafka.errors import KafkaError

from projections import history
from streams.cli.log import open_log
from streams.cli.replay_output import print_comparison, print_plan, watch
from streams.cli.since import Since, since_option
from streams.clock import utc_now
from streams.errors import EarmarkError
from streams.events.ledger import ReplayFilter
from streams.events.prompts import Prompt
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


class Usd(click.ParamType):
    """US dollars on the command line."""

    name = "usd"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """A Decimal of 0 or more with at most nine places."""
        try:
            usd = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no amount of US dollars: write it like 2.50", param, ctx)
        if not usd.is_finite() or usd < 0 or usd != round(usd, 9):
            self.fail(f"{value!r}: an amount of US dollars is 0 or more, to the billionth", param, ctx)
        return usd


def _filtered(command: Any) -> Any:
    for option in (
        click.option(
            "--seed", type=int, default=0, help="Draws the sample; the same seed draws the same one."
        ),
        click.option("--sample", type=click.IntRange(1), metavar="N", help="Only N videos, drawn by chance."),
        click.option("--channel", metavar="C", help="Only one channel: its id, @handle or title."),
        since_option(
            "Only videos published since then: a UTC date (2026-10-01), or how far back (30d) when the replay starts."
        ),
    ):
        command = option(command)
    return command


@click.group()
def replay() -> None:
    """History under another prompt: plan it, run it, compare; nothing is published before you activate."""


@replay.command()
@click.argument("prompt")
@_filtered
def plan(prompt: str, since: Since | None, channel: str | None, sample: int | None, seed: int) -> None:
    """Say what replaying PROMPT would take: videos, tokens, US dollars, days. It costs and writes nothing.

    At most is what the first attempts reserve. One that fails is made again, up to twice, and charged again; --max-usd
    of `run` bounds it all.
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
    "--max-usd", type=Usd(), required=True, help="What the whole replay may be charged, never more."
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    help="Of the daily cap, at most; EARMARK_REPLAY_SHARE.",
)
@click.option(
    "--follow", is_flag=True, help="Also run new videos under PROMPT, while the active one stays live."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on with it although it was cancelled, within what it left of --max-usd.",
)
@click.option(
    "--detach", is_flag=True, help="Do not wait for it: `earmark replay status` says how far it is."
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
    """Replay PROMPT over history, or go on with it; Ctrl-C only stops watching. Nobody is called twice.

    The same PROMPT and options, as they are typed, are the same replay on any day. Stopped before it has asked for all videos, it must be run again.
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
        click.echo(sentence(begun.progress))
        if not detach:
            await watch(connection, begun.progress.started.replay_id, begun.listed)

    try:
        asyncio.run(start())
    except KeyboardInterrupt:
        if not all_asked:
            raise EarmarkError(
                "stopped before all videos of the replay were asked for: run it again, it goes on and calls nobody twice"
            ) from None
        click.echo("the replay goes on: earmark replay status")


@replay.command()
def status() -> None:
    """List the replays: how far each is, what it was charged, and its limit.

    How many videos are not asked for yet it says where the read model here reaches that far.
    """
    settings = load()

    async def read() -> None:
        connection = await open_log(settings)
        prompts, found = await read_prompts(connection), await replays.replays_of(connection)
        if not found.started:
            click.echo("there was no replay yet: earmark replay plan PROMPT")
        for replay_id, started in found.started.items():
            listed = replays.listed(settings.home, prompts.by_id[started.prompt_id], started)
            click.echo(sentence(found.progress(replay_id, utc_now(), listed)))

    asyncio.run(read())


@replay.command()
@click.argument("replay_id")
def cancel(replay_id: str) -> None:
    """Let the replay whose id begins with REPLAY_ID claim nothing more; what it has analysed stays.

    `earmark replay run` with the same options and --resume goes on with it. A finished replay stays finished.
    """
    settings = load()

    async def end() -> None:
        connection = await open_log(settings)
        async with publisher(connection) as out:
            click.echo(sentence(await replays.cancel(connection, out, settings.home, replay_id, utc_now)))

    asyncio.run(end())


@replay.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="How to print it."
)
def compare(a: str, b: str, form: str) -> None:
    """Compare prompts A and B over the videos that both have analysed, by channel, with examples.

    It waits until the read model has read the answers that are in the log now; where no broker answers, it compares what
    the read model has. csv holds the channels alone. As SQL it is FROM compare_channels('A', 'B'), and
    FROM compare_mentions('A', 'B') has every mention.
    """
    settings = load()
    asyncio.run(_read_up_to_now(settings))
    found = history.compare(settings.home, a, b, EXAMPLES)
    print_comparison(found, form, title=f"A = {a}, B = {b}")


async def _read_up_to_now(settings: Settings) -> None:
    try:
        ends = await ends_now(await open_log(settings, COMPARE_ANSWER_LIMIT_S), (ANALYSES, PROMPTS))
    except (EarmarkError, KafkaError) as error:
        click.echo(f"only what the read model has read so far is compared: {error}", err=True)
        return
    await catch_up(settings.home, ends)


async def _prompt(settings: Settings, name: str) -> Prompt:
    return named(await read_prompts(await open_log(settings)), name)


def _filter(settings: Settings, since: Since | None, channel: str | None, sample: int | None) -> ReplayFilter:
    channel_id = None if channel is None else history.channel_id_of(settings.home, channel)
    at = None if since is None else since.at
    return ReplayFilter(since=at, channel_id=channel_id, sample=sample)
