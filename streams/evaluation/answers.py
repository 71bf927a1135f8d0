"""What the log says of each question: a fold of `evaluations`, pure. An answer is read and grounded anew each time."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from streams.analysis.answer import AnsweredMention, parse_answer, parse_cut_answer
from streams.analysis.grounding import ground
from streams.analysis.symbols import Symbols
from streams.evaluation.heard import Answer, Cost, State, heard_in, rejected_in
from streams.evaluation.questions import Question
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed, AttemptOutcome
from streams.events.envelope import UndecodableError
from streams.events.evaluations import EvaluationAttempted, TranscriptGiven
from streams.events.event import Position
from streams.events.record import Record

_CUT: set[AttemptOutcome] = {"max_tokens", "context_window"}
_REFUSED: set[AttemptOutcome] = {"refusal", "content_filtered"}
_RANKS = {"completed": 2, "partial": 1}


def attempted(event: AnalysisCompleted | AttemptFailed | AnalysisFailed) -> EvaluationAttempted:
    """What a call that an evaluation made brought, as `evaluations` keeps it: its mentions are not what was paid for."""
    common = {
        "at": event.at,
        "analysis_id": event.analysis_id,
        "attempt_id": event.attempt_id,
        "video_id": event.video.video_id,
        "captions_id": event.captions_id,
        "prompt_id": event.prompt_id,
        "model": event.model,
        "raw_answer": event.raw_answer,
        "usage": event.usage,
        "usd": event.usd,
        "response": event.response,
    }
    if isinstance(event, AnalysisCompleted):
        outcome = "partial" if event.partial else "completed"
        return EvaluationAttempted.model_validate(
            {**common, "outcome": outcome, "final": True, "reason": None}
        )
    unanswered = isinstance(event, AttemptFailed) and event.unanswered
    return EvaluationAttempted.model_validate(
        {
            **common,
            "outcome": event.outcome,
            "final": isinstance(event, AnalysisFailed),
            "reason": event.reason,
            "unanswered": unanswered,
        }
    )


@dataclass
class Answers:
    """What stands in `evaluations`: where each transcript is, and every attempt at each analysis, each once."""

    transcripts: dict[UUID, Position] = field(default_factory=dict)
    attempts: defaultdict[UUID, list[EvaluationAttempted]] = field(default_factory=lambda: defaultdict(list))
    _seen: set[UUID] = field(default_factory=set)

    def apply(self, record: Record) -> EvaluationAttempted | None:
        """Fold a record of `evaluations`; the attempt that it tells first. What cannot be read is skipped."""
        try:
            event = record.event()
        except UndecodableError:
            return None
        if event.event_id in self._seen:
            return None
        self._seen.add(event.event_id)
        match event:
            case TranscriptGiven(captions_id=captions_id):
                self.transcripts[captions_id] = Position(partition=record.partition, offset=record.offset)
            case EvaluationAttempted():
                self.attempts[event.analysis_id].append(event)
                return event
            case _:
                pass
        return None

    def of(self, question: Question, symbols: Symbols) -> Answer:
        """The answer to a question. The first whole one counts, else the first that was cut, else why there is none."""
        attempts = self.attempts.get(question.analysis_id, [])
        cost = _total(attempts)
        finals = [event for event in attempts if event.final]
        if not finals:
            return Answer("not asked", cost=cost)
        last = max(finals, key=lambda event: _RANKS.get(event.outcome, 0))
        mentions = ground(_said(last), question.transcript(last.at), symbols)
        return Answer(_state(last), heard_in(mentions), rejected_in(mentions), cost)


def _total(attempts: Sequence[EvaluationAttempted]) -> Cost:
    cost = Cost()
    for event in attempts:
        cost = cost.plus(event.usd, event.usage)
    return cost


def _state(last: EvaluationAttempted) -> State:
    if last.outcome == "completed":
        return "answered"
    if last.outcome == "partial" or last.outcome in _CUT:
        return "cut"
    return "refused" if last.outcome in _REFUSED else "failed"


def _said(last: EvaluationAttempted) -> Sequence[AnsweredMention]:
    match last:
        case EvaluationAttempted(outcome="completed", raw_answer=str(text)):
            return parse_answer(text).mentions
        case EvaluationAttempted(outcome="partial", raw_answer=str(text)):
            cut = parse_cut_answer(text)
            return () if cut is None else cut.mentions
        case _:
            return ()
