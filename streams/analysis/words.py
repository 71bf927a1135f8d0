"""What a word is: how words are compared, and how many a text has."""

import re
import unicodedata
from itertools import islice

import regex

# By dictionary, as Thai, Lao, Khmer, Burmese, Han and kana need it: `regex` has UAX 29 too, but only its rules, by
# which each of their letters is a word. ICU carries the dictionaries.
from icu4py.breakers import WordBreaker

# What a captioner adds ([Music]) and what we add ([7], a line's number). The bound keeps a stray bracket harmless.
_CUE = regex.compile(r"[\[\uff3b][^\[\]\uff3b\uff3d]{0,80}[\]\uff3d]")
# Nobody sees the invisible (U+200B parts words), and whether Arabic and Hebrew are pointed is up to who writes.
_UNCOMPARED = regex.compile(
    r"(?V1)[[\p{Default_Ignorable_Code_Point}--\u200b]\u0640[[\p{scx=Arabic}\p{scx=Hebrew}]&&\p{Mn}]]"
)
# Line break class SA is the scripts of South East Asia that put no blanks between words.
_UNSPACED = r"[[\p{Line_Break=SA}\p{Han}\p{Hiragana}\p{Katakana}\u30fc]&&[\p{L}\p{N}]]"
_UNIT = regex.compile(
    rf"(?V1){_UNSPACED}(?:\p{{M}}|(?<=[\u17d2\u1039\u1a60]){_UNSPACED})*"  # a stacked letter is part of its cluster
    rf"|[[\p{{L}}\p{{N}}]--{_UNSPACED}][[\p{{L}}\p{{N}}\p{{M}}]--{_UNSPACED}]*"
)

_ASCII_UNIT = re.compile(r"[a-z0-9]+")


def without_cues(text: str) -> str:
    """`text` without what stands in square brackets; its line breaks stay."""
    return str(_CUE.sub(lambda cue: " " + "\n" * cue[0].count("\n"), text))


def words_of(text: str) -> list[str]:
    """The words of `text` (without cues) as they are compared: case, width, punctuation and blanks do not matter.

    Scripts without blanks are compared letter by letter, each with its marks: how a row of letters falls into words
    depends on what stands beside it, and a quote stands beside something else than what it quotes.
    """
    if text.isascii():
        # What follows comes to the same, at a fifth of the speed.
        return _ASCII_UNIT.findall(text.lower())
    folded = _UNCOMPARED.sub("", _fold(_fold(text)))
    return [str(word) for word in _UNIT.findall(unicodedata.normalize("NFC", folded))]


def has_words(text: str, least: int) -> bool:
    """Whether `text` (without cues) has so many words for its readers, by Unicode's word segmentation (UAX 29)."""
    words = (piece for piece in WordBreaker(text, "") if words_of(piece))
    return next(islice(words, least - 1, None), None) is not None


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
