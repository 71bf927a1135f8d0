"""A feed gives ids, titles and exact times, newest first; what is no feed has a named error."""

from datetime import UTC, datetime

import pytest

from streams.discovery.feed import FeedError, parse

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015"'
    ' xmlns="http://www.w3.org/2005/Atom"><title>Plain &amp; Fair</title>'
    "<published>2015-01-01T00:00:00+00:00</published>"
)


def entry(video_id: str, published: str, path: str = "watch?v=") -> str:
    return (
        f"<entry><yt:videoId>{video_id}</yt:videoId><title>Title of {video_id}</title>"
        f'<link rel="alternate" href="https://www.youtube.com/{path}{video_id}"/>'
        f"<published>{published}</published></entry>"
    )


def test_entries_come_newest_first_with_their_exact_time() -> None:
    feed = parse(
        "\n"
        + HEAD
        + entry("old00000000", "2026-11-01T10:00:00+00:00")
        + entry("new00000000", "2026-11-02T12:30:00+02:00", "shorts/")
        + "</feed>"
    )
    newest, oldest = feed.listed
    assert feed.title == "Plain & Fair"
    assert (newest.video_id, newest.title, newest.is_short) == ("new00000000", "Title of new00000000", True)
    assert newest.published_at == datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
    assert (oldest.video_id, oldest.is_short) == ("old00000000", False)


def test_a_channel_without_videos_has_an_empty_feed() -> None:
    assert parse(HEAD + "</feed>").listed == ()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Error 404 (Not Found)!!1</title>",
        "<html><body/></html>",
        HEAD + "<entry><title>no id</title></entry></feed>",
        HEAD + entry("abcdefghijk", "yesterday") + "</feed>",
        HEAD + entry("abcdefghijk", "2026-11-01T10:00:00") + "</feed>",
        HEAD,
    ],
)
def test_what_is_no_feed_is_said(body: str) -> None:
    with pytest.raises(FeedError, match="YouTube's feed"):
        parse(body)
