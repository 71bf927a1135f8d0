"""A change that breaks subscribers, from the models to the kept contract, gone through on a copy of the code."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from streams.events.signals import SIGNALS, VERSION
from streams.prompts.files import SCHEMA_VERSION
from tests.contract.kept import WRITE
from tests.contract.released import versions
from tests.recordings.answer_schema import WRITE as WRITE_SCHEMA
from tests.recordings.events.goldens import named

ROOT = Path(__file__).parents[2]
COPIED = ("streams", "tests/builders", "tests/contract", "tests/recordings", "tests/unit")
MODELS, MEANINGS, SIGNALS_FILE, CATALOGUE = (
    f"streams/events/{name}.py" for name in ("analyses", "meanings", "signals", "catalogue")
)
PROMPTS = "streams/prompts/files.py"
CHANGES = "streams/signals/changes.py"
KEPT, RELEASED = "streams/signals/asyncapi.json", f"tests/contract/released-{VERSION}.json"
GOLDENS = Path("tests/recordings/events")
WRITE_GOLDENS = "python -m tests.recordings.events"
TESTS = " ".join(
    f"tests/{name}"
    for name in (
        "contract/test_contract_kept.py",
        "contract/test_promised_messages.py",
        "unit/analysis/test_conversation.py",
        "unit/demo/test_sample_answers.py",
        "unit/events",
        "unit/prompts/test_prompt_files.py",
    )
)
NEXT = VERSION + 1


@dataclass(frozen=True)
class Copy:
    """The code in a folder of its own, its contract released."""

    folder: Path

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text()
        assert text.count(old) == 1, old
        (self.folder / file).write_text(text.replace(old, new))

    def run(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        """A command as it is typed, `python` for this interpreter, with `more` arguments."""
        python, *arguments = [*command.split(), *more]
        assert python == "python"
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    def run_well(self, *commands: str) -> None:
        """Commands, one after the other; those of our own in one process, for to import the models takes a second."""
        modules = [command.removeprefix("python -m ") for command in commands]
        code = f"import runpy\nfor m in {modules}: runpy.run_module(m, run_name='__main__', alter_sys=True)"
        done = self.run("python -c", code)
        assert done.returncode == 0, done.stdout + done.stderr

    def tests_pass(self) -> None:
        """But for those that cut an answer everywhere or ask AsyncAPI's parser: they take long, and know no version."""
        done = self.run(f"python -m pytest -q {TESTS}", "-k", "not asyncapi and not wherever_an_answer")
        assert done.returncode == 0, done.stdout + done.stderr

    def add_the_value(self) -> None:
        self.edit(MODELS, "Action = Literal[", 'Action = Literal["whisper", ')
        actions = "ACTIONS: Mapping[Action, str] = {"
        self.edit(MEANINGS, actions, f'{actions}"whisper": "say it low",')

    def raise_the_version(self) -> None:
        self.edit(SIGNALS_FILE, f"\nVERSION = {VERSION}\n", f"\nVERSION = {NEXT}\n")

    def read_the_old_ones(self) -> None:
        self.edit(CATALOGUE, ", UPCASTERS)\n", f", {{**UPCASTERS, **unchanged({VERSION}, *SIGNALS)}})\n")

    def raise_the_schema(self) -> None:
        self.edit(PROMPTS, f"SCHEMA_VERSION = {SCHEMA_VERSION}\n", f"SCHEMA_VERSION = {SCHEMA_VERSION + 1}\n")

    def change(self) -> None:
        self.add_the_value()
        self.raise_the_version()
        self.read_the_old_ones()
        self.raise_the_schema()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    for part in COPIED:
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    if VERSION not in versions():
        shutil.copy(tmp_path / KEPT, tmp_path / RELEASED)
    return Copy(tmp_path)


def test_the_whole_path_ends_in_another_version_beside_the_old_one(copy: Copy) -> None:
    """What subscribers were given and prompts are asked with stays, to the byte, and old signals can still be read."""
    untouched = [
        RELEASED,
        f"streams/analysis/answer-{SCHEMA_VERSION}.json",
        *(f"{GOLDENS}/{named(one.__name__, VERSION)}.json" for one in SIGNALS),
    ]
    before = {file: (copy.folder / file).read_bytes() for file in untouched}
    copy.change()
    copy.run_well(WRITE, WRITE_GOLDENS, WRITE_SCHEMA)
    copy.tests_pass()
    assert {file: (copy.folder / file).read_bytes() for file in untouched} == before

    document = json.loads((copy.folder / KEPT).read_text())
    assert document["info"]["version"] == str(NEXT)
    assert "whisper" in document["components"]["schemas"]["MentionState"]["properties"]["action"]["enum"]
    for one in SIGNALS:
        golden = json.loads((copy.folder / GOLDENS / f"{named(one.__name__, NEXT)}.json").read_text())
        assert golden["headers"]["ce_dataschema"] == f"urn:earmark:{one.__name__}:{NEXT}"


