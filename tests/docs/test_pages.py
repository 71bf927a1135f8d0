"""Every page is true: its links lead somewhere, its paths and tests are there, its commands are run, its tables the code's."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import PAGE as WRITTEN_BY_BENCHMARKS
from tests.benchmarks.__main__ import with_tables
from tests.docs.pages import BENCHMARKS, BIN, MADE, MAP, MODEL, PAGES, README, ROOT, TESTS, VERBS, Page
from tests.docs.readme import SECTIONS, up_to_date
from tests.docs.screenshots import FOLDER, LARGEST
from tests.docs.typed import BOXES, COLLECTED, ELSEWHERE, typed

LANGUAGES = {"shell", "python", "text"}
INSTALLED = ".venv/bin/"
# What Claude reads is no page of ours.
PROMPTS = {
    "streams/prompts/extract-v1.md",
    "streams/prompts/extract-v2.md",
    "streams/demo/sample/extract-sure.md",
}
MAKE = re.compile(r"\bmake ([a-z]+)\b")
MODULE = re.compile(r"\bpython -m ([\w.]+)")

every_page = pytest.mark.parametrize("page", PAGES, ids=str)


@cache
def names_in(module: Path) -> set[str]:
    """What a module's tests are called: functions, and machines that are assigned."""
    names = set()
    for statement in ast.parse(module.read_text()).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]):
                names.add(name)
    return {name for name in names if name.lower().startswith("test")}


def test_the_pages_stand_where_people_look_for_them() -> None:
    kept = set(PAGES)
    assert {README, MAP, VERBS, MODEL, TESTS, BENCHMARKS, Page(ROOT / ".github" / "CONTRIBUTING.md")} <= kept
    assert {str(page) for page in kept} >= PROMPTS


@every_page
def test_every_block_is_read(page: Page) -> None:
    """A block in another form, or in a language that the tests do not know, would be checked by nobody."""
    fences = re.findall(r"^\s*(?:```|~~~).*$", page.written, re.MULTILINE)
    assert len(fences) == 2 * len(page.blocks)
    assert {block.language for block in page.blocks} <= LANGUAGES


@every_page
def test_every_link_leads_somewhere(page: Page) -> None:
    for link in page.links:
        path, _, anchor = link.partition("#")
        target = (page.file.parent / path).resolve() if path else page.file
        assert target.exists(), link
        assert not anchor or anchor in Page(target).anchors, link


def test_the_pictures_are_small() -> None:
    """`make screenshots` takes them, and no others lie about."""
    shown = [README.file.parent / link for link in README.links if link.endswith(".png")]
    assert sorted(shown) == sorted(FOLDER.iterdir())
    assert [file.name for file in shown if not 10_000 < file.stat().st_size <= LARGEST] == []


@every_page
def test_every_path_is_there(page: Page) -> None:
    named = [path.partition("::")[0] for path in page.paths if not path.startswith(MADE)]
    missing = [
        path
        for path in named
        if not (
            (BIN / path.removeprefix(INSTALLED)).exists()
            if path.startswith(INSTALLED)
            else any(ROOT.glob(path.rstrip("/")))
        )
    ]
    assert missing == []


@every_page
def test_every_test_that_is_named_is_there(page: Page) -> None:
    named = [path.split("::") for path in page.paths if "::" in path]
    assert [test for file, test in named if test not in names_in(ROOT / file)] == []


@every_page
def test_every_target_and_module_is_there(page: Page) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = "\n".join(page.code)
    assert set(MAKE.findall(said)) <= targets
    modules = [ROOT.joinpath(*name.split(".")) for name in MODULE.findall(said)]
    assert [
        module
        for module in modules
        if not module.with_suffix(".py").exists() and not (module / "__main__.py").exists()
    ] == []


@every_page
def test_what_the_code_writes_is_fresh(page: Page) -> None:
    """`python -m tests.docs.readme` writes it anew."""
    assert page.text == up_to_date(page)


def test_everything_that_the_code_writes_has_its_place() -> None:
    marks = [mark for page in PAGES for mark in re.findall(r"^<!-- ([\w-]+) -->$", page.text, re.MULTILINE)]
    assert sorted(marks) == sorted([*SECTIONS, "bench"])


def test_the_benchmarks_write_their_page() -> None:
    assert BENCHMARKS.file == WRITTEN_BY_BENCHMARKS
    page = "<!-- bench -->\n\nmachine\n\n**A.**\nwords\n\n| a |\n\n**B.**\n| b |\n\n<!-- /bench -->\nmore"
    written = with_tables(page, ["another machine", "**B.**\n| b2 |", "**C.**\n| c |"])
    assert written == (
        "<!-- bench -->\n\nanother machine\n\n**A.**\nwords\n\n| a |\n\n**B.**\n| b2 |\n\n**C.**\n| c |"
        "\n\n<!-- /bench -->\nmore"
    )


@pytest.mark.parametrize("page", [page for page in PAGES if str(page) not in PROMPTS], ids=str)
def test_a_line_holds_one_sentence(page: Page) -> None:
    assert [line for line in page.prose if re.search(r"(?<!^\d)(?<!^\d\d)[.!?] +[A-Z]", line)] == []


def test_every_command_is_run() -> None:
    """By `test_readme.py`, or where `typed.py` says."""
    said = {command for page in PAGES for command in page.commands()}
    collected = {command for command in said if command.startswith(COLLECTED)}
    assert said == {*typed(), *collected, *ELSEWHERE}


def collected() -> Iterator[str]:
    for page in PAGES:
        yield from (command for command in page.commands() if command.startswith(COLLECTED))


@pytest.mark.parametrize("command", sorted(set(collected())))
def test_pytest_finds_what_is_named(command: str) -> None:
    """They are not run here: `make test` runs them all."""
    asked = command.removeprefix(COLLECTED).split()
    found = subprocess.run(
        [BIN / "pytest", "--collect-only", *asked], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


def test_every_program_is_run() -> None:
    """A box in Python stands only where `test_readme.py` runs it."""
    boxes = {(page, block.heading) for page in PAGES for block in page.blocks if block.language == "python"}
    assert boxes
    assert boxes <= set(BOXES)
