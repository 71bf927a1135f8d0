"""What a video costs, learnt from the newest analyses in the log."""

from streams.budget.forecast import Forecast, Sample, learn, transcript_bytes
from streams.budget.prices import price
from streams.events.analyses import AnalysisCompleted
from streams.events.captions import CaptionsExtracted
from streams.events.envelope import UndecodableError
from streams.events.ledger import Usage
from streams.events.prompts import Prompt
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.fetch import Fetcher, fetcher
from streams.log.gaps import GapError
from streams.log.topics import ANALYSES, CAPTIONS
from streams.prompts.registry import Prompts

NEWEST = 5
"""How many records at the end of each partition of `analyses` are looked at."""


async def read_forecast(connection: Connection, prompts: Prompts, prompt: Prompt) -> Forecast:
    """The forecast for `prompt` by the newest analyses that its model made, a few of each partition.

    Raises UnknownPriceError before it reads anything.
    """
    price(prompt.model, Usage(input_tokens=0, output_tokens=0))
    newest: list[Record] = []
    async with fetcher(connection) as log:
        starts = await log.starts(ANALYSES)
        for partition, end in (await log.ends(ANALYSES)).items():
            await log.read(ANALYSES, partition, max(starts[partition], end - NEWEST), end, newest.append)
        samples = [await _sample(record, log, prompts, prompt.model) for record in newest]
    return Forecast(prompt, learn(sample for sample in samples if sample is not None))


async def _sample(record: Record, log: Fetcher, prompts: Prompts, model: str) -> Sample | None:
    """The sample in a record; None if it is not an analysis by `model` whose bill is known."""
    try:
        done = record.event()
        if not isinstance(done, AnalysisCompleted) or done.model != model or done.usage is None:
            return None
        place = done.captions_at
        captions = (await log.fetch(CAPTIONS, place.partition, place.offset)).event()
    except (
        UndecodableError,
        GapError,
    ):  # a newer Earmark wrote it, or it is gone: there are others to learn from
        return None
    if not isinstance(captions, CaptionsExtracted) or done.prompt_id not in prompts.by_id:
        return None
    return Sample(
        prompt_bytes=len(prompts.by_id[done.prompt_id].words.encode()),
        transcript_bytes=transcript_bytes(captions.texts),
        seconds=max(captions.ends_ms) / 1000,
        usage=done.usage,
    )
