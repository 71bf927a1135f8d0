"""What videos will cost, before they are taken: at the rates of the newest analyses, or at a guess where there are none."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from streams.budget.prices import price
from streams.events.ledger import Usage
from streams.events.prompts import Prompt

FRAME_BYTES = 1800
"""The answer's schema and the lines about the video, which go with every request."""


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
