"""How values are written on a page: what strangers said is text, whatever letters are in it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qs, urlencode, urlsplit

import regex
from markupsafe import Markup

# Letters that draw nothing, or turn the letters after them round, would hide what stands there. Joiners and the signs that
# choose a form stay: scripts and emoji are not read without them.
_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: "\u2421"}
_TURNS = dict.fromkeys(
    [
        *range(0x80, 0xA0),
        *(0x061C, 0x115F, 0x1160, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *(0x3164, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFA, 0xFFFB),
        *range(0xE0000, 0xE0080),
    ],
    "\ufffd",
)
# So many marks on one letter are no word's, and no line can be broken in them: the next begins on a letter of its own.
_HEAP = regex.compile(r"\p{M}{8}(?=\p{M})")
_HIDDEN: dict[int, str] = _CONTROLS | _TURNS
_SIGNS = {
    "buy": "▲",
    "sell": "▼",
    "avoid": "▼",
    "hold": "●",
    "watch": "●",
    "bullish": "▲",
    "bearish": "▼",
    "neutral": "●",
    "mixed": "◆",
}
_VIDEO = "https://www.youtube.com/watch"


def visible(value: object) -> object:
    """What a template prints for a value: strangers' text with every letter in view, nothing for None."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, str):
        shown = value.translate(_HIDDEN)
        return shown if shown.isascii() else _HEAP.sub("\\g<0>\u25cc", shown)
    return "" if value is None else value


def sign(word: str | None) -> str:
    """The sign of an action or a direction, beside which its word always stands."""
    return _SIGNS.get(word or "", "")


def usd(amount: Decimal | float | None) -> str:
    """US dollars: four places below a dollar, two from there on."""
    if amount is None:
        return ""
    return f"${amount:,.4f}" if amount and -1 < amount < 1 else f"${amount:,.2f}"


def count(number: int | None) -> str:
    """A number with a comma every three digits."""
    return "" if number is None else f"{number:,}"


def share(part: float | None) -> str:
    """A part of one, in percent."""
    return "" if part is None else f"{part:.0%}"


def moment(at: datetime | date | None, precision: str | None = None) -> Markup:
    """A time to the minute with its zone, UTC, or a day; a machine reads it, too. `precision`: `day` where no more is known."""
    if at is None:
        return Markup()
    if isinstance(at, datetime):
        at = at.astimezone(UTC)
        if precision == "day":
            return moment(at.date())
        shown = f"{at:%Y-%m-%d %H:%M} UTC"
    else:
        shown = f"{at:%Y-%m-%d}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), shown)


def clock(ms: int | None) -> str:
    """A place in a video: 1:02:03 or 2:03."""
    if ms is None:
        return ""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def watch_at(url: str | None, start_ms: int | None = None) -> str | None:
    """YouTube's address of a video, at a second; None for an address that is no video of YouTube's, which nobody links to."""
    if url is None or not url.startswith(f"{_VIDEO}?"):
        return None
    video = parse_qs(urlsplit(url).query).get("v", [""])[0]
    if not video:
        return None
    at = {} if start_ms is None else {"t": f"{start_ms // 1000}s"}
    return f"{_VIDEO}?{urlencode({'v': video, **at})}"
