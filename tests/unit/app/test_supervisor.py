"""What the supervisor makes of a process that ends, and what it says of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.app.child import last_words
from streams.app.supervisor import BACKOFF_S, STEADY, WORKED, Life, Part, Supervisor
from streams.bulletin import STALE, Board, Trouble, show
from streams.clock import utc_now

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PART = Part("analyst", ("analyst",), "analyst")


class Ghost:
    """A process, as far as a life looks at it."""

    pid = 17


def life() -> Life:
    found = Life(PART)
    found.begins(Ghost())  # type: ignore[arg-type]
    return found


def board(at: datetime, *troubles: Trouble, pid: int = Ghost.pid, ready: bool = True) -> Board:
    return Board("analyst", pid, NOON, at, ready=ready, troubles=troubles)


def test_a_process_that_did_work_starts_again_at_once_and_is_out_of_trouble_when_it_is_ready() -> None:
    one = life()
    one.shows(board(NOON), NOON)
    assert one.ends("it was killed (SIGKILL)", NOON + WORKED) == 0
    assert one.trouble is not None
    assert one.trouble.what == "analyst ended: it was killed (SIGKILL)"
    assert not one.trouble.needs_person
    one.shows(board(NOON + 6 * SECOND), NOON + 6 * SECOND)
    assert one.trouble is not None, "that is the board of the one that has ended"
    one.begins(Ghost())  # type: ignore[arg-type]
    one.shows(board(NOON + 9 * SECOND), NOON + 9 * SECOND)
    assert one.trouble is None


def test_one_that_ends_again_and_again_waits_longer_each_time_and_its_trouble_is_the_same() -> None:
    one = life()
    waits = [one.ends("no", NOON + number * SECOND) for number in range(8)]
    assert waits == [*BACKOFF_S[1:], 30, 30, 30]
    assert one.trouble is not None
    assert one.trouble.since == NOON
    assert one.trouble.needs_person
    one.begins(Ghost())  # type: ignore[arg-type]
    one.shows(board(NOON + 60 * SECOND), NOON + 60 * SECOND)
    assert one.trouble is not None, "it may end again in a moment"
    one.shows(board(NOON + 60 * SECOND + STEADY), NOON + 60 * SECOND + STEADY)
    assert one.trouble is None


def test_what_another_process_put_up_says_nothing() -> None:
    one = life()
    one.shows(board(NOON, pid=1), NOON + WORKED)
    assert one.ready_since is None
    one.shows(board(NOON, ready=False), NOON + WORKED)
    assert one.ready_since is None


def test_a_process_that_ends_because_claude_refuses_did_no_work_and_its_own_trouble_says_why() -> None:
    one = life()
    refused = Trouble("claude-refuses", NOON, "401", needs_person=True)
    one.shows(board(NOON), NOON)
    one.shows(board(NOON + 60 * SECOND, refused), NOON + 60 * SECOND)
    assert one.halts
    assert one.ends("401", NOON + 60 * SECOND) > 0
    assert one.trouble is None
    assert one.boards == [board(NOON + 60 * SECOND, refused)], "it stands until the next one says otherwise"


def test_what_a_person_is_told_of_a_process_is_told_once_when_it_is_ready_first(tmp_path: Path) -> None:
    said = list[str]()
    supervisor = Supervisor(tmp_path, said.append, lambda: NOON)
    one = supervisor.lives["dashboard"] = Life(
        Part("dashboard", ("dashboard",), "dashboard", says="look at it")
    )
    one.begins(Ghost())  # type: ignore[arg-type]
    for ready in (False, True, True):
        show(tmp_path, Board("dashboard", Ghost.pid, NOON, NOON, ready=ready))
        supervisor._look(NOON)
        assert said == (["look at it"] if ready else [])


def test_a_process_that_turns_no_more_is_said() -> None:
    one = life()
    one.shows(board(NOON), NOON)
    one.shows(board(NOON), NOON + STALE + SECOND)
    assert one.trouble is not None
    assert one.trouble.kind == "process-hangs"
    one.shows(board(NOON + 2 * STALE), NOON + 2 * STALE)
    assert one.trouble is None


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        (["10:00 INFO sent", "earmark: the key is wrong"], 1, "the key is wrong"),
        (["earmark: the key is wrong", "a warning at exit"], 1, "the key is wrong"),
        (['{"level": "CRITICAL", "event": "the key is wrong"}', "a warning"], 1, "the key is wrong"),
        (['it said "CRITICAL"'], 1, 'it said "CRITICAL"'),
        (["10:00 ERROR no disk", "10:01 INFO sent"], 1, "10:00 ERROR no disk"),
        (["Traceback", "ValueError: 3"], 1, "ValueError: 3"),
        (["10:00 INFO sent"], -9, "it was killed (SIGKILL)"),
        ([], 75, "exit code 75, and it said nothing"),
    ],
)
def test_the_last_words_are_the_processs_own(lines: list[str], code: int, words: str) -> None:
    assert last_words(lines, code) == words


async def test_the_same_trouble_is_told_once_however_often_a_process_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An analyst with a setting that is none ends at once, with its sentence."""
    monkeypatch.setenv("EARMARK_DAILY_CAP_USD", "much")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    said = list[str]()
    supervisor = Supervisor(tmp_path, said.append, utc_now)
    running = asyncio.create_task(supervisor.keep_running(PART))
    telling = asyncio.create_task(supervisor.tell())
    log = tmp_path / "logs" / "analyst.log"
    async with asyncio.timeout(60):
        while not log.exists() or log.read_text().count("EARMARK_DAILY_CAP_USD") < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # what is said of the third end
    supervisor.signalled()
    await running
    telling.cancel()
    [line] = said
    assert line.startswith("TROUBLE analyst ended: EARMARK_DAILY_CAP_USD: ")
    assert "starts again" in line
