"""The answers that the log holds on a gold set's videos."""

from collections.abc import Sequence

from streams.evaluation.answers import Answers
from streams.evaluation.gold import Gold
from streams.evaluation.score import Asked
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed
from streams.events.envelope import UndecodableError
from streams.events.prompts import Prompt
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.topics import ANALYSES


async def look_up(connection: Connection, gold: Gold, prompts: Sequence[Prompt]) -> list[Asked]:
    """For each prompt, every video of the set with what the log says of it."""
    answers = Answers()
    videos = {video.video_id.encode() for video in gold.videos}
    wanted = {prompt.prompt_id for prompt in prompts}

    def take(record: Record) -> None:
        if record.key not in videos:
            return
        try:
            event = record.event()
        except UndecodableError:
            return
        if (
            isinstance(event, AnalysisCompleted | AnalysisFailed | AttemptFailed)
            and event.prompt_id in wanted
        ):
            answers.take((event.video.video_id, event.prompt_id), event)

    await read(connection, [ANALYSES], take)
    return [
        [(video, answers.of((video.video_id, prompt.prompt_id))) for video in gold.videos]
        for prompt in prompts
    ]
