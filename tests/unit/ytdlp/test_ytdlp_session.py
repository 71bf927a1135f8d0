from contextlib import closing
from pathlib import Path

import pytest

from streams.ytdlp.process import ExtractionError, Options
from streams.ytdlp.session import Session, redirect

ORIGIN = "http://127.0.0.1:9"


@pytest.mark.parametrize("host", ["www.youtube.com", "youtube.com", "m.youtube.com", "consent.youtube.com"])
def test_youtube_is_asked_at_the_given_origin(host: str) -> None:
    assert redirect(f"https://{host}/watch?v=x#t", ORIGIN) == f"{ORIGIN}/watch?v=x#t"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://i.ytimg.com/x.jpg",
        "https://youtube.com.example.org/",
        "https://notyoutube.com/",
        "http://127.0.0.1:9/watch",
    ],
)
def test_nobody_else_is_asked_while_an_origin_stands_in(elsewhere: str) -> None:
    with (
        closing(Session(Options(youtube_url=ORIGIN))) as session,
        pytest.raises(ExtractionError, match="is refused: EARMARK_YOUTUBE_URL"),
    ):
        session.get(elsewhere)


def test_a_cookies_file_is_read_and_never_written(tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n.youtube.com\tTRUE\t/\tTRUE\t0\tSID\tsecret\n")
    before = cookies.read_bytes()
    with closing(Session(Options(cookies=cookies))) as session:
        assert [cookie.name for cookie in session._ydl.cookiejar] == ["SID"]
    assert cookies.read_bytes() == before


@pytest.mark.parametrize(
    ("clients", "cookies", "asked"),
    [
        (("visionos",), False, ["visionos"]),
        (("visionos", "tv"), True, ["tv"]),
        (("visionos",), True, ["default"]),
    ],
)
def test_a_client_that_cannot_log_in_gets_no_cookies(
    tmp_path: Path,
    clients: tuple[str, ...],
    cookies: bool,  # noqa: FBT001  a parameter of the table
    asked: list[str],
) -> None:
    jar = tmp_path / "cookies.txt"
    jar.write_text("# Netscape HTTP Cookie File\n")
    with closing(Session(Options(clients=clients, cookies=jar if cookies else None))) as session:
        assert session._arguments["youtube"]["player_client"] == asked
