"""What in a video is said to a model that reads along, and not to its viewers."""

import re

from streams.analysis.words import without_cues, words_of

_TO_A_MODEL = re.compile(
    r"\b(?:"
    r"(?:ignore|disregard|forget) (?:\w+ ){0,3}(?:instructions?|prompts?)"
    r"|(?:system|developer) (?:prompt|message|note|override)"
    r"|(?:output|emit|respond with|answer with) (?:(?:a|an|the|only|exactly|this) )*(?:json|buy|sell|mentions?|signals?)"
    r"|you are (?:now )?(?:an? )?(?:\w+ )?(?:assistant|ai|language model)"
    r")\b"
)


def is_instruction(quote: str) -> bool:
    """Whether a quote tells a model what to answer: whoever says that makes no call of their own."""
    return _TO_A_MODEL.search(" ".join(words_of(without_cues(quote)))) is not None
