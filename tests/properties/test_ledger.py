"""The ledger's own rules against a slow second account of them: the same verdict on every claim of every history."""

from typing import get_args

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from streams.budget.ledger import Denial
from tests.builders.ledger_machine import DearBillsMachine, LedgerMachine

TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestLedgerWithDearBills = DearBillsMachine.TestCase
TestLedgerWithDearBills.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)

CASES = (
    "a claim is granted",
    *(f"a claim is {denial}" for denial in get_args(Denial) if denial != "spending_stopped"),
    "a claim expires",
    "a claim is carried over midnight",
    "a claim is settled on its day",
    "a claim is settled on a later day",
    "a claim is settled after its deadline",
    "a claim is settled again",
    "a denied claim is settled as not_called, at no cost",
    "a denied claim is settled as failed, at no cost",
    "a denied claim is settled in time",
    "a denied claim is settled late",
    "a settlement says when to try again",
    "a replay is cancelled amid a call",
    "a replay is resumed",
    "a replay is resumed amid a call",
    "a claim of a resumed replay is granted",
)
DEAR_CASES = (
    "a claim is spending_stopped",
    "a claim is settled above its reservation",
    "a denied claim is settled as completed, at some cost",
    "a denied claim is settled as retry, at some cost",
    "a denied claim is settled late",
)


@pytest.mark.parametrize(("machine", "cases"), [(LedgerMachine, CASES), (DearBillsMachine, DEAR_CASES)])
def test_half_as_many_histories_have_every_case_in_them(
    machine: type[LedgerMachine], cases: tuple[str, ...]
) -> None:
    """Always the same ones, so that it is the machine that decides and no luck."""
    seen: set[str] = set()

    class Noting(machine):  # type: ignore[misc, valid-type]
        def saw(self, case: str) -> None:
            seen.add(case)

    proof = machine.TestCase.settings
    half = settings(
        proof, max_examples=proof.max_examples // 2, derandomize=True, database=None, phases=[Phase.generate]
    )
    run_state_machine_as_test(Noting, settings=half)
    assert set(cases) <= seen
