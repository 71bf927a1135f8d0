"""The map of the code is the code's: its rooms, its contracts, its invariants, and where the tests stand."""

import re
import tomllib
from itertools import pairwise

import pytest

from tests.docs.pages import MAP, ROOT, TESTS, Page, kept_files

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = next(contract["layers"] for contract in CONTRACTS if contract["id"] == "walk")


def part(page: Page, heading: str) -> str:
    """What stands under a heading, up to the next one of its level."""
    level = heading.partition(" ")[0]
    _, _, below = page.written.partition(f"\n{heading}\n")
    assert below, heading
    return re.split(rf"^{level} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a table, row by row, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def chapters(text: str) -> list[tuple[str, str]]:
    """Each heading of the third level with what stands under it."""
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_every_room_stands_in_its_layer() -> None:
    """And says what it is for."""
    listed = rows(part(MAP, "## The rooms"))
    assert [(int(layer), room.strip("`")) for layer, room, _ in listed] == [
        (number, room) for number, rooms in enumerate(LAYERS, 1) for room in rooms.split(" | ")
    ]
    assert all(purpose for *_, purpose in listed)


def test_every_contract_is_named() -> None:
    named = re.findall(r"^- `([\w-]+)`: (.+)$", part(MAP, "## The rooms"), re.MULTILINE)
    assert [name for name, _ in named] == [contract["id"] for contract in CONTRACTS]


@pytest.mark.parametrize(
    "contract", [c for c in CONTRACTS if c["type"] == "protected"], ids=lambda c: c["id"]
)
def test_every_door_has_its_keepers(contract: dict[str, list[str]]) -> None:
    line = re.search(rf"^- `{contract['id']}`: (.+)$", MAP.written, re.MULTILINE)
    assert line is not None
    named = set(re.findall(r"`([\w.]+)`", line[1]))
    assert named == {*contract["allowed_importers"], *contract["protected_modules"]}


def test_every_invariant_has_a_test() -> None:
    """That the tests are there is for `test_pages.py`."""
    invariants = chapters(part(MAP, "## The invariants"))
    assert [int(name.partition(". ")[0]) for name, _ in invariants] == list(range(1, 11))
    for name, text in invariants:
        assert re.search(r"^- `tests/[\w/]+\.py::\w+`$", text, re.MULTILINE), name


def test_every_decision_has_its_cost() -> None:
    decisions = chapters(part(MAP, "## Decisions"))
    assert len(decisions) > 9
    for name, text in decisions:
        said = [line for line in text.splitlines() if line]
        assert [line.partition(": ")[0] for line in said] == ["- Context", "- Choice", "- Cost"], name


def test_the_glossary_is_whole() -> None:
    """The words that the code, the contract and the settings use."""
    terms = re.findall(r"^- \*\*(\w[\w-]*)\*\*: ", part(MAP, "## Glossary"), re.MULTILINE)
    assert {
        *("claim", "grant", "settle", "hold", "lane", "share"),
        *("marker", "current", "grounded", "cause", "revision"),
    } <= set(terms)


def test_a_video_travels_through_modules_in_the_order_of_the_walk() -> None:
    steps = re.findall(r"^(\d+)\. (.+)$", part(MAP, "## How one video travels"), re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert all(re.search(r"`(streams|projections)/[\w/]+\.py`", step) for _, step in steps)
    stages = [re.search(r"`streams/(discovery|captions|analysis|signals)/", step) for _, step in steps]
    order = ["discovery", "captions", "analysis", "signals"]
    walked = [order.index(stage[1]) for stage in stages if stage is not None]
    assert set(walked) == set(range(4))
    assert all(before <= after for before, after in pairwise(walked))


def test_every_folder_of_tests_is_told() -> None:
    kept = {
        file.relative_to(ROOT).parts[:2] for file in kept_files() if len(file.relative_to(ROOT).parts) > 2
    }
    folders = {"/".join(parts) for parts in kept if parts[0] == "tests"}
    listed = rows(part(TESTS, "## Which folder for what"))
    assert {folder.strip("`") for folder, *_ in listed} == folders
