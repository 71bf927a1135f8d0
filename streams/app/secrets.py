"""What no line may hold: the key, the password, the cookies."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from pydantic import SecretStr

from streams.settings import Settings

HIDDEN = "(hidden)"
# A shorter one would be found in ordinary words, and whoever may read the log may guess it anyway.
SHORTEST = 4
# Cookies say yes and no and which language, too.
SHORTEST_COOKIE = 8


class Secrets:
    """Known secret values."""

    def __init__(self, values: Iterable[str]) -> None:
        written = {form for value in values if len(value) >= SHORTEST for form in _forms(value)}
        # The longest first: one may be the beginning of another.
        self._any = (
            re.compile("|".join(map(re.escape, sorted(written, key=len, reverse=True)))) if written else None
        )

    def hide(self, text: str) -> str:
        """`text` with each of them blanked, as it is or as JSON, Python or an address would write it."""
        return text if self._any is None else self._any.sub(HIDDEN, text)


def of_settings(settings: Settings) -> Iterator[str]:
    """The secrets among the settings, and what stands in the files that they name."""
    for _, value in settings:
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    if settings.cookies is not None:
        yield from of_cookies(settings.cookies)


def of_cookies(file: Path) -> Iterator[str]:
    """The values in a cookies.txt (Netscape's format) that can be secrets."""
    for line in file.read_text(errors="replace").splitlines():
        fields = line.split("\t")
        if len(fields) == 7 and len(fields[6]) >= SHORTEST_COOKIE:
            yield fields[6]


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield quote(value, safe="")
