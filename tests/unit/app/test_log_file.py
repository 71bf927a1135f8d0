import errno
from pathlib import Path
from typing import Any

import pytest

from streams.app.log_file import FILES, MAX_BYTES, LogFile


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir())}


def test_lines_stand_one_below_the_other_in_whatever_letters(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "worker.log")
    log.write("first")
    log.write("zweite, größer")
    log.write("a lone surrogate: \udcff")
    assert (tmp_path / "worker.log").read_text() == "first\nzweite, größer\na lone surrogate: ?\n"


def test_seven_files_of_twenty_megabytes_are_the_most_there_is(tmp_path: Path) -> None:
    assert (MAX_BYTES, FILES) == (20_000_000, 7)
    log = LogFile(tmp_path / "worker.log", max_bytes=100)
    for number in range(100):
        log.write(f"line {number:04}")  # ten bytes with its end
    assert sizes(tmp_path) == {"worker.log": 100} | {f"worker.log.{number}": 100 for number in range(1, 7)}
    assert (tmp_path / "worker.log").read_text().splitlines()[-1] == "line 0099"
    assert (tmp_path / "worker.log.6").read_text().splitlines()[0] == "line 0030"


def test_a_process_that_starts_again_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for number in range(12):
        LogFile(tmp_path / "worker.log", max_bytes=100).write(f"line {number:04}")
    assert sizes(tmp_path) == {"worker.log": 20, "worker.log.1": 100}


def test_a_line_longer_than_a_file_is_kept_whole(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "worker.log", max_bytes=100)
    for line in ("short", "x" * 250, "short"):
        log.write(line)
    assert sizes(tmp_path) == {"worker.log": 6, "worker.log.1": 251, "worker.log.2": 6}


def test_a_file_that_somebody_removed_begins_anew(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "worker.log")
    log.write("before")
    (tmp_path / "worker.log").unlink()
    log.write("after")
    assert (tmp_path / "worker.log").read_text() == "after\n"


def test_on_a_full_disk_lines_are_lost_and_counted_and_nobody_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = LogFile(tmp_path / "worker.log")
    log.write("before")
    with monkeypatch.context() as full:

        def no_room(*_: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(Path, "open", no_room)
        log.write("lost")
        log.write("lost, too")
    log.write("after")
    log.write("and on")
    assert (tmp_path / "worker.log").read_text().splitlines() == [
        "before",
        "(2 lines lost: the disk took none)",
        "after",
        "and on",
    ]
