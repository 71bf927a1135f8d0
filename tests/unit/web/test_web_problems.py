"""A page for each way in which there is nothing to show: what is wrong, and what to type."""

import logging
from pathlib import Path

import duckdb
import pytest

from projections import model
from projections.snapshots import LINK
from projections.web.standing import Standing, standing
from tests.builders.examples import EXAMPLES
from tests.builders.site import serving
from tests.builders.snapshot import publish

AGAIN = '<meta http-equiv="refresh" content="5">'


def made(home: Path) -> None:
    publish(home, EXAMPLES["VideoDiscovered"])


def being_made(home: Path) -> None:
    model.folder(home).mkdir(parents=True, exist_ok=True)
    (model.folder(home) / model.REBUILT).touch()


def of_another_version(home: Path) -> None:
    made(home)
    file = (home / LINK).resolve()
    file.chmod(0o600)
    with duckdb.connect(file) as database:
        database.execute("UPDATE _schema SET hash = 'another'")


def of_another_version_and_being_made(home: Path) -> None:
    of_another_version(home)
    being_made(home)


def broken(home: Path) -> None:
    made(home)
    file = (home / LINK).resolve()
    file.chmod(0o600)
    file.write_bytes(b"no database" * 2000)


def leads_nowhere(home: Path) -> None:
    made(home)
    (home / LINK).resolve().unlink()


def not_there(home: Path) -> None:
    home.rmdir()


PROBLEMS = {
    not_there: (Standing.NONE, "Nothing to show yet", "type earmark up", True, False),
    Path.touch: (Standing.NONE, "Nothing to show yet", "type earmark up", True, False),
    leads_nowhere: (Standing.NONE, "Nothing to show yet", "EARMARK_HOME says where", True, False),
    being_made: (Standing.FIRST, "One moment", "looks again by itself", True, False),
    of_another_version: (Standing.THERE, "of another version", "type earmark rebuild", True, False),
    of_another_version_and_being_made: (Standing.MADE, "One moment", "looks again by itself", True, False),
    broken: (Standing.THERE, "cannot be asked", "type earmark rebuild", False, True),
}


@pytest.mark.parametrize("cause", PROBLEMS, ids=lambda cause: cause.__name__)
async def test_each_is_a_page_that_says_what_to_type(
    cause: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It looks again by itself where waiting may help; only what nobody foresaw is in the log."""
    assert callable(cause)
    home = tmp_path / "home"
    home.mkdir()
    cause(home)
    stands, title, fix, looks_again, is_logged = PROBLEMS[cause]
    assert standing(home) is stands
    async with serving(home) as client:
        for path in ("/", "/calls.csv", "/video/none"):
            async with client.get(path) as answer:
                page = await answer.text()
                assert answer.status == 503
                assert "ETag" not in answer.headers
                assert title in page
                assert fix in page
                assert (AGAIN in page) == looks_again
                assert str(tmp_path) not in page
                assert "rm-1" not in page
        async with client.get("/static/earmark.css") as answer:
            assert answer.status == 200
    assert {record.levelno for record in caplog.records} == ({logging.ERROR} if is_logged else set())


async def test_a_page_of_a_model_that_is_made_anew_says_that_it_is_the_last_one(tmp_path: Path) -> None:
    """And its tag is another, so that the notice goes when it is over."""
    made(tmp_path)
    async with serving(tmp_path) as client:
        async with client.get("/") as answer:
            before, tag = await answer.text(), answer.headers["ETag"]
        being_made(tmp_path)
        async with client.get("/", headers={"If-None-Match": tag}) as answer:
            meanwhile = await answer.text()
            assert answer.status == 200
    assert standing(tmp_path) is Standing.MADE
    assert "being made anew" in meanwhile
    assert "being made anew" not in before


async def test_an_empty_model_is_a_page_too(tmp_path: Path) -> None:
    publish(tmp_path)
    async with serving(tmp_path) as client, client.get("/") as answer:
        assert answer.status == 200
        assert "Read up to the log&#39;s beginning, 0 records." in await answer.text()
