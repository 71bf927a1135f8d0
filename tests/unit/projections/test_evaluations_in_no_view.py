"""What an evaluation leaves in the log shows as money, and nowhere else."""

from decimal import Decimal
from uuid import UUID

from streams.evaluation.questions import Question
from streams.events.event import Position
from tests.builders.analyst_scene import PROMPT
from tests.builders.examples import EXAMPLES
from tests.builders.gold_scenes import gold_video
from tests.builders.read_model_world import at
from tests.unit.projections.conftest import Told

QUESTION = Question(gold_video("v1"), PROMPT)


def test_an_evaluation_shows_as_money_alone(told: Told) -> None:
    claim = EXAMPLES["BudgetReserved"].model_copy(
        update={
            "request_id": QUESTION.request_id,
            "analysis_id": QUESTION.analysis_id,
            "lane": "evaluation",
            "attempt_id": UUID(int=1),
        }
    )
    settled = EXAMPLES["BudgetSettled"].model_copy(
        update={"attempt_id": UUID(int=1), "analysis_id": QUESTION.analysis_id, "usd": Decimal("0.5")}
    )
    answer = EXAMPLES["EvaluationAttempted"].model_copy(
        update={"analysis_id": QUESTION.analysis_id, "attempt_id": UUID(int=1)}
    )
    told.tell(
        QUESTION.transcript(at(1)),
        QUESTION.request(at(2), Position(partition=0, offset=0)),
        claim,
        answer,
        settled,
    )
    for view in ("videos", "video_status", "mentions", "all_mentions", "analyses", "captions", "signals"):
        assert told.rows(f"SELECT * FROM {view}") == [], view  # noqa: S608
    assert told.rows("SELECT lane, charged_usd FROM daily_costs") == [("evaluation", Decimal("0.5"))]
    assert told.rows("SELECT topic FROM freshness WHERE rejects > 0") == []
