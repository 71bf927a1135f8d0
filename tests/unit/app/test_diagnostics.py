"""What reaches stderr."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.app.diagnostics import LINES_A_WINDOW, Form, Lines, RateLimit
from streams.journal import about, journal
from streams.secrets import HIDDEN, of_cookies

KEY = 'sk-ant-"quoted"\\-äöü'


def fail(why: str) -> None:
    raise ValueError(why)


def line(name: str, created: float) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, "", 0, "broker %s is away", ("b1",), None)
    record.created = created
    return record


def test_aiokafka_is_held_to_a_few_lines_a_window_and_the_rest_are_counted() -> None:
    limit = RateLimit()
    passed = [limit.filter(line("aiokafka.conn", 100 + i / 100)) for i in range(100)]
    assert passed.count(True) == LINES_A_WINDOW
    later = line("aiokafka", 200)
    assert limit.filter(later)
    assert later.getMessage() == f"broker b1 is away ({100 - LINES_A_WINDOW} lines left out)"
    assert later.levelname == "INFO", "it tries again by itself"


def test_nobody_else_is_held_back() -> None:
    limit = RateLimit()
    own = line("streams.worker.wrapper", 0)
    assert all(limit.filter(own) for _ in range(100))
    assert own.levelname == "ERROR"


class Kept(logging.Handler):
    """Keeps the lines that a process would write."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.setFormatter(Lines("analyst", form, [KEY]))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    handler, logger = Kept(request.param), logging.getLogger("test.lines")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)


in_text = pytest.mark.parametrize("kept", ["text"], indirect=True)
in_json = pytest.mark.parametrize("kept", ["json"], indirect=True)
in_both = pytest.mark.parametrize("kept", ["text", "json"], indirect=True)


@in_text
def test_a_line_for_people_has_its_time_its_process_and_its_facts(kept: Kept) -> None:
    with about(video="HarbrAfter1", attempt=2, lane=None):
        journal("test.lines").info("settled", usd=0.0021, reason='it said "no"', final=True)
    (said,) = kept.lines
    time, level, process, rest = said.split(" ", 3)
    assert time.endswith("Z")
    assert (level, process.partition("[")[0]) == ("INFO", "analyst")
    assert rest == (
        "test.lines: settled video=HarbrAfter1 attempt=2 usd=0.0021"
        r' reason="it said \"no\"" final=True'
    )


@in_json
def test_a_line_as_json_has_the_same(kept: Kept) -> None:
    with about(video="HarbrAfter1", attempt=2, lane="live"):
        journal("test.lines").warning("settled", usd=0.0021)
    told: dict[str, Any] = json.loads(kept.lines[0])
    assert told.pop("time").endswith("Z")
    assert told.pop("pid") > 0
    assert told == {
        "level": "WARNING",
        "process": "analyst",
        "logger": "test.lines",
        "event": "settled",
        "video": "HarbrAfter1",
        "attempt": 2,
        "lane": "live",
        "usd": 0.0021,
    }


@in_json
def test_a_line_of_a_library_is_no_other(kept: Kept) -> None:
    """It may have arguments, several lines and a traceback."""
    try:
        fail("no\nsuch thing")
    except ValueError:
        logging.getLogger("test.lines").exception("of %s\nand %s", "one", "another")
    (said,) = kept.lines
    told = json.loads(said)
    assert "\n" not in said
    assert told["event"] == "of one\nand another"
    assert told["exception"].endswith("ValueError: no\nsuch thing")


@in_text
def test_for_people_a_traceback_stands_below_and_a_message_in_one_line(kept: Kept) -> None:
    try:
        fail("no such thing")
    except ValueError:
        logging.getLogger("test.lines").exception("of one\nand\x1b[2J another")
    first, *below = kept.lines[0].splitlines()
    assert first.endswith("test.lines: of one and [2J another")
    assert below[0] == "Traceback (most recent call last):"
    assert below[-1] == "ValueError: no such thing"


@in_both
def test_a_secret_is_blanked_wherever_it_stands_and_however_it_is_written(kept: Kept) -> None:
    log = journal("test.lines")
    log.info("the key is %s", KEY, key=KEY, inside={"headers": [KEY]}, again=repr(KEY), json=json.dumps(KEY))
    try:
        fail(KEY)
    except ValueError:
        log.exception("failed")
    said = "".join(kept.lines)
    assert said.count(HIDDEN) >= 6
    assert "quoted" not in said


def test_the_cookies_that_can_be_secrets_are_those_with_long_values(tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(
        "# Netscape HTTP Cookie File\n"
        ".youtube.com\tTRUE\t/\tTRUE\t1900000000\tPREF\ten\n"
        "\n"
        "a line that is none\tits-own-secret\n"
        "#HttpOnly_.youtube.com\tTRUE\t/\tTRUE\t1900000000\tLOGIN_INFO\tAFmmF2swRQIh-the-session\n"
    )
    assert list(of_cookies(file)) == [
        "a line that is none\tits-own-secret",
        "its-own-secret",
        "AFmmF2swRQIh-the-session",
    ]
    assert list(of_cookies(tmp_path / "none.txt")) == []
