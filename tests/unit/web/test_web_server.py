"""What every answer has, whoever asks and however: headers, one host, two methods, and no word of this machine."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from projections.web import reader, server
from projections.web.page import Asked, NothingThereError, Outside, Page, WrongFilterError
from projections.web.server import HEADERS
from streams.errors import EarmarkError
from tests.builders.examples import EXAMPLES
from tests.builders.site import NOON, publish_large, serving
from tests.builders.snapshot import publish

SECRET = "a-password-in-a-query"  # noqa: S105  none


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("site")
    publish_large(home, 40)
    return home


def typed(client: aiohttp.ClientSession, address: str) -> URL:
    """An address as it is, without what a client would mend."""
    return URL(f"{client._base_url}".rstrip("/") + address, encoded=True)


def failing(asked: Asked) -> Mapping[str, object]:
    raise {
        "filter": WrongFilterError("the window is none"),
        "nothing": NothingThereError("there is no such video"),
        "earmark": EarmarkError(SECRET),
        "other": ValueError(f"{SECRET} in {__file__}"),
    }[asked.path["kind"]]


def asking(asked: Asked) -> Mapping[str, object]:
    asked.rows(asked.query["sql"])
    return {}


def bare(_: Asked) -> Mapping[str, object]:
    return {}


PAGES = (
    *server.PAGES,
    Page("failing", "/failing/{kind}", "base.html", failing),
    Page("asking", "/asking", "base.html", asking),
    Page("bare", "/bare/{name}", "base.html", bare),
    Page("now", "/now", "base.html", bare, outside=True),
)


@pytest.fixture(autouse=True)
def pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAGES", PAGES)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 200),
        ("HEAD", "/", {}, 200),
        ("GET", "/calls.csv", {}, 200),
        ("HEAD", "/calls.json", {}, 200),
        ("GET", "/calls.csv?conviction=2", {}, 400),
        ("GET", "/static/earmark.css", {}, 200),
        ("GET", "/static/earmark.svg", {}, 200),
        ("GET", "/static/../server.py", {}, 404),
        ("GET", "/static/", {}, 404),
        ("GET", "//example.org/", {}, 404),
        ("GET", "/?live=1", {}, 400),
        ("GET", "/failing/filter", {}, 400),
        ("GET", "/failing/nothing", {}, 404),
        ("GET", "/failing/earmark", {}, 500),
        ("GET", "/failing/other", {}, 500),
        ("GET", "/asking?sql=FROM+nowhere", {}, 503),
        ("POST", "/", {}, 405),
        ("PUT", "/calls.csv", {}, 405),
        ("DELETE", "/static/earmark.css", {}, 405),
        ("OPTIONS", "/", {}, 405),
        ("TRACE", "/", {}, 405),
        ("POST", "/nowhere", {}, 404),
        ("GET", "/", {"Host": "example.org"}, 421),
        ("POST", "/", {"Host": "example.org"}, 421),
        ("GET", "/static/earmark.css", {"Host": "example.org"}, 421),
        ("GET", "/nowhere", {"Host": "example.org"}, 421),
    ],
)
async def test_every_answer_has_the_headers(
    home: Path, method: str, path: str, headers: Mapping[str, str], status: int
) -> None:
    """And neither a cookie nor a word of the machine."""
    async with (
        serving(home) as client,
        client.request(method, typed(client, path), headers=headers) as answer,
    ):
        assert answer.status == status
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers.getall("Content-Security-Policy") == [HEADERS["Content-Security-Policy"]]
        assert "Set-Cookie" not in answer.headers
        assert "charset=utf-8" in answer.headers["Content-Type"]
        body = await answer.text()
        assert not [word for word in (SECRET, str(home), "Traceback", __file__, ".py") if word in body]
        if status == 405:
            assert answer.headers["Allow"] == "GET,HEAD"
        if method == "HEAD":
            assert body == ""


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8321", True),
        ("localhost:1", True),
        ("LOCALHOST", True),
        ("[::1]", True),
        ("[::1]:8321", True),
        ("desk.local:8321", True),
        ("Desk.Local", True),
        ("[fe80::1]:80", True),
        ("", False),
        ("example.org", False),
        ("example.org:8321", False),
        ("127.0.0.1.example.org", False),
        ("localhost.example.org:8321", False),
        ("example.org@localhost", False),
        ("example.org#localhost:8321", False),
        ("localhost:8321.example.org", False),
        ("localhost:port", False),
        ("[::2]", False),
        ("::1", False),
        ("0.0.0.0:8321", False),
        ("127.0.0.2", False),
    ],
)
async def test_only_known_names_are_answered(home: Path, host: str, *, is_known: bool) -> None:
    async with serving(home, hosts=("Desk.local", "[FE80::1]")) as client:
        for path in ("/", "/static/earmark.css"):
            async with client.get(path, headers={"Host": host}) as answer:
                assert answer.status == (200 if is_known else 421)
                assert is_known or "EARMARK_DASHBOARD_HOSTS" in await answer.text()


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: example.org\r\nHost: localhost\r\n\r\n",
        b"GET http://localhost/ HTTP/1.1\r\nHost: example.org\r\n\r\n",
    ],
)
async def test_no_other_way_to_name_a_host_gets_round_that(home: Path, head: bytes) -> None:
    async with serving(home) as client:
        url = client._base_url
        assert url is not None
        ours, theirs = await asyncio.open_connection(url.host, url.port)
        theirs.write(head)
        line = await ours.readline()
        theirs.close()
        await theirs.wait_closed()
    assert line.split()[1] in {b"421", b"400"}, line


@pytest.mark.parametrize("path", ["/", "/?symbol=S1&live=10", "/static/earmark.css", "/now"])
async def test_what_has_not_changed_is_not_sent_again(home: Path, path: str) -> None:
    async with serving(home) as client:
        async with client.get(path) as first:
            tag, body = first.headers["ETag"], await first.text()
            assert first.headers["Cache-Control"] == "no-cache"
        for known, status in (
            (tag, 304),
            (f'"other", {tag}', 304),
            (f"W/{tag}", 304),
            ('"other"', 200),
            ("*", 200),
            ("no tag", 200),
        ):
            async with client.get(path, headers={"If-None-Match": known}) as again:
                assert again.status == status, known
                assert again.headers["ETag"] == tag
                assert {name: again.headers[name] for name in HEADERS} == HEADERS
                assert await again.text() == ("" if status == 304 else body)


async def test_a_tag_is_of_one_address_one_snapshot_and_one_cap(home: Path, tmp_path: Path) -> None:
    """Also where another home's snapshot has the same number, as after the demo has run twice."""
    publish(tmp_path, EXAMPLES["VideoDiscovered"])
    tags = set()
    for where, cap_usd, path in (
        (home, 5, "/"),
        (home, 5, "/?symbol=S2"),
        (home, 6, "/"),
        (tmp_path, 5, "/"),
    ):
        async with serving(where, cap_usd=Decimal(cap_usd)) as client, client.get(path) as answer:
            tags.add(answer.headers["ETag"])
    assert len(tags) == 4
    async with serving(home) as client, client.get("/") as answer:
        assert answer.headers["ETag"] in tags


