"""`earmark demo`, once, as a person runs it; README.md shows its last lines."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from rich.cells import cell_len

from projections.web.routes import PAGES
from streams.demo.first_act import GIVEN_BACK
from streams.demo.run import NOTICE
from tests.builders.dashboard_process import dashboard, get
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
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("EARMARK_", "ANTHROPIC_"))
    }
    # As with an activated .venv, wherever that stands.
    return {**inherited, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


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
    return re.sub(r"[\w./-]*/earmark ", "earmark ", re.sub(r"in \d+ s:", "in N s:", line))


def test_every_check_holds(demo: Demo) -> None:
    """Its exit code says so, and so does each of them."""
    assert demo.code == 0, demo.errors + "\n".join(demo.lines)
    checks = [line for line in demo.lines if re.search(r" s  (ok|FAIL) ", line)]
    assert len(checks) == 10
    assert [line for line in checks if " s  ok " not in line] == []


def test_it_begins_and_ends_with_what_it_is(demo: Demo) -> None:
    """Nobody may take scripted answers for a model's."""
    assert demo.lines[0].endswith(NOTICE)
    assert NOTICE in demo.lines[-11:]


def test_no_line_is_wider_than_80_columns(demo: Demo) -> None:
    assert demo.errors == ""
    assert [line for line in demo.lines if cell_len(line) > 80] == []


def test_no_link_and_no_path_of_this_machine_is_in_the_way(demo: Demo) -> None:
    """A link is whole, and a path begins where the demo was started."""
    links = [link for line in demo.lines for link in re.findall(r"https?:[^\s)]*", line)]
    assert len(links) > 26
    assert [
        link
        for link in links
        if not re.fullmatch(r"https://www\.youtube\.com/watch\?v=KTape\d+&t=\d+s", link)
    ] == []
    assert [line for line in demo.lines if str(demo.folder) in line] == []


def test_a_live_signal_is_seen_to_arrive(demo: Demo) -> None:
    """Behind the line that says a video comes out, and every one of the three calls in it."""
    said = [line.partition(" s  ")[2] for line in demo.lines]
    begins = said.index("A bot listens while a new video comes out:")
    live = [number for number, line in enumerate(said) if line.startswith("live: ")]
    assert len(live) == 4
    assert begins < min(live)
    assert "live: the market is bearish" in said


def test_it_says_why_what_is_charged_falls(demo: Demo) -> None:
    said = " ".join(" ".join(line.partition(" s  ")[2] for line in demo.lines).split())
    assert said.count(GIVEN_BACK) == 1
    charged = [float(amount) for amount in re.findall(r"\$(\S+) charged", said.partition(GIVEN_BACK)[0])]
    assert charged == sorted(charged)


def test_it_leaves_nothing_running(demo: Demo) -> None:
    assert list(processes_of(demo.folder)) == []


def test_readme_shows_its_last_lines(demo: Demo) -> None:
    """The time it took and paths are left out."""
    [shown] = [block.text.splitlines() for block in README.blocks if NOTICE in block.text]
    assert len(shown) == 11
    assert [normal(line) for line in shown] == [normal(line) for line in demo.lines[-len(shown) :]]


def test_what_it_put_on_the_record_is_asked_after_its_end(demo: Demo) -> None:
    """The read model outlives the processes."""
    command = demo.lines[-1].strip()
    assert re.fullmatch(r'EARMARK_HOME=\S+ earmark sql "FROM mentions"', command)
    answered = subprocess.run(
        ["bash", "-c", command],
        cwd=demo.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "stay away from palanteer" in answered.stdout


def test_it_is_looked_at_after_its_end(demo: Demo) -> None:
    """Nothing runs any more, and each page says what it can all the same."""
    command = demo.lines[-2].strip()
    found = re.fullmatch(r"EARMARK_HOME=(\S+) earmark dashboard", command)
    assert found is not None
    with dashboard(demo.folder / found[1], demo.folder) as address:
        pages = [get(f"{address}{page.pattern}") for page in PAGES if "{" not in page.pattern]
    assert [status for status, _ in pages] == [200] * len(pages)
    _, calls = pages[0]
    assert "stay away from palanteer" in calls
    assert not any(str(demo.folder) in shown for _, shown in pages)


def test_make_demo_runs_it() -> None:
    planned = subprocess.run(
        ["make", "-n", "--no-print-directory", "demo"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert planned.stdout.splitlines()[-1] == ".venv/bin/earmark demo"
