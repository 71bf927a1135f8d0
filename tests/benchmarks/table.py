"""What a benchmark came to, as a table that people read and numbers that code may check."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Result:
    """`rows` begin with the columns' names; `words` say what was done and how far the numbers go."""

    title: str
    words: str
    rows: Sequence[Sequence[str]]
    numbers: Mapping[str, float] = field(default_factory=dict)

    def markdown(self) -> str:
        """The title, the words and the table, its first column to the left and all others to the right."""
        head, *body = ["| " + " | ".join(row) + " |" for row in self.rows]
        rule = "|---" + "|---:" * (len(self.rows[0]) - 1) + "|"
        return "\n".join([f"**{self.title}.**", lines(self.words), "", head, rule, *body])


def lines(words: str) -> str:
    """A line for each sentence."""
    return re.sub(r"(?<=[.!?]) (?=[A-Z])", "\n", words)


def at(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * percent // 100) - 1)]


def spread(values: Sequence[float]) -> list[str]:
    """Half of them, 95 % and 99 % are no larger than this."""
    return [f"{at(values, percent):,.1f}" for percent in (50, 95, 99)]
