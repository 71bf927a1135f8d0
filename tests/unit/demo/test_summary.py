"""What a person reads last: eleven lines that fit, whatever became of the checks."""

from pathlib import Path

import pytest

from streams.demo.run import summary


@pytest.mark.parametrize("holds", [True, False])
def test_the_summary_has_eleven_lines_of_80_columns_and_ends_in_a_command(*, holds: bool) -> None:
    here = Path.cwd()
    lines = summary(here / ".earmark/demo", here / ".venv/bin/earmark", {"a": True, "b": holds}, 31.2)
    assert len(lines) == 11
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"Done in 31 s: {2 if holds else 1} of 2 checks hold."
    assert ("FAIL" in lines[1]) is not holds
    assert lines[-2].endswith("earmark dashboard")
    assert lines[-1].endswith('earmark sql "FROM mentions"')
    assert str(here) not in "".join(lines)
