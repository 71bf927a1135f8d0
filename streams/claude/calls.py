"""Calls to Claude, each at the pace that its model allows."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any
from uuid import UUID

from streams import metrics
from streams.claude.client import Claude, Response
from streams.claude.outcomes import Answered, Failed, Outcome, Refused
from streams.claude.pace import Pace, Permit
from streams.clock import Clock
from streams.events.event import LANES, Lane
from streams.journal import journal

log = journal(__name__)


@dataclass
class _Model:
    """`line`: the claims whose call was refused, by lane and then in order.

    They hold money, so they go before any new one of their lane or of a later one.
    """

    pace: Pace
    line: list[tuple[int, int, asyncio.Future[Permit]]] = field(default_factory=list)
    turns: Iterator[int] = field(default_factory=count)
    timer: asyncio.TimerHandle | None = None


class Calls:
    """Asks Claude. Who wants to call takes a permit first (`may_begin`, `begin`) and gives back what it did not use.

    `time_limit_s`: a call's. `chance` gives numbers from 0 to 1.
    """

    def __init__(self, claude: Claude, time_limit_s: float, chance: Callable[[], float], now: Clock) -> None:
        self._claude = claude
        self._time_limit_s = time_limit_s
        self._chance = chance
        self._now = now
        self._models: dict[str, _Model] = {}
        self._counted: dict[UUID, int] = {}

    def may_begin(self, model: str, lane: Lane) -> bool:
        """Whether the pace lets a new call of a lane begin now."""
        known = self._model(model)
        is_next = not known.line or LANES.index(lane) < known.line[0][0]
        return is_next and known.pace.wait_s(_now_s()) <= 0

    def a_second(self, model: str) -> float:
        """How many calls the pace allows a second."""
        return self._model(model).pace.calls_per_s

    def opens_in_s(self) -> float:
        """Seconds until some model that makes its calls wait lets the next one begin; 0 where none does."""
        waits = (known.pace.wait_s(_now_s()) for known in self._models.values())
        return min((wait_s for wait_s in waits if wait_s > 0), default=0.0)

    def is_held(self, model: str) -> bool:
        """Whether the provider asked us to wait."""
        return self._model(model).pace.is_held(_now_s())

    def begin(self, model: str) -> Permit:
        """Leave for one call."""
        return self._model(model).pace.take(_now_s())

    def give_back(self, model: str, permit: Permit) -> None:
        """No call was made of it; harmless where one was."""
        self._model(model).pace.give_back(permit, _now_s())

    async def max_tokens_of(self, model: str) -> int | None:
        """The most tokens that an answer of `model` may have; None where the provider does not say."""
        return await self._claude.max_tokens_of(model, self._time_limit_s)

    async def count(self, analysis_id: UUID, request: dict[str, Any], permit: Permit) -> int | Outcome:
        """How many input tokens `request` has, asked once an analysis, or why that is not known."""
        pace = self._model(request["model"]).pace
        counted = self._counted.get(analysis_id)
        if counted is None:
            pace.asked_to_count(permit)
            answer = await self._claude.count(request, self._time_limit_s)
            if not isinstance(answer, int):
                _note_refusal(request["model"], answer.outcome, "count")
                if isinstance(answer.outcome, Refused):
                    _hold(pace, permit, answer.outcome)
                return answer.outcome
            counted = self._counted[analysis_id] = answer
        pace.counted(permit, counted, _now_s())
        return counted

    def forget(self, analysis_id: UUID) -> None:
        """The analysis is done: its count is not asked for again."""
        self._counted.pop(analysis_id, None)

    async def call(self, request: dict[str, Any], permit: Permit, deadline_ms: int, lane: Lane) -> Outcome:
        """Send `request` once, and again whenever the provider takes no call.

        Refused where no whole call fits before `deadline_ms`, by our own clock.
        """
        known = self._model(request["model"])
        pace = known.pace
        if pace.is_held(_now_s()):
            pace.give_back(permit, _now_s())
            waited = await self._wait(known, deadline_ms, lane)
            if waited is None:
                return Refused("the provider held the call for as long as its claim lasts", None)
            permit = waited
        while True:
            if self._spare_s(deadline_ms) < 0:
                pace.give_back(permit, _now_s())
                return Refused("the claim's time ran out before the call", None)
            response = await self._call(request)
            pace.learn(response.headers, _now_s())
            match response.outcome:
                case Refused(unreachable=True):
                    pace.give_back(permit, _now_s())
                    return response.outcome
                case Refused():
                    _hold(pace, permit, response.outcome)
                    waited = await self._wait(known, deadline_ms, lane)
                    if waited is None:
                        return response.outcome
                    permit = waited
                case Answered(usage=usage) | Failed(usage=usage):
                    pace.answered(permit, usage, _now_s())
                    return response.outcome
                case _:
                    return response.outcome

    async def _call(self, request: dict[str, Any]) -> Response:
        model = request["model"]
        with (
            metrics.CALLS_IN_FLIGHT.labels(model).track_inprogress(),
            metrics.CALL_SECONDS.labels(model).time(),
        ):
            response = await self._claude.call(request, self._time_limit_s)
        outcome = response.outcome
        metrics.CALLS.labels(model, getattr(outcome, "outcome", type(outcome).__name__.lower())).inc()
        _note_refusal(model, outcome, "call")
        return response

    def _model(self, model: str) -> _Model:
        if model not in self._models:
            self._models[model] = _Model(Pace(_now_s(), self._chance))
        return self._models[model]

    def _spare_s(self, deadline_ms: int) -> float:
        return deadline_ms / 1000 - self._now().timestamp() - self._time_limit_s

    async def _wait(self, known: _Model, deadline_ms: int, lane: Lane) -> Permit | None:
        """Leave to call again, in turn; None where it would come too late."""
        spare_s = self._spare_s(deadline_ms)
        if known.pace.wait_s(_now_s()) > spare_s:
            return None
        turn: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        heappush(known.line, (LANES.index(lane), next(known.turns), turn))
        self._serve(known)
        try:
            return await asyncio.wait_for(turn, spare_s)
        except TimeoutError:
            return None

    def _serve(self, known: _Model) -> None:
        if known.timer is not None:
            known.timer.cancel()
        while known.line and known.pace.wait_s(_now_s()) <= 0:
            _, _, turn = heappop(known.line)
            if not turn.done():
                turn.set_result(known.pace.take(_now_s()))
        if known.line:
            wait_s = known.pace.wait_s(_now_s())
            known.timer = asyncio.get_running_loop().call_later(max(wait_s, 0.001), self._serve, known)


def _hold(pace: Pace, permit: Permit, refused: Refused) -> None:
    """Let a pace know that it was refused; what it is held for is throttled time."""
    before_s = max(pace.held_until_s, _now_s())
    pace.refused(permit, refused.retry_after_s, _now_s())
    metrics.THROTTLED_SECONDS.labels("claude").inc(max(0.0, pace.held_until_s - before_s))


def _note_refusal(model: str, outcome: Outcome, what: str) -> None:
    """Say and count that the provider did not do what it was asked for; what it charged for stands in the log."""
    match outcome:
        case Answered() | Failed(owner="request"):
            return
        case Refused(unreachable=True):
            kind = "unreachable"
        case _:
            kind = type(outcome).__name__.lower()
    metrics.REFUSALS.labels("claude", kind).inc()
    # A pace that is held to is no trouble; what lasts becomes one, and is said where the trouble is.
    log.info("refused", by="claude", kind=kind, what=what, model=model, reason=outcome.reason)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
