"""Whose failure a sentence is: what YouTube, or yt-dlp in its name, says instead of a video.

Only the fixed part of a sentence is matched, from its beginning: the names in it are other people's words. A sentence that
no row knows is nobody's yet (`unknown`). `tests/unit/ytdlp/test_raise_sites.py` lists those of the installed yt-dlp.
"""

import re
from typing import Literal

Owner = Literal["permanent", "slow", "later", "not_yet", "soon", "unknown"]
"""permanent, slow, later: the video's, for good, for days, for now; not_yet: it has not aired; soon: YouTube refuses us."""

# YouTube puts "Video unavailable. " before many reasons, and the reason itself as the second sentence.
_TABLE: tuple[tuple[Owner, str], ...] = (
    # YouTube refuses: the session, the address, the client, the network.
    ("soon", r"sign in to confirm you're not a bot"),
    ("soon", r"please sign in"),
    ("soon", r"login required"),
    ("soon", r"this content isn't available, try again later"),
    ("soon", r"(your account|the current session) has been rate-limited"),
    ("soon", r"all player responses are invalid\. your ip is likely being blocked"),
    ("soon", r"(the|this) page needs to be reloaded"),
    ("soon", r"(this video is |the following content is )?not available on this app"),
    ("soon", r"(this video is |the following content is )?not available on this (device|browser)"),
    ("soon", r"youtube is no longer supported in this application"),
    ("soon", r"this (video|content) is restricted\. please check the google workspace"),
    ("soon", r"(this video is )?restricted by your network"),
    ("soon", r"(the )?video is blocked on this network"),
    ("soon", r"an error occurred"),
    ("soon", r"something went wrong"),
    ("soon", r"(error|unable to [^:]*): http error (403|429)"),
    ("soon", r"there are missing subtitles languages because a po token was not provided"),
    # Closed, but not for ever: members-first videos open up, private ones are published.
    ("slow", r"private video"),
    ("slow", r"this video is private"),
    ("slow", r"join this channel to get access to members-only"),
    ("slow", r"this video is available to this channel's members"),
    ("slow", r"(this is a |this video is )?members-only"),
    ("slow", r"sign in to confirm your age"),
    ("slow", r"(this video is |the following content is )?age[- ]restricted"),
    ("slow", r"this video may be inappropriate for some users"),
    # Gone.
    ("permanent", r"this video has been removed"),
    ("permanent", r"this video is no longer available"),
    ("permanent", r"this video isn't available any ?more"),
    ("permanent", r"the youtube account associated with this video has been (terminated|closed)"),
    ("permanent", r"(this|the) account (associated with this video )?has been (terminated|closed)"),
    ("permanent", r"(this|the) uploader has closed their youtube account"),
    ("permanent", r"(this|the) live ?(stream|event) recording is not available"),
    ("permanent", r"(this video|this live event)( requires| is only available with) (payment|a purchase)"),
    ("permanent", r"(this video is |)only available (to|for) (youtube )?music premium members"),
    ("permanent", r"this video is only available to premium members"),
    ("permanent", r"this video is drm protected"),
    ("permanent", r"this video does not exist"),
    ("permanent", r"(this video contains content from )(?!.*in your country)(.*), who has blocked it"),
    # Not here, or not now.
    ("later", r"this video contains content from .* in your country"),
    ("later", r"the uploader has not made this video available in your country"),
    ("later", r"this video is not available( in your country)?($|\W)"),
    ("later", r"this video is unavailable"),
    ("later", r"we're processing this video"),
    # It has not aired, or is on air.
    ("not_yet", r"(this video )?premieres? (in|will begin)"),
    ("not_yet", r"this (live )?(event|stream) will begin"),
    ("not_yet", r"(this live (event|stream) (is )?|)offline"),
    ("not_yet", r"waiting for (the )?(scheduled start|.* to start)"),
    ("not_yet", r"this live event has ended"),
)
_ROWS = tuple((owner, re.compile(pattern)) for owner, pattern in _TABLE)
_PREFIX = "video unavailable. "
# yt-dlp's own words behind a reason: what stands before them may be anything.
_CAPTCHA = "youtube is requiring a captcha challenge before playback"
_STATUS = re.compile(r"HTTP Error (\d{3})\b")


def owner_of(sentence: str) -> Owner:
    """Whose failure `sentence` is."""
    plain = " ".join(sentence.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower().split())
    if plain.rstrip(".").endswith(_CAPTCHA):
        return "soon"
    bare = plain.removeprefix(_PREFIX)
    for owner, row in _ROWS:
        if row.match(bare):
            return owner
    return "later" if bare.rstrip(".") == "video unavailable" else "unknown"


def owner_of_status(status: int) -> Owner:
    """Whose failure an HTTP status is: YouTube gives 403 and 429, and what begins with 5, to everybody."""
    return "soon" if status in (403, 429) or status >= 500 else "unknown"


def owner_of_error(kind: str, sentence: str, status: int | None) -> Owner:
    """Whose failure yt-dlp's error is: the parts of an ExtractionError. A network that fails is nobody's but ours."""
    if kind == "TransportError" or (status is not None and owner_of_status(status) == "soon"):
        return "soon"
    return owner_of(sentence)


def status_in(lines: list[str]) -> int | None:
    """The last HTTP status that yt-dlp's warnings name: it goes on after a refused request as if nothing had come."""
    statuses = [int(found[1]) for line in lines for found in _STATUS.finditer(line)]
    return statuses[-1] if statuses else None


_NUMBER = re.compile(r"\b(?:in|for) (?:about )?(\d+) (minute|hour|day|week|month)s?\b")
_UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000}


def seconds_to_start(sentence: str) -> int | None:
    """The seconds that an announcement names ("Premieres in 3 hours"), or None."""
    found = _NUMBER.search(sentence.lower())
    return None if found is None else int(found[1]) * _UNITS[found[2]]
