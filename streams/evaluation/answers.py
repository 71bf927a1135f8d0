"""What the log says of each question that an evaluation asks: a fold of analyses and failures, pure."""

from collections import defaultdict
from dataclasses import dataclass, field

from streams.evaluation.heard import Answer, Cost, answer_of
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed

Question = tuple[str, str]
"""A gold video's id and a prompt's."""


@dataclass
class Answers:
    """The first whole analysis of each question counts, else the first partial one, else that it failed for good.

    Every event is a bill, so the cost is that of all of them.
    """

    _events: dict[Question, AnalysisCompleted | AnalysisFailed] = field(default_factory=dict)
    _costs: defaultdict[Question, Cost] = field(default_factory=lambda: defaultdict(Cost))

    def take(self, question: Question, event: AnalysisCompleted | AnalysisFailed | AttemptFailed) -> None:
        """Fold an event on a question."""
        self._costs[question] = self._costs[question].plus(event.usd, event.usage)
        if not isinstance(event, AttemptFailed) and _rank(event) > _rank(self._events.get(question)):
            self._events[question] = event

    def of(self, question: Question) -> Answer:
        """The answer to a question."""
        return answer_of(self._events.get(question), self._costs[question])


def _rank(event: AnalysisCompleted | AnalysisFailed | None) -> int:
    match event:
        case None:
            return 0
        case AnalysisFailed():
            return 1
        case _:
            return 2 if event.partial else 3
