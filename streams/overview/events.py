"""The newest events in words, a line each."""

from decimal import Decimal

from projections.newest import Newest
from streams.events.text import printable
from streams.overview.model import Happened

LONGEST_TITLE = 48
_SENTENCES = {
    "found": "found {of}",
    "captions": "heard {of}: {detail} words",
    "captions-later": "captions of {of} come later: {detail}",
    "no-captions": "no captions of {of}, for good: {detail}",
    "analysed": "analysed {of} for ${usd:.4f} with {detail}",
    "attempt-failed": "a call failed on {of}: {detail}",
    "failed": "no analysis of {of}, for good: {detail}",
    "call": "published {detail} in {of}",
    "changed": "changed {detail} in {of}",
    "retracted": "retracted {detail} in {of}",
    "dead-letter": "dead letter {detail}",
    "followed": "followed {channel}",
    "unfollowed": "unfollowed {channel}",
}


def in_words(newest: Newest) -> Happened:
    """What happened, with a stranger's words on one line."""
    words = _SENTENCES[newest.kind].format(
        of=_name(newest),
        detail=newest.detail or "",
        usd=newest.usd or Decimal(0),
        channel=newest.channel or "a channel",
    )
    return Happened(newest.at, printable(words))


def _name(newest: Newest) -> str:
    title = newest.title or newest.video_id or "a video"
    short = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1].rstrip()}…"
    return f"“{short}”" + (f" ({newest.channel})" if newest.channel else "")
