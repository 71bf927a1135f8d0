"""What videos will cost, before they are taken: at the rates of the newest analyses, or at a guess where there are none."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from streams.analysis.prices import price
from streams.events.analyses import AnalysisCompleted
from streams.events.captions import CaptionsExtracted
from streams.events.envelope import UndecodableError
from streams.events.ledger import Usage
from streams.events.prompts import Prompt
from streams.log.connection import Connection
from streams.log.fold import Fetcher, Record, fetcher
from streams.log.prompts import Prompts
from streams.log.topics import ANALYSES, CAPTIONS

FRAME_BYTES = 1100
"""The answer's schema and the lines about the video, which go with every request."""

NEWEST = 5
"""How many records at the end of each partition of `analyses` are looked at."""


@dataclass(frozen=True)
class Sample:
    """An analysis that was paid for: the bytes of its prompt's words and of its transcript, the video's length."""

    prompt_bytes: int
    transcript_bytes: int
    seconds: float
    usage: Usage


@dataclass(frozen=True)
class Rates:
    """What a video comes to. As it is: a guess, for 150 words a minute of 5.5 bytes each, and 3 bytes a token.

    `analyses`: how many the rates were learnt from.
    """

    tokens_a_byte: float = 1 / 3
    bytes_a_second: float = 150 / 60 * 5.5
    seconds_a_video: float = 600.0
    output_tokens: float = 1500.0
    analyses: int = 0


GUESS = Rates()


def transcript_bytes(texts: Iterable[str]) -> int:
    """The size of a transcript, a byte between segments included."""
    return sum(len(text.encode()) + 1 for text in texts)


def learn(samples: Iterable[Sample]) -> Rates:
    """The rates that explain `samples`; GUESS where there are none."""
    known = list(samples)
    if not known:
        return GUESS
    sent = sum(sample.prompt_bytes + sample.transcript_bytes + FRAME_BYTES for sample in known)
    seconds = sum(sample.seconds for sample in known)
    spoken = sum(sample.transcript_bytes for sample in known)
    return Rates(
        tokens_a_byte=sum(sample.usage.prompt_tokens for sample in known) / sent,
        bytes_a_second=spoken / seconds if seconds else GUESS.bytes_a_second,
        seconds_a_video=seconds / len(known) if seconds else GUESS.seconds_a_video,
        output_tokens=sum(sample.usage.output_tokens for sample in known) / len(known),
        analyses=len(known),
    )


@dataclass(frozen=True)
class Forecast:
    """What analyses under `prompt` will cost at list price, as far as `rates` go; nothing is taken off for caching."""

    prompt: Prompt
    rates: Rates

    def of_videos(self, videos: int, seconds: float | None = None) -> Decimal:
        """US dollars for videos that are so many seconds long in all (null: of the usual length).

        Raises UnknownPriceError.
        """
        length = videos * self.rates.seconds_a_video if seconds is None else seconds
        words_bytes = len(self.prompt.words.encode())
        each_bytes = words_bytes + FRAME_BYTES + length * self.rates.bytes_a_second / max(videos, 1)
        # One video's price, many times: a price that rises with the prompt's length is of each call, not of the sum.
        usage = Usage(
            input_tokens=round(each_bytes * self.rates.tokens_a_byte),
            output_tokens=min(round(self.rates.output_tokens), self.prompt.max_tokens),
        )
        return videos * price(self.prompt.model, usage)


async def read_forecast(connection: Connection, prompts: Prompts, prompt: Prompt) -> Forecast:
    """The forecast for `prompt` by the newest analyses that its model made, a few of each partition.

    Raises UnknownPriceError before it reads anything.
    """
    price(prompt.model, Usage(input_tokens=0, output_tokens=0))
    newest: list[Record] = []
    async with fetcher(connection) as log:
        for partition, end in (await log.ends(ANALYSES)).items():
            await log.read(ANALYSES, partition, max(0, end - NEWEST), end, newest.append)
        samples = [await _sample(record, log, prompts, prompt.model) for record in newest]
    return Forecast(prompt, learn(sample for sample in samples if sample is not None))


async def _sample(record: Record, log: Fetcher, prompts: Prompts, model: str) -> Sample | None:
    """What an analysis by `model` tells; None where the record is none."""
    try:
        done = record.event()
        if not isinstance(done, AnalysisCompleted) or done.model != model:
            return None
        place = done.captions_at
        captions = (await log.fetch(CAPTIONS, place.partition, place.offset)).event()
    except UndecodableError:  # one that a newer Earmark wrote: there are others to learn from
        return None
    if not isinstance(captions, CaptionsExtracted) or done.prompt_id not in prompts.by_id:
        return None
    return Sample(
        prompt_bytes=len(prompts.by_id[done.prompt_id].words.encode()),
        transcript_bytes=transcript_bytes(captions.texts),
        seconds=max(captions.ends_ms) / 1000,
        usage=done.usage,
    )
