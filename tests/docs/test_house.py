"""The rules of the house that no linter knows."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.pages import ROOT, kept_files

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ("streams", "projections")
LOCKS = ("requirements.lock", "requirements-dev.lock")
CEILING = 300

TOP_LEVEL = {
    "CHANGELOG.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "docker-compose.yml",
    "projections",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    "streams",
    "tests",
}
# Written apart, or this file would hold what it forbids.
FOLDERS_OF_SOMEONE = re.compile(r"(?<![\w.:/])/" + r"(?:Users|root|work|workspace|mnt)" + r"/[\w.-]+")
SECRETS = re.compile(r"\bsk-" + r"ant-[\w-]{8,}|-----BEGIN " + r"[A-Z ]*PRIVATE KEY|\bAIza" + r"[\w-]{30,}")


KEPT = kept_files()


def lines_matching(pattern: re.Pattern[str]) -> Iterator[str]:
    for file in KEPT:
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            if found := pattern.search(line):
                yield f"{file.relative_to(ROOT)}:{number}: {found[0]}"


def test_there_is_something_to_look_at() -> None:
    assert ROOT / "pyproject.toml" in KEPT
    assert Path(__file__) in KEPT


def test_the_top_level_stays_small() -> None:
    top = {file.relative_to(ROOT).parts[0] for file in KEPT}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert list(lines_matching(FOLDERS_OF_SOMEONE)) == []


def test_no_file_knows_where_the_checkout_stands() -> None:
    assert list(lines_matching(re.compile(re.escape(f"{ROOT}/")))) == []


def test_no_file_holds_a_secret() -> None:
    assert list(lines_matching(SECRETS)) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_versions_and_hashes_and_no_address(lock: str) -> None:
    """Whoever installs chooses the registry."""
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert re.findall(r"^\s*--(?!hash=)\S+", text, re.MULTILINE) == []
    for pin in re.split(r"\n(?=\w)", text):
        assert "--hash=sha256:" in pin, pin


def pins(lock: str) -> dict[str, list[str]]:
    """The versions a lock holds of each project; several where markers tell machines apart."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE
    ):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


WANTED = [
    *[("requirements.lock", line) for line in PYPROJECT["project"]["dependencies"]],
    *[("requirements-dev.lock", line) for line in PYPROJECT["project"]["dependencies"]],
    *[("requirements-dev.lock", line) for line in PYPROJECT["dependency-groups"]["dev"]],
]


@pytest.mark.parametrize(("lock", "line"), WANTED)
def test_a_lock_pins_what_the_project_asks_for(lock: str, line: str) -> None:
    """After a change of pyproject.toml: `make lock`."""
    requirement = Requirement(line)
    versions = pins(lock).get(canonicalize_name(requirement.name), [])
    assert versions, f"{requirement.name} is not in {lock}"
    assert [version for version in versions if version not in requirement.specifier] == []


def test_what_is_tested_is_what_is_installed() -> None:
    """The development lock adds tools and changes no version of the other."""
    runtime, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert {name: development.get(name) for name in runtime} == runtime


def modules() -> list[Path]:
    return [file for file in KEPT if file.suffix == ".py" and file.relative_to(ROOT).parts[0] in PACKAGES]


def test_packages_say_nothing() -> None:
    """An import is found where a thing is defined."""
    assert [str(file) for file in modules() if file.name == "__init__.py" and file.stat().st_size] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for file in modules()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_module_grows_past_the_ceiling() -> None:
    sizes = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in modules()}
    assert {name: size for name, size in sizes.items() if size > CEILING} == {}


def test_modules_are_named_after_what_they_hold() -> None:
    assert [file.name for file in modules() if file.stem in {"utils", "helpers", "common", "misc"}] == []


def test_no_two_test_files_share_a_name() -> None:
    names = [file.name for file in KEPT if file.name.startswith("test_")]
    assert {name for name in names if names.count(name) > 1} == set()


def test_what_is_run_can_be_run() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "make test 2>&1" in (ROOT / ".ci" / "run").read_text()
