"""CONTRIBUTING's recipes name files, names in them and commands that there are."""

import re
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github" / "CONTRIBUTING.md").read_text()
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
# What a contributor writes into the file that a step names, so that it is not there before.
WRITTEN = {"**unchanged(1, *SIGNALS)", "name", "schema_version: 3"}


@dataclass(frozen=True)
class Recipe:
    """How to change one thing: its title, the sentence that counts the files, and a line for each of them."""

    title: str
    count: str
    steps: tuple[str, ...]


def recipes() -> list[Recipe]:
    found = []
    for part in re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:]:
        title, _, count, *_ = part.splitlines()
        found.append(Recipe(title, count, tuple(re.findall(r"^\d+\. (.+)", part, re.MULTILINE))))
    return found


RECIPES = recipes()
STEPS = [step for recipe in RECIPES for step in recipe.steps]


def test_there_is_a_recipe_for_whatever_changes_most() -> None:
    assert [recipe.title for recipe in RECIPES] == [
        "An enum value",
        "A column in the read model",
        "A setting",
        "A failure sentence",
        "A field in a signal",
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_a_recipe_counts_its_files_and_they_are_few(recipe: Recipe) -> None:
    assert 1 <= len(recipe.steps) <= 6
    assert recipe.count.lower().startswith(f"{NUMBERS[len(recipe.steps)]} files by hand")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_names_a_file_and_what_stands_in_it(step: str) -> None:
    named = re.match(r"`([^`]+)`: ", step)
    assert named, step
    text = (ROOT / named[1]).read_text()
    names = set(re.findall(r"`([^`]+)`", step[named.end() :])) - WRITTEN
    assert {name for name in names if name not in text} == set()


def test_every_path_is_there() -> None:
    paths = re.findall(r"`([\w.-]+(?:/[\w.-]+)+|\.env\.example)`", TEXT)
    assert len(paths) > len(STEPS)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_target_and_module_can_be_run() -> None:
    targets = set(re.findall(r"\bmake (\w+)", TEXT))
    assert {"setup", "test", "generate"} <= targets
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)
    generate = re.search(r"^generate:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert generate
    modules = re.findall(r"python -m ([\w.]+)", generate[1] + TEXT)
    assert modules
    assert [module for module in modules if find_spec(module) is None] == []


def test_it_is_short_and_a_line_holds_one_sentence() -> None:
    assert len(TEXT.split()) < 700
    prose = re.sub(r"^```.*?^```$|^\d+\. ", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert [line for line in prose.splitlines() if re.search(r"[.!?] +[A-Z]", line)] == []