async def test_a_page_of_what_is_so_outside_is_another_when_that_changes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its address and its snapshot are the same."""
    said = iter(("one", "two"))

    async def look() -> Outside:
        return Outside.not_known(NOON, next(said))

    def show(asked: Asked) -> Mapping[str, object]:
        assert asked.outside is not None
        return {"problem": {"title": asked.outside.unknown[0], "what": "w", "fix": "f"}}

    monkeypatch.setattr(server, "PAGES", (Page("now", "/now", "problem.html", show, outside=True),))
    async with serving(home, look=look) as client:
        async with client.get("/now") as first:
            assert "<h1>one</h1>" in await first.text()
        async with client.get("/now", headers={"If-None-Match": first.headers["ETag"]}) as again:
            assert again.status == 200
            assert "<h1>two</h1>" in await again.text()


async def test_what_failed_is_in_the_log_and_what_somebody_typed_is_not(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(home) as client:
        for kind, is_logged in (("filter", False), ("nothing", False), ("earmark", True), ("other", True)):
            caplog.clear()
            await client.get(f"/failing/{kind}")
            assert [record.levelno for record in caplog.records] == [logging.ERROR] * is_logged
            assert (SECRET in caplog.text) == is_logged


@pytest.mark.parametrize(
    "query",
    [
        "words=%00",
        "words=%FF%FE",
        "words=%ED%A0%80",
        "words=%F0%9F%92%A9&words=two",
        "words=" + "x" * 5000,
        "words=%E2%80%AE",
        "words='%3B%20DROP%20TABLE%20videos--",
        "words=%7B%7B7*7%7D%7D",
        "words=<script>alert(1)</script>",
        "symbol=%0D%0ASet-Cookie:%20a=b",
        "conviction=nan",
        "conviction=-inf",
        "number=999999999999999999999",
        "number=%C2%B2",
        "live=0x10",
        "action=buy&action=none",
        "&&&=&=&",
        "%",
    ],
)
async def test_whatever_stands_in_an_address_gets_a_page(home: Path, query: str) -> None:
    async with serving(home) as client:
        for path in ("/", "/calls.csv", "/calls.json"):
            async with client.get(typed(client, f"{path}?{query}")) as answer:
                body = await answer.text()
                assert answer.status in {200, 400}, body
                assert "<script" not in body
                assert "Set-Cookie" not in answer.headers


async def test_the_way_back_to_a_page_is_the_way_it_was_asked_for(home: Path) -> None:
    """A name with the signs of an address in it stays one name."""
    async with (
        serving(home) as client,
        client.get(typed(client, "/bare/A%3FB%23%2F%25%22?x=1&x=2")) as answer,
    ):
        assert 'href="/bare/A%3FB%23%2F%25%22?x=1&amp;x=2&amp;live=10"' in await answer.text()


async def test_a_page_looks_again_by_itself_only_where_asked(home: Path) -> None:
    async with serving(home) as client:
        for path, is_live in (("/", False), ("/?live=10", True)):
            async with client.get(path) as answer:
                assert ('<meta http-equiv="refresh" content="10">' in await answer.text()) == is_live


FOR_EVER = (
    "/asking?sql=SELECT+count(*)+FROM+range(1000000)+a,+range(1000000)+b+WHERE+hash(a.range,+b.range)+=+1"
)


async def test_a_question_that_takes_too_long_is_a_page_that_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next page is there at once, though four such were asked."""
    monkeypatch.setattr(reader.Question.ask, "__defaults__", (0.3,))
    async with serving(home) as client:
        for answer in await asyncio.gather(*(client.get(FOR_EVER) for _ in range(6))):
            assert answer.status == 503
            assert "narrow the filter" in await answer.text()
        async with client.get("/bare/one") as answer:
            assert answer.status == 200