def test_a_version_that_is_not_released_may_be_changed_again(copy: Copy) -> None:
    """Nobody was given it."""
    copy.change()
    copy.run_well(WRITE)
    copy.edit(MODELS, '"whisper"', '"shout"')
    copy.edit(MEANINGS, '"whisper"', '"shout"')
    copy.run_well(WRITE)


def test_a_value_without_another_version_is_refused(copy: Copy) -> None:
    copy.add_the_value()
    refused = copy.run(WRITE)
    assert refused.returncode == 1
    assert "signals.mentions.MentionAdded.mention.action may be 'whisper'" in refused.stderr
    assert f"set VERSION = {NEXT} in {SIGNALS_FILE}" in refused.stderr
    assert refused.stderr.rstrip().endswith(f"then: {WRITE}")


def test_a_value_under_the_schema_of_registered_prompts_is_refused(copy: Copy) -> None:
    copy.add_the_value()
    refused = copy.run(WRITE_SCHEMA)
    assert refused.returncode == 1
    assert f"set SCHEMA_VERSION = {SCHEMA_VERSION + 1} in {PROMPTS}, then: {WRITE_SCHEMA}" in refused.stderr


def test_another_version_without_upcasters_is_refused(copy: Copy) -> None:
    copy.add_the_value()
    copy.raise_the_version()
    refused = copy.run(WRITE)
    assert refused.returncode == 1
    assert re.search(rf"unchanged\({VERSION}, MentionAdded\), into UPCASTERS in \S+catalogue", refused.stderr)


def test_another_version_without_what_the_old_one_promised_is_refused(copy: Copy) -> None:
    copy.change()
    (copy.folder / RELEASED).unlink()
    refused = copy.run(WRITE)
    assert refused.returncode == 1
    assert f"git checkout HEAD -- {copy.folder / RELEASED}" in refused.stderr


@pytest.mark.parametrize(
    ("forgotten", "test"),
    [
        (WRITE, "tests/contract/test_contract_kept.py::test_the_kept_contract_is_what_the_models_say"),
        (WRITE_GOLDENS, "tests/unit/events/test_goldens.py::test_every_example_has_its_golden_file"),
        (
            WRITE_SCHEMA,
            "tests/unit/analysis/test_conversation.py::test_the_newest_schema_is_that_of_the_answer",
        ),
    ],
)
def test_a_command_that_is_forgotten_is_named(copy: Copy, forgotten: str, test: str) -> None:
    copy.change()
    copy.run_well(*({WRITE, WRITE_GOLDENS, WRITE_SCHEMA} - {forgotten}))
    refused = copy.run(f"python -m pytest -q {test}")
    assert refused.returncode == 1
    assert forgotten in refused.stdout


def test_an_old_golden_file_that_is_gone_is_named(copy: Copy) -> None:
    copy.change()
    copy.run_well(WRITE)
    old = copy.folder / GOLDENS / f"{named('MentionAdded', VERSION)}.json"
    old.unlink()
    refused = copy.run("python -m pytest -q tests/contract/test_promised_messages.py -k stay_as_promised")
    assert refused.returncode == 1
    assert f"git checkout HEAD -- {old}" in refused.stdout


def test_a_field_with_a_default_needs_no_other_version(copy: Copy) -> None:
    """What logs hold is kept beside what is written from now on."""
    golden = copy.folder / GOLDENS / f"{named('MentionAdded', VERSION)}.json"
    before = golden.read_bytes()
    copy.edit(
        SIGNALS_FILE, "    url: str\n    match", "    url: str\n    exchange: str | None = None\n    match"
    )
    copy.edit(CHANGES, "`dropped`).", "`dropped`), and `exchange`.")
    copy.run_well(WRITE, WRITE_GOLDENS)
    copy.tests_pass()
    assert golden.with_stem(f"{golden.stem}.without_exchange").read_bytes() == before
    assert json.loads(golden.read_text())["body"]["mention"]["exchange"] is None
    assert json.loads((copy.folder / KEPT).read_text())["info"]["version"] == str(VERSION)


def test_a_golden_file_that_logs_hold_is_not_written_over(copy: Copy) -> None:
    copy.edit(
        "tests/builders/examples.py",
        '"mention": _STATE}',
        '"mention": _STATE.model_copy(update={"action": "sell"})}',
    )
    refused = copy.run(WRITE_GOLDENS)
    assert refused.returncode == 1
    assert "'buy' became 'sell'" in refused.stderr
    assert "raise the type's version" in refused.stderr
