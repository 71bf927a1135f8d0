"""What a process says when it ends by an error."""

import json
import logging
from collections.abc import Iterator

import pytest

from streams.app.running import process
from streams.errors import EarmarkError
from streams.settings import Settings


@pytest.fixture(autouse=True)
def root_as_it_was() -> Iterator[None]:
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers = handlers
    logging.root.setLevel(level)


class MissingError(EarmarkError):
    exit_code = 3


@process("worker-{slot}")
def ends(_settings: Settings) -> None:
    raise MissingError("the key is missing")


@process("analyst")
def breaks(_settings: Settings) -> None:
    raise ZeroDivisionError("by zero")


def test_as_json_it_is_a_line_like_any_other(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ends(Settings(log="json", worker_slot="w7"))
    assert ended.value.code == 3
    told = json.loads(capfd.readouterr().err)
    assert (told["level"], told["process"], told["event"]) == ("CRITICAL", "worker-w7", "the key is missing")
    assert "exception" not in told


def test_what_nobody_foresaw_has_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        breaks(Settings(log="json"))
    assert ended.value.code == 1
    assert "ZeroDivisionError: by zero" in json.loads(capfd.readouterr().err)["exception"]


def test_for_people_the_command_line_says_it() -> None:
    with pytest.raises(MissingError):
        ends(Settings(log="text"))
