"""What YouTube's player says instead of playing, in its own words.

The sentences are YouTube's as yt-dlp's tests and the public issues of its users have them; status and error screen
are where yt-dlp's reader looks for them (`playabilityStatus`, extractor/youtube/_video.py).
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Refusal:
    """An answer of the player: `status`, `reason` and, on the error screen, `subreason`.

    `http`: the player API fails with this status and the watch page still plays. `captcha`: the error screen asks for
    one. `licensed`: formats only under a licence (DRM), so there is nothing to say.
    """

    status: str
    reason: str
    subreason: str | None = None
    http: int | None = None
    captcha: bool = False
    licensed: bool = False


def http_error(status: int) -> Refusal:
    """The player API fails; yt-dlp then goes on with the watch page, without formats and without captions."""
    return Refusal("OK", "", http=status)


def unavailable(subreason: str) -> Refusal:
    """The screen headed "Video unavailable", with the reason below."""
    return Refusal("ERROR", "Video unavailable", subreason)


# Nothing is known of the video: YouTube turns the asker away.
BOT_CHECK = Refusal(
    "LOGIN_REQUIRED",
    "Sign in to confirm you\N{RIGHT SINGLE QUOTATION MARK}re not a bot",
    "This helps protect our community. Learn more",
)
RATE_LIMITED = unavailable("This content isn't available, try again later.")
CAPTCHA = Refusal("ERROR", "Video unavailable", captcha=True)
PLEASE_SIGN_IN = Refusal("LOGIN_REQUIRED", "Please sign in")
RELOAD = Refusal("UNPLAYABLE", "The page needs to be reloaded.")
NOT_ON_THIS_APP = Refusal("ERROR", "This video is not available on this app")
CONTENT_NOT_ON_THIS_APP = Refusal(
    "ERROR",
    "The following content is not available on this app.",
    "Watch on the latest version of YouTube.",
)
APP_UNSUPPORTED = Refusal("ERROR", "YouTube is no longer supported in this application or device.")
RESTRICTED_NETWORK = unavailable(
    "This video is restricted. Please check the Google Workspace administrator and/or the network administrator"
    " restrictions."
)
ERROR_OCCURRED = Refusal("ERROR", "An error occurred. Please try again later.")
WENT_WRONG = Refusal("ERROR", "Something went wrong")
PLAYER_403 = http_error(403)
PLAYER_429 = http_error(429)
PLAYER_500 = http_error(500)

# Not for everybody.
PRIVATE = Refusal("LOGIN_REQUIRED", "Private video", "Sign in if you've been granted access to this video")
THIS_IS_PRIVATE = Refusal(
    "LOGIN_REQUIRED",
    "This video is private",
    "If the owner of this video has granted you access, please sign in.",
)
MEMBERS_ONLY = Refusal(
    "UNPLAYABLE",
    "Join this channel to get access to members-only content like this video, and other exclusive perks.",
)
MEMBERS_OF_A_LEVEL = Refusal(
    "UNPLAYABLE",
    "This video is available to this channel's members on level: Captcha Crew (or any higher level). Join this channel"
    " to get access to members-only content and other exclusive perks.",
)
AGE = Refusal(
    "LOGIN_REQUIRED", "Sign in to confirm your age", "This video may be inappropriate for some users."
)
PAYMENT = Refusal("UNPLAYABLE", "This video requires payment to watch.")
MUSIC_PREMIUM = Refusal("UNPLAYABLE", "This video is only available to Music Premium members")
DRM = Refusal("OK", "", licensed=True)
GEO = Refusal(
    "UNPLAYABLE", "Video unavailable", "The uploader has not made this video available in your country"
)

# Gone, or taken down.
REMOVED = unavailable("This video has been removed by the uploader")
ACCOUNT_TERMINATED = unavailable(
    "This video is no longer available because the YouTube account associated with this video has been terminated."
)
ACCOUNT_CLOSED = unavailable(
    "This video is no longer available because the uploader has closed their YouTube account."
)
NOT_ANYMORE = unavailable("This video isn't available anymore")
NO_RECORDING = Refusal("UNPLAYABLE", "This live stream recording is not available.")
VIOLATION = unavailable("This video has been removed for violating YouTube's Terms of Service")
COPYRIGHT_CLAIM = unavailable(
    "This video is no longer available due to a copyright claim by Captcha Pictures"
)
COPYRIGHT_BLOCK = unavailable(
    "This video contains content from Captcha Pictures, who has blocked it on copyright grounds"
)

# Not ready, or not explained.
PROCESSING = Refusal("UNPLAYABLE", "We're processing this video. Check back later.")
UNAVAILABLE = Refusal("ERROR", "Video unavailable")
NOT_AVAILABLE = Refusal("UNPLAYABLE", "This video is not available")
CONTENT_NOT_AVAILABLE = unavailable("This content isn\N{RIGHT SINGLE QUOTATION MARK}t available.")
UNKNOWN = Refusal("UNPLAYABLE", "The moon is in the way of this video.")


def announced(wait: timedelta, *, premiere: bool) -> Refusal:
    """What is said of a stream or a premiere that begins in `wait`, or is late."""
    if wait <= timedelta(0):
        reason = "Premiere will begin shortly" if premiere else "This live event will begin in a few moments."
        return Refusal("LIVE_STREAM_OFFLINE", reason)
    units = (("day", wait.days), ("hour", wait.seconds // 3600), ("minute", max(wait.seconds // 60, 1)))
    unit, count = next((unit, count) for unit, count in units if count)
    left = f"{count} {unit}{'s' if count > 1 else ''}"
    reason = f"Premieres in {left}" if premiere else f"This live event will begin in {left}."
    return Refusal("LIVE_STREAM_OFFLINE", reason)
