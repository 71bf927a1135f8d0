"""`earmark demo`, once, as a person runs it; README.md shows its last lines."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from streams.demo.run import NOTICE
from tests.docs.pages import BIN, README, ROOT

pytestmark = pytest.mark.kafka

LIMIT_S = 240


@dataclass(frozen=True)
class Demo:
    """What a demo in `folder` printed, and how it ended."""

    folder: Path
    code: int
    lines: list[str]
    errors: str


def environment() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("EARMARK_", "ANTHROPIC_"))
    }


def processes_of(folder: Path) -> Iterator[list[str]]:
    """The command lines of every process that works in a folder."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        command = process.info["cmdline"] or []
        variables = process.info["environ"] or {}
        if str(folder) in " ".join([*command, *variables.values()]) and process.pid != os.getpid():
            yield command


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    ran = subprocess.run(
        [BIN / "earmark", "demo"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Demo(folder, ran.returncode, ran.stdout.splitlines(), ran.stderr)


def normal(line: str) -> str:
    """A line without what differs from run to run and from place to place."""
    for what, instead in (
        (r"^ *\d+\.\d s", "T s"),
        (r"took \d+ s", "took N s"),
        (r"asked DuckDB \d+ times", "asked DuckDB N times"),
        (r"from \d+ records", "from N records"),
        (r"[\w./-]*/earmark ", "earmark "),
    ):
        line = re.sub(what, instead, line)
    return line


def test_every_check_holds(demo: Demo) -> None:
    """Its exit code says so, and so does each of them."""
    assert demo.code == 0, demo.errors + "\n".join(demo.lines)
    checks = [line for line in demo.lines if re.search(r" s  (ok|FAIL) ", line)]
    assert len(checks) == 9
    assert [line for line in checks if " s  ok " not in line] == []


def test_it_begins_and_ends_with_what_it_is(demo: Demo) -> None:
    """Nobody may take scripted answers for a model's."""
    assert demo.lines[0].endswith(NOTICE)
    assert demo.lines[-1].endswith(NOTICE)


def test_it_leaves_nothing_running(demo: Demo) -> None:
    assert list(processes_of(demo.folder)) == []


def test_readme_shows_its_last_ten_lines(demo: Demo) -> None:
    """Times, paths and how often the reader asked are left out."""
    [shown] = [block.text.splitlines() for block in README.blocks if NOTICE in block.text]
    assert len(shown) == 10
    assert [normal(line) for line in shown] == [normal(line) for line in demo.lines[-len(shown) :]]


def test_what_it_says_to_type_next_works_after_its_end(demo: Demo) -> None:
    """The read model outlives the processes."""
    [command] = [line.partition(" s  ")[2] for line in demo.lines if "EARMARK_HOME=" in line]
    answered = subprocess.run(
        ["bash", "-c", command],
        cwd=demo.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "stay away from palanteer" in answered.stdout


def test_make_demo_runs_it() -> None:
    planned = subprocess.run(
        ["make", "-n", "--no-print-directory", "demo"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert planned.stdout.splitlines()[-1] == ".venv/bin/earmark demo"
