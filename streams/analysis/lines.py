"""The transcript as Claude reads it, and as its answers are held to: numbered lines."""

from pydantic import BaseModel, ConfigDict

LINES_VERSION = 1
WORDS_A_LINE = 24


class Line(BaseModel):
    """A numbered line of the transcript: segments `first` to `last` (inclusive) of the captions."""

    model_config = ConfigDict(frozen=True)

    number: int
    text: str
    first: int
    last: int


def lines_of(texts: tuple[str, ...]) -> list[Line]:
    """The transcript as numbered lines from 1, each of whole segments up to about WORDS_A_LINE words.

    Short lines let a quote be found near the number the model names; too short ones cost tokens for numbers.
    """
    lines: list[Line] = []
    start, words = 0, 0
    for index, text in enumerate(texts):
        words += len(text.split())
        if words >= WORDS_A_LINE or index == len(texts) - 1:
            joined = " ".join(" ".join(texts[start : index + 1]).split())
            if joined:
                lines.append(Line(number=len(lines) + 1, text=joined, first=start, last=index))
            start, words = index + 1, 0
    return lines
