"""The command line ends its process itself: what was said must be out by then, and its code must be told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EARMARK = (sys.executable, "-m", "streams")


def test_all_that_was_said_is_out(tmp_path: Path) -> None:
    told = subprocess.run([*EARMARK, "--help"], capture_output=True, check=True, cwd=tmp_path)
    assert told.stdout.rstrip().endswith(b"The local Kafka.")


@pytest.mark.parametrize(
    ("words", "code"), [(("sql", "SELECT 1"), 1), (("no-such-verb",), 2), (("sql", "--describe"), 2)]
)
def test_an_error_has_its_code(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    environment = {**os.environ, "EARMARK_HOME": str(tmp_path / "nothing here")}
    told = subprocess.run([*EARMARK, *words], capture_output=True, check=False, cwd=tmp_path, env=environment)
    assert told.returncode == code
    assert told.stderr


def test_a_reader_who_went_away_is_no_trouble(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as gone:
        told = subprocess.run(
            [*EARMARK, "settings"], stdout=gone, stderr=subprocess.PIPE, check=False, cwd=tmp_path
        )
    assert (told.returncode, told.stderr) == (1, b"")


def test_a_stdout_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "said").touch()
    with (tmp_path / "said").open("rb") as unwritable:
        told = subprocess.run(
            [*EARMARK, "settings"], stdout=unwritable, stderr=subprocess.PIPE, check=False, cwd=tmp_path
        )
    assert told.returncode == 1
    assert b"Bad file descriptor" in told.stderr
