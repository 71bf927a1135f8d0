"""A channel's RSS feed (Atom, really): about its 15 newest videos with exact times."""

from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError, fromstring

from streams.discovery.addresses import is_video_id
from streams.discovery.listing import Listed
from streams.errors import EarmarkError

_ATOM = "{http://www.w3.org/2005/Atom}"
_YT = "{http://www.youtube.com/xml/schemas/2015}"


class FeedError(EarmarkError):
    """YouTube gave no feed; it does so at times for channels that are well."""


@dataclass(frozen=True)
class Feed:
    """The channel's title and its videos, newest first."""

    title: str | None
    listed: tuple[Listed, ...]


def parse(body: str) -> Feed:
    """The feed in `body`. Raises FeedError where there is none."""
    try:
        root = fromstring(body.strip())  # noqa: S314  expat itself bounds entity expansion
    except (ParseError, ValueError, LookupError) as error:  # the last two: of its encoding
        raise FeedError(f"YouTube's feed is no XML: {error}") from error
    if root.tag != f"{_ATOM}feed":
        raise FeedError(f"YouTube's feed is no Atom feed but <{root.tag}>")
    listed = [_listed(entry) for entry in root.iter(f"{_ATOM}entry")]
    return Feed(root.findtext(f"{_ATOM}title"), tuple(sorted(listed, key=_published, reverse=True)))


def _listed(entry: Element) -> Listed:
    video_id, published = entry.findtext(f"{_YT}videoId"), entry.findtext(f"{_ATOM}published")
    if video_id is None or not is_video_id(video_id) or published is None:
        raise FeedError(
            f"YouTube's feed has an entry without a video id or a time: {video_id!r}, {published!r}"
        )
    link = entry.find(f"{_ATOM}link")
    return Listed(
        video_id=video_id,
        title=entry.findtext(f"{_ATOM}title"),
        published_at=_time(published),
        is_short=link is not None and "/shorts/" in link.get("href", ""),
    )


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise FeedError(f"YouTube's feed has a time without a zone: {text!r}")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FeedError(f"YouTube's feed has a time that is none: {text!r}") from error


def _published(listed: Listed) -> float:
    return listed.published_at.timestamp() if listed.published_at else 0.0
