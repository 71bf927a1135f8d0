"""Text that can be written down as UTF-8 and shown on a terminal, whoever made it."""

from typing import Any

_JOINERS = "\u200c\u200d"


def whole(text: str) -> str:
    """`text` with the halves of surrogate pairs joined; a half without the other becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def printable(text: str, layout: str = "") -> str:
    """`text` with a blank for each control character but those of `layout`: a terminal obeys them, and words are a stranger's.

    What joins letters or keeps them apart stays: Persian, Indian scripts and emoji are not read without it.
    """
    return "".join(
        character if character.isprintable() or character in _JOINERS or character in layout else " "
        for character in text
    )


def whole_json(value: Any) -> Any:
    """A JSON value with every text in it whole."""
    match value:
        case str():
            return whole(value)
        case list():
            return [whole_json(item) for item in value]
        case dict():
            return {whole(name): whole_json(item) for name, item in value.items()}
        case _:
            return value
