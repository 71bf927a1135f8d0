"""Text that can be written down as UTF-8, whoever made it."""

from typing import Any


def whole(text: str) -> str:
    """`text` with the halves of surrogate pairs joined; a half without the other becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


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
