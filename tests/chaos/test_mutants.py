"""The judge itself on trial: a fault planted in every analyst must not escape it."""

from pathlib import Path

import pytest

from streams.log.connection import Connection
from tests.chaos.mutants import TRIALS, Trial, judged

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize(
    "trial", [trial for trial in TRIALS if not trial.long], ids=lambda trial: trial.fault
)
async def test_a_planted_fault_turns_the_judge_red(
    connection: Connection, tmp_path: Path, trial: Trial
) -> None:
    """What is broken is named, not only that something is. `python -m tests.chaos.mutants` plants those that take long, too."""
    judgement = await judged(trial, connection, tmp_path)
    assert any(trial.sign in found for found in judgement.faults), judgement
