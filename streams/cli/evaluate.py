"""`earmark evaluate`: how well a prompt hears, against calls that a person heard."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import click

from streams.cli.evaluate_output import Evaluated, print_evaluation
from streams.cli.log import open_log
from streams.cli.terminal import say
from streams.cli.usd import Usd
from streams.errors import EarmarkError, RefusedError
from streams.evaluation.against import against
from streams.evaluation.gold import Gold, sentence
from streams.evaluation.questions import Question
from streams.evaluation.read_gold import read_gold
from streams.evaluation.score import Asked, score
from streams.evaluation.tasks import TASKS
from streams.events.prompts import Prompt
from streams.prompts.registry import named, read_prompts
from streams.settings import load


class Bar(click.ParamType):
    """A task and the macro-F1 that it must reach, like T=.60."""

    name = "task=f1"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """The task, and a share from 0 to 1."""
        task, _, least = str(value).partition("=")
        try:
            share = float(least)
        except ValueError:
            share = -1.0
        if task not in TASKS or not 0 <= share <= 1:
            self.fail(
                f"{value!r}: write a task ({', '.join(TASKS)}) and a share of 1, like T=.60", param, ctx
            )
        return task, share


class BelowBarError(EarmarkError):
    """A prompt scores less than --fail-under asks for."""


@click.command()
@click.argument("gold")
@click.option(
    "--prompt",
    "prompts",
    multiple=True,
    metavar="NAME",
    help="Ask with this prompt; a second one is compared with the first.",
)
@click.option(
    "--max-usd",
    type=Usd(),
    help="US dollars that this run may be charged, at most; 0 scores what the log holds.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N videos of the set.")
@click.option(
    "--fail-under",
    "bars",
    multiple=True,
    type=Bar(),
    help="Exit 1 if the last prompt's macro-F1, with abstention counted, is lower: T=.60, TA=.45 or TAC=.20.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    help="Format of the output.",
)
def evaluate(
    gold: str,
    prompts: tuple[str, ...],
    max_usd: Decimal | None,
    limit: int | None,
    bars: tuple[tuple[str, float], ...],
    form: str,
) -> None:
    """Say how well a prompt hears the calls of GOLD: a folder, a CSV of VideoConviction, or `demo`.

    Without --prompt it says what is in the set. With it, Claude is asked about each video that the log has no answer for,
    within EARMARK_EVALUATION_SHARE of the daily cap, and nothing is published. The answers stay in the log, so the same
    question is never paid for twice. If a limit is reached, there is no score, and the exit code is 3: run it again.
    """
    if len(prompts) > 2:
        raise click.UsageError("--prompt: one prompt, or two to be compared")
    chosen = read_gold(gold).first(limit)
    if not prompts:
        say(sentence(chosen), folds=True)
        return
    asyncio.run(_evaluate(chosen, prompts, max_usd, bars, form))


async def _evaluate(
    gold: Gold, names: Sequence[str], max_usd: Decimal | None, bars: Sequence[tuple[str, float]], form: str
) -> None:
    from streams.analysis.names import bundled  # noqa: PLC0415  ICU
    from streams.analysis.symbols import Symbols, read_symbols  # noqa: PLC0415  ICU
    from streams.app.asking import ask_claude  # noqa: PLC0415  the SDK
    from streams.evaluation.look_up import look_up  # noqa: PLC0415  Kafka

    settings = load()
    symbols = Symbols(None if settings.symbols is None else read_symbols(settings.symbols), bundled())
    connection = await open_log(settings)
    registered = await read_prompts(connection)
    prompts = [named(registered, name) for name in names]
    asked = await look_up(connection, gold, prompts, symbols)
    why = None
    if max_usd != 0 and not all(map(_is_whole, asked)):
        questions = [Question(video, prompt) for prompt in prompts for video in gold.videos]
        why = await ask_claude(settings, connection, questions, max_usd)
        asked = await look_up(connection, gold, prompts, symbols)
    found = [_evaluated(prompt, of, symbols) for prompt, of in zip(prompts, asked, strict=True)]
    is_whole = all(one.score for one in found)
    compared = against(*asked) if is_whole and len(asked) == 2 else None
    print_evaluation(gold, found, compared, form)
    if not is_whole:
        raise RefusedError(f"incomplete, no score: {why or 'not every video was asked about'}")
    _hold_to(bars, found[-1])


def _is_whole(asked: Asked) -> bool:
    return all(answer.state != "not asked" for _, answer in asked)


def _evaluated(prompt: Prompt, asked: Asked, symbols: Any) -> Evaluated:
    states = Counter[str](answer.state for _, answer in asked)
    return Evaluated(prompt, states, score(asked, symbols) if _is_whole(asked) else None)


def _hold_to(bars: Sequence[tuple[str, float]], one: Evaluated) -> None:
    for task, least in bars:
        figure = one.score.tasks[task]["counted"] if one.score else None
        if figure is not None and figure.value < least:
            raise BelowBarError(
                f"{one.prompt.name} has a macro-F1 of {figure.value:.3f} in {task}, and --fail-under asks for {least:g}"
            )
