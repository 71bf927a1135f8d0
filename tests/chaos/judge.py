"""The judge: from the access log of the loopback Claude and the log itself, what broke the promises, if anything.

The bill is the access log's alone, priced here. Who may call is the word of the ledger, folded where no fault is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from streams.budget.breaker import OPENS_AFTER
from streams.budget.entries import Claim, Settlement, read_entry
from streams.budget.ledger import DAY_MS, Ledger, Verdict
from streams.budget.limits import Limits
from streams.events.analyses import AnalysisCompleted, AnalysisFailed
from streams.events.event import Lane
from streams.events.ledger import BudgetSettled
from streams.events.record import Record
from tests.chaos.plan import Plan

PRICES = {
    "input_tokens": Decimal("0.10e-6"),
    "cache_creation_input_tokens": Decimal("0.125e-6"),
    "cache_read_input_tokens": Decimal("0.01e-6"),
    "output_tokens": Decimal("0.50e-6"),
}
"""US dollars a token of claude-haiku-5-5, as its maker lists them."""
NO_CALL = {429, 529}
AWAY = 500
NOTHING = Decimal(0)


@dataclass(frozen=True)
class ReadModel:
    """Of a model built from the log: (status, reason) by video, the number of analyses by video, all that is charged."""

    videos: Mapping[str, tuple[str, str | None]]
    analyses: Mapping[str, int]
    charged_usd: Decimal


@dataclass(frozen=True)
class Evidence:
    """What a run left. `crashed`: analysts that ended otherwise than by a kill."""

    plan: Plan
    day_start_ms: int
    access_log: Sequence[Mapping[str, Any]]
    ledger: Sequence[Record]
    analyses: Sequence[Record]
    read_model: ReadModel
    crashed: Sequence[str]
    came_to_rest: bool


@dataclass(frozen=True)
class Call:
    """A call that the provider took; `attempt_id` is the claim it was made under, None where it showed none."""

    at_ms: int
    attempt_id: UUID | None
    video_id: str
    usd: Decimal


@dataclass
class Day:
    """A day as the ledger has it at its last record: US dollars charged and left, requests that wait."""

    charged_usd: Decimal = NOTHING
    room_usd: Decimal = NOTHING
    waiting: int = 0


@dataclass
class Told:
    """What the ledger says. `charges`: by granted claim, as it ended; `worst_usd`: the highest charge at any record.

    `in_time`: granted claims settled before their deadline; `late`: those settled after it.
    `said`: by claim, whether it was granted, as its first settlement has it.
    """

    ledger: Ledger
    claims: dict[UUID, tuple[Claim, int]] = field(default_factory=dict)
    verdicts: dict[UUID, Verdict] = field(default_factory=dict)
    charges: dict[UUID, Decimal] = field(default_factory=dict)
    in_time: set[UUID] = field(default_factory=set)
    late: set[UUID] = field(default_factory=set)
    said: dict[UUID, bool | None] = field(default_factory=dict)
    days: dict[int, Day] = field(default_factory=lambda: defaultdict(Day))
    ungranted_usd: Decimal = NOTHING
    worst_usd: Decimal = NOTHING
    worst_by_lane_usd: dict[Lane, Decimal] = field(default_factory=lambda: defaultdict(lambda: NOTHING))

    def room(self, lane: Lane, limits: Limits) -> Decimal:
        """US dollars that a lane may still be charged at the last record."""
        return self.ledger.room(lane, limits.cap_usd, limits.lane_cap_usd(lane), self.ledger.clock_ms)

    def apply(self, record: Record, cap_usd: Decimal) -> None:
        entry = read_entry(record)
        if entry is None:
            return
        verdict = self.ledger.apply(entry, record.offset, record.timestamp_ms)
        if isinstance(entry, Claim) and verdict is not None:
            self.claims.setdefault(entry.attempt_id, (entry, self.ledger.clock_ms))
            self.verdicts.setdefault(entry.attempt_id, verdict)
            if verdict == "granted":
                self.charges[entry.attempt_id] = entry.usd
        elif isinstance(entry, Settlement) and entry.attempt_id not in self.said:
            self._settle(entry, record)
        charged = self.ledger.charges.total
        self.worst_usd = max(self.worst_usd, charged)
        for lane, charges in self.ledger.lanes.items():
            self.worst_by_lane_usd[lane] = max(self.worst_by_lane_usd[lane], charges.total)
        self.days[self.ledger.day] = Day(charged, cap_usd - charged, len(self.ledger.pending))

    def _settle(self, settlement: Settlement, record: Record) -> None:
        attempt_id, event = settlement.attempt_id, record.event()
        assert isinstance(event, BudgetSettled)
        self.said[attempt_id] = event.granted
        if attempt_id not in self.charges:
            self.ungranted_usd += settlement.usd
        elif self.ledger.clock_ms >= self.deadline_ms(attempt_id):
            self.late.add(attempt_id)
        else:
            self.in_time.add(attempt_id)
            self.charges[attempt_id] = settlement.usd

    def deadline_ms(self, attempt_id: UUID) -> int:
        claim, at_ms = self.claims[attempt_id]
        return at_ms + claim.hold_s * 1000


@dataclass
class Judgement:
    """`faults`: every promise that was broken, in a sentence; none is the proof. `numbers`: what the run was like."""

    faults: list[str]
    numbers: dict[str, object]


def judge(evidence: Evidence) -> Judgement:
    """Weigh the evidence of a run."""
    told = Told(Ledger(evidence.day_start_ms))
    for record in evidence.ledger:
        told.apply(record, evidence.plan.cap_usd)
    calls = [_call(line) for line in evidence.access_log if line["status"] not in NO_CALL]
    bills: dict[int, Decimal] = defaultdict(lambda: NOTHING)
    for call in calls:
        bills[(call.at_ms - evidence.day_start_ms) // DAY_MS] += call.usd
    full = _full_days(evidence.plan, told)
    faults = [
        *evidence.crashed,
        *([] if evidence.came_to_rest else ["the analysts did not come to rest in time"]),
        *_money(evidence.plan, told, bills, full, _charged_for_nothing(evidence, told)),
        *_charges(evidence.plan, told, calls),
        *_calls(evidence, told, calls),
        *_settlements(told),
        *_videos(evidence, told),
        *_outage(evidence),
    ]
    return Judgement(faults, _numbers(evidence, told, calls, bills, full))


def _call(line: Mapping[str, Any]) -> Call:
    usage = line["usage"] or {}
    return Call(
        at_ms=line["at_ms"],
        attempt_id=None if line["attempt_id"] is None else UUID(line["attempt_id"]),
        video_id=line["video_id"],
        usd=sum((usage.get(kind, 0) * price for kind, price in PRICES.items()), NOTHING),
    )


def _full_days(plan: Plan, told: Told) -> set[int]:
    """The days with more work than money: requests waited at the end, and the next one may have found no room."""
    return {number for number, day in told.days.items() if day.waiting and day.room_usd < plan.dearest_usd}


def _charged_for_nothing(evidence: Evidence, told: Told) -> Mapping[int, Decimal]:
    """What stays charged by day for calls that Claude did not answer while it answered nobody."""
    charged: dict[int, Decimal] = defaultdict(lambda: NOTHING)
    for line in evidence.access_log:
        if line["status"] == AWAY and line["attempt_id"] is not None:
            day = (line["at_ms"] - evidence.day_start_ms) // DAY_MS
            charged[day] += told.charges.get(UUID(line["attempt_id"]), NOTHING)
    return charged


def _money(
    plan: Plan,
    told: Told,
    bills: Mapping[int, Decimal],
    full: set[int],
    for_nothing: Mapping[int, Decimal],
) -> Iterator[str]:
    cap_usd = plan.cap_usd
    for day in sorted(told.days.keys() | bills.keys()):
        usd = bills.get(day, NOTHING)
        if usd > cap_usd:
            yield f"day {day} was billed ${usd}, above the cap of ${cap_usd}"
        if day in full and usd + for_nothing.get(day, NOTHING) < plan.enough * cap_usd:
            yield f"day {day} had more work than money and was billed only ${usd} of ${cap_usd}"
    # A run has work for more than two days: whatever the first one came to, the last one must have spent its cap.
    if max(told.days, default=None) not in full:
        yield "the last day had not more work than money: the cap was not put to the proof"


def _charges(plan: Plan, told: Told, calls: Sequence[Call]) -> Iterator[str]:
    if told.worst_usd > plan.cap_usd:
        yield f"the ledger was charged ${told.worst_usd} at one record, above the cap of ${plan.cap_usd}"
    for lane, usd in told.worst_by_lane_usd.items():
        share_usd = plan.limits.lane_cap_usd(lane)
        if usd > share_usd:
            yield f"lane {lane} was charged ${usd} at one record, above its share of ${share_usd}"
    by_claim: dict[UUID | None, Decimal] = defaultdict(lambda: NOTHING)
    for call in calls:
        by_claim[call.attempt_id] += call.usd
    for attempt_id, usd in by_claim.items():
        charged = NOTHING if attempt_id is None else told.charges.get(attempt_id, NOTHING)
        if usd > charged:
            yield f"claim {attempt_id} was billed ${usd} and is charged ${charged}"


def _calls(evidence: Evidence, told: Told, calls: Sequence[Call]) -> Iterator[str]:
    for attempt_id, count in Counter(call.attempt_id for call in calls).items():
        verdict = None if attempt_id is None else told.verdicts.get(attempt_id)
        if verdict != "granted":
            yield f"{count} calls were made under claim {attempt_id}, which is {verdict or 'not in the ledger'}"
        elif count > 1:
            yield f"claim {attempt_id} was called {count} times"
    answered_ms: dict[UUID, int] = {}
    for record in evidence.analyses:
        event = record.event()
        if isinstance(event, AnalysisCompleted):
            answered_ms.setdefault(event.analysis_id, record.timestamp_ms)
    for call in calls:
        if call.attempt_id in told.claims:
            claim, claimed_ms = told.claims[call.attempt_id]
            if answered_ms.get(claim.analysis_id, claimed_ms) < claimed_ms:
                yield f"{call.video_id} was called under claim {claim.attempt_id}, its answer in the log before that"


def _settlements(told: Told) -> Iterator[str]:
    """What readers that cannot fold go by: each denied claim is settled in the end, and settlements tell the verdicts."""
    for attempt_id in told.ledger.denied:
        yield f"claim {attempt_id} was denied ({told.verdicts[attempt_id]}) and nobody has settled it"
    for attempt_id, granted in told.said.items():
        verdict = told.verdicts.get(attempt_id)
        if granted != (verdict == "granted"):
            yield f"the settlement of claim {attempt_id} says granted: {granted}, the ledger {verdict}"


def _videos(evidence: Evidence, told: Told) -> Iterator[str]:
    events = [record.event() for record in evidence.analyses]
    completed = {event.video.video_id for event in events if isinstance(event, AnalysisCompleted)}
    failed = {event.video.video_id for event in events if isinstance(event, AnalysisFailed)} - completed
    waiting = {pending.request.video_id for pending in told.ledger.pending.values()} - completed - failed
    for video_id in evidence.plan.video_ids:
        if video_id not in completed | failed | waiting:
            yield f"{video_id} is lost: neither completed nor failed, and it does not wait"
    requests = [pending.request for pending in told.ledger.pending.values()]
    for lane, count in Counter(request.lane for request in requests if request.video_id in waiting).items():
        room = told.room(lane, evidence.plan.limits)
        if room >= evidence.plan.dearest_usd:
            yield f"{count} videos of lane {lane} wait although ${room} is left for them today"
    yield from _rows(evidence, told, completed, failed)


def _outage(evidence: Evidence) -> Iterator[str]:
    """While Claude answers nobody, one call at a time tries, whoever was killed meanwhile; and no video is given up."""
    plan = evidence.plan
    if not plan.outage_s:
        return
    away = _away(evidence)
    if away < OPENS_AFTER:
        yield "there was no outage"
    if away > plan.calls_in_outage:
        yield f"the outage cost {away} calls, more than {plan.calls_in_outage}"
    for record in evidence.analyses:
        event = record.event()
        if isinstance(event, AnalysisFailed) and event.outcome == "provider_error":
            yield f"{event.video.video_id} was lost to the outage"


def _away(evidence: Evidence) -> int:
    return sum(line["status"] == AWAY for line in evidence.access_log)


def _rows(evidence: Evidence, told: Told, completed: set[str], failed: set[str]) -> Iterator[str]:
    shown = evidence.read_model
    for video_id in evidence.plan.video_ids:
        status, reason = shown.videos.get(video_id, ("unknown", None))
        rows = shown.analyses.get(video_id, 0)
        if video_id in completed:
            right = (status, rows) == ("analysed", 1)
        elif video_id in failed:
            right = (status, rows) == ("failed", 0) and bool(reason)
        else:
            right = (status, rows) == ("captioned", 0)
        if not right:
            yield f"the read model has {video_id} as {status} ({reason}) with {rows} analyses"
    charged = sum(told.charges.values(), told.ungranted_usd)
    if shown.charged_usd != charged:
        yield f"the read model charges ${shown.charged_usd}, the ledger ${charged}"


def _numbers(
    evidence: Evidence, told: Told, calls: Sequence[Call], bills: Mapping[int, Decimal], full: set[int]
) -> dict[str, object]:
    cap = evidence.plan.cap_usd
    statuses = Counter(status for status, _ in evidence.read_model.videos.values())
    asked = Counter(call.video_id for call in calls)
    late_calls = sum(
        call.at_ms >= told.deadline_ms(call.attempt_id) for call in calls if call.attempt_id in told.claims
    )
    expired = told.charges.keys() - told.in_time
    uncalled = len(expired - {call.attempt_id for call in calls})
    waits_ms = sorted(
        call.at_ms - told.claims[call.attempt_id][1] for call in calls if call.attempt_id in told.claims
    )
    lanes = Counter(told.claims[call.attempt_id][0].lane for call in calls if call.attempt_id in told.claims)
    return {
        "calls": len(calls),
        "calls by lane": dict(lanes),
        "refused, no calls": len(evidence.access_log) - len(calls),
        "claims granted": len(told.charges),
        "claims denied": dict(Counter(said for said in told.verdicts.values() if said != "granted")),
        "claims settled in time": len(told.in_time & told.charges.keys()),
        "claims expired, charged in full": f"{len(expired)}, {uncalled} of them never called",
        "from claim to call": f"{waits_ms[len(waits_ms) // 2]} ms at the median" if waits_ms else "",
        "settled by a zombie or its heir, too late": len(told.late & expired),
        "calls begun after the claim had expired": late_calls,
        "videos called more than once": sum(count > 1 for count in asked.values()),
        "calls while Claude was away": f"{_away(evidence)}, {evidence.plan.calls_in_outage} at most",
        "videos": dict(statuses),
        "charged at the highest": f"{told.worst_usd / cap:.2%} of the cap",
        **{
            f"day {number}": f"billed {bills.get(number, NOTHING) / cap:.2%}, charged {day.charged_usd / cap:.2%} of the"
            f" cap at its end, {day.waiting} requests waiting{', full' if number in full else ''}"
            for number, day in told.days.items()
        },
    }
