"""The answers that the log holds on a gold set's videos."""

from collections.abc import Sequence

from streams.analysis.symbols import Symbols
from streams.evaluation.answers import Answers
from streams.evaluation.gold import Gold
from streams.evaluation.questions import Question
from streams.evaluation.score import Asked
from streams.events.prompts import Prompt
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.topics import EVALUATIONS


async def look_up(
    connection: Connection, gold: Gold, prompts: Sequence[Prompt], symbols: Symbols
) -> list[Asked]:
    """For each prompt, every video of the set with what the log says of it."""
    answers = Answers()

    def take(record: Record) -> None:
        answers.apply(record)

    await read(connection, [EVALUATIONS], take)
    return [
        [(video, answers.of(Question(video, prompt), symbols)) for video in gold.videos] for prompt in prompts
    ]
