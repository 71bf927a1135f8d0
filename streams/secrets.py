"""What nothing that is written down may hold: the key, the password, the cookies."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

HIDDEN = "(hidden)"
# A shorter one would be found in ordinary words, and whoever may read the log may guess it anyway.
SHORTEST = 4
# Cookies say yes and no and which language, too.
SHORTEST_COOKIE = 8
COLUMNS = 7


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


def of_cookies(file: Path) -> Iterator[str]:
    """The values in a cookies.txt (Netscape's format) that can be secrets; of a line that is none, all of it.

    Nothing where it cannot be read: who needs the cookies says so.
    """
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split("\t")
        if len(fields) == COLUMNS:
            value = fields[-1]
        elif line.startswith("#") or not line.strip():
            continue
        else:
            yield line
            value = line.split()[-1]
        if len(value) >= SHORTEST_COOKIE:
            yield value


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield quote(value, safe="")