async def test_who_goes_away_takes_the_question_along(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of a page is minutes away, and four others wait for the same threads."""
    monkeypatch.setattr(reader.Question.ask, "__defaults__", (600.0,))
    async with serving(home) as client:
        for _ in range(4):
            with pytest.raises(TimeoutError):
                await client.get(FOR_EVER, timeout=aiohttp.ClientTimeout(0.2))
        began = time.monotonic()
        async with client.get("/bare/one") as answer:
            assert answer.status == 200
        assert time.monotonic() - began < 60


async def test_a_server_that_ends_ends_what_is_asked(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody waits for the answer, and that is no failure of a page."""
    ask, begun = reader.Question.ask, list[reader.Question]()

    async def heard(question: reader.Question, work: Callable[[Any], Any]) -> Any:
        begun.append(question)
        return await ask(question, work, 600.0)

    monkeypatch.setattr(reader.Question, "ask", heard)
    async with serving(home) as client:

        async def status() -> int:
            async with client.get(FOR_EVER) as answer:
                return answer.status

        asked = [asyncio.create_task(status()) for _ in range(reader.THREADS + 1)]
        async with asyncio.timeout(60):
            while len(begun) < len(asked):  # noqa: ASYNC110  it has no sign
                await asyncio.sleep(0.01)
    assert await asyncio.gather(*asked) == [503] * len(asked)
    assert caplog.records == []
