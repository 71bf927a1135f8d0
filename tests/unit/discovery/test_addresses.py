"""Every usual form of a video and of a channel comes to one form; anything else is a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.discovery.addresses import channel_url_of, video_id_of, watch_url
from streams.errors import EarmarkError

ID = "a-B_3456789"
CHANNEL = "UC0123456789abcdefghijkl"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"https://www.youtube.com/watch?v={ID}",
        f"https://m.youtube.com/watch?app=desktop&v={ID}&t=42s",
        f"youtube.com/watch?v={ID}",
        f"https://youtu.be/{ID}?si=abc",
        f"youtu.be/{ID}",
        f"https://www.youtube.com/shorts/{ID}",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"http://youtube.com/embed/{ID}",
    ],
)
def test_a_video_is_found_in_every_usual_form(text: str) -> None:
    assert video_id_of(text) == ID


@given(st.from_regex(r"[A-Za-z0-9_-]{11}", fullmatch=True))
def test_every_id_survives_its_own_address(video_id: str) -> None:
    assert video_id_of(video_id) == video_id_of(watch_url(video_id)) == video_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "short",
        f"{ID}x",
        f"https://example.com/watch?v={ID}",
        "https://youtu.be/",
        "https://www.youtube.com/@me",
    ],
)
def test_what_is_no_video_is_refused_by_name(text: str) -> None:
    with pytest.raises(EarmarkError, match="is no video"):
        video_id_of(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (CHANNEL, f"https://www.youtube.com/channel/{CHANNEL}"),
        ("@name.of-it", "https://www.youtube.com/@name.of-it"),
        ("https://www.youtube.com/@name/videos", "https://www.youtube.com/@name"),
        ("youtube.com/@name?sub=1", "https://www.youtube.com/@name"),
        (f"https://m.youtube.com/channel/{CHANNEL}/streams", f"https://www.youtube.com/channel/{CHANNEL}"),
        ("https://www.youtube.com/c/Name", "https://www.youtube.com/c/Name"),
        ("https://www.youtube.com/user/Name/about", "https://www.youtube.com/user/Name"),
        ("https://www.youtube.com/Name", "https://www.youtube.com/Name"),
    ],
)
def test_a_channel_is_found_in_every_usual_form(text: str, url: str) -> None:
    assert channel_url_of(text) == url


@pytest.mark.parametrize(
    "text", ["", "name", "UCtooshort", "https://example.com/@name", f"youtube.com/watch?v={ID}"]
)
def test_what_is_no_channel_is_refused_by_name(text: str) -> None:
    with pytest.raises(EarmarkError, match="is no channel"):
        channel_url_of(text)
