"""The text that a viewer sees of a caption's text as it is written."""

import html
import re

from streams.events.text import whole

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
# Only what is known to be a tag: "a < b" and "5 < 6 > 4" are words.
_TAG = re.compile(
    r"</?(?:b|i|u|s|c|v|lang|ruby|rt)(?:\.[\w.-]+)*\s*/?>"  # <i>, </c>, <c.colorE5E5E5>
    r"|<(?:v|lang)(?:\.[\w.-]+)*\s[^<>]*>"  # <v Speaker>
    r"|</?(?:font|span)(?:\s[^<>]*)?>"
    r"|<(?:\d+:)?\d\d:\d\d\.\d{3}>"
    r"|\{\\[^{}]*\}",  # {\an8}
    re.IGNORECASE,
)
# With its semicolon: html.unescape alone reads "AT&GT" as "AT>".
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE)


def plain(text: str) -> str:
    """`text` without style tags, its HTML entities decoded once, its blanks single, fit to be encoded as UTF-8.

    Halves of a surrogate pair are joined; a half without the other becomes U+FFFD.
    """
    # Tags go first: what an entity spells (&lt;i&gt;) is meant to be read.
    text = _TAG.sub("", _BREAK.sub(" ", whole(text)))
    return " ".join(_ENTITY.sub(lambda entity: html.unescape(entity[0]), text).split())
