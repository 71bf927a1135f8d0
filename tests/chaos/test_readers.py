"""Readers and a writer that is killed, in short; `python -m tests.chaos.readers` is the long run."""

from pathlib import Path
from random import Random

from tests.chaos.readers import deaths, violence


def test_no_kill_of_the_writer_shows_a_reader_an_error_half_a_batch_or_an_older_state(tmp_path: Path) -> None:
    looks, complaints = violence(tmp_path / "home", kills=2, readers=4, random=Random(1))
    assert complaints == []
    assert looks >= 4


def test_at_whatever_step_the_writer_dies_readers_have_a_whole_snapshot(tmp_path: Path) -> None:
    """Each step changes a file; the next writer goes on from what is there."""
    steps, complaints = deaths(tmp_path / "home", every=4)
    assert complaints == []
    assert steps > 12
