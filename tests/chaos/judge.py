"""The judge: from the access log of the loopback Claude and the log itself, what broke the promises, if anything.

The bill is the access log's alone, priced here. Who may call is the word of the ledger, folded where no fault is.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from streams.analysis.entries import Claim, Settlement, read_entry
from streams.analysis.ledger import DAY_MS, Ledger, Verdict
from streams.events.analyses import AnalysisCompleted, AnalysisFailed
from streams.log.fold import Record
from tests.chaos.plan import Plan

PRICES = {
    "input_tokens": Decimal("0.10e-6"),
    "cache_creation_input_tokens": Decimal("0.125e-6"),
    "cache_read_input_tokens": Decimal("0.01e-6"),
    "output_tokens": Decimal("0.50e-6"),
}
"""US dollars a token of claude-haiku-5-5, as its maker lists them."""
ENOUGH = Decimal("0.95")
NO_CALL = {429, 529}
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

    `in_time`: claims settled before their deadline; `late`: settlements that came after it.
    """

    ledger: Ledger
    claims: dict[UUID, tuple[Claim, int]] = field(default_factory=dict)
    verdicts: dict[UUID, Verdict] = field(default_factory=dict)
    charges: dict[UUID, Decimal] = field(default_factory=dict)
    in_time: set[UUID] = field(default_factory=set)
    late: set[UUID] = field(default_factory=set)
    days: dict[int, Day] = field(default_factory=lambda: defaultdict(Day))
    worst_usd: Decimal = NOTHING

    def apply(self, record: Record, cap_usd: Decimal) -> None:
        entry = read_entry(record)
        verdict = self.ledger.apply(entry, record.offset, record.timestamp_ms)
        if isinstance(entry, Claim) and verdict is not None:
            self.claims.setdefault(entry.attempt_id, (entry, self.ledger.clock_ms))
            self.verdicts.setdefault(entry.attempt_id, verdict)
            if verdict == "granted":
                self.charges[entry.attempt_id] = entry.usd
        elif isinstance(entry, Settlement) and entry.attempt_id in self.claims.keys() - self.in_time:
            if self.ledger.clock_ms >= self.deadline_ms(entry.attempt_id):
                self.late.add(entry.attempt_id)
            else:
                self.in_time.add(entry.attempt_id)
                if entry.attempt_id in self.charges:
                    self.charges[entry.attempt_id] = entry.usd
        charged = self.ledger.charges.total
        self.worst_usd = max(self.worst_usd, charged)
        self.days[self.ledger.day] = Day(charged, cap_usd - charged, len(self.ledger.pending))

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
    plan = evidence.plan
    told = Told(Ledger(evidence.day_start_ms))
    for record in evidence.ledger:
        told.apply(record, plan.cap_usd)
    calls = [_call(line) for line in evidence.access_log if line["status"] not in NO_CALL]
    bills: dict[int, Decimal] = defaultdict(lambda: NOTHING)
    for call in calls:
        bills[(call.at_ms - evidence.day_start_ms) // DAY_MS] += call.usd
    full = _full_days(told)
    faults = [
        *evidence.crashed,
        *([] if evidence.came_to_rest else ["the analysts did not come to rest in time"]),
        *_money(plan.cap_usd, told, calls, bills, full),
        *_calls(evidence, told, calls),
        *_videos(evidence, told),
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


def _full_days(told: Told) -> set[int]:
    """The days with more work than money: requests waited at the end, and no claim had room any more."""
    cheapest = min((claim.usd for claim, _ in told.claims.values()), default=NOTHING)
    return {number for number, day in told.days.items() if day.waiting and day.room_usd < cheapest}


def _money(
    cap_usd: Decimal, told: Told, calls: Sequence[Call], bills: Mapping[int, Decimal], full: set[int]
) -> Iterator[str]:
    for day, usd in sorted(bills.items()):
        if usd > cap_usd:
            yield f"day {day} was billed ${usd}, above the cap of ${cap_usd}"
        if day in full and usd < ENOUGH * cap_usd:
            yield f"day {day} had more work than money and was billed only ${usd} of ${cap_usd}"
    if not full & bills.keys():
        yield "no day had more work than money: the cap was not put to the proof"
    if told.worst_usd > cap_usd:
        yield f"the ledger was charged ${told.worst_usd} at one record, above the cap of ${cap_usd}"
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


def _videos(evidence: Evidence, told: Told) -> Iterator[str]:
    events = [record.event() for record in evidence.analyses]
    completed = {event.video.video_id for event in events if isinstance(event, AnalysisCompleted)}
    failed = {event.video.video_id for event in events if isinstance(event, AnalysisFailed)} - completed
    waiting = {pending.request.video_id for pending in told.ledger.pending.values()} - completed - failed
    for video_id in evidence.plan.video_ids:
        if video_id not in completed | failed | waiting:
            yield f"{video_id} is lost: neither completed nor failed, and it does not wait"
    dearest = max((claim.usd for claim, _ in told.claims.values()), default=NOTHING)
    room = told.days[told.ledger.day].room_usd
    if waiting and room >= dearest:
        yield f"{len(waiting)} videos wait although ${room} is left today"
    yield from _rows(evidence, told, completed, failed)


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
    charged = sum(told.charges.values(), NOTHING)
    # SQL knows no verdicts: a denied claim that nobody settled in time counts there as if it had been granted.
    too_much = sum(
        (
            claim.usd
            for attempt_id, (claim, _) in told.claims.items()
            if attempt_id not in told.charges.keys() | told.in_time
        ),
        NOTHING,
    )
    if not charged <= shown.charged_usd <= charged + too_much:
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
    return {
        "calls": len(calls),
        "refused, no calls": len(evidence.access_log) - len(calls),
        "claims granted": len(told.charges),
        "claims denied": len(told.claims) - len(told.charges),
        "claims settled in time": len(told.in_time & told.charges.keys()),
        "claims expired, charged in full": f"{len(expired)}, {uncalled} of them never called",
        "from claim to call": f"{waits_ms[len(waits_ms) // 2]} ms at the median" if waits_ms else "",
        "settled by a zombie or its heir, too late": len(told.late & expired),
        "calls begun after the claim had expired": late_calls,
        "videos called more than once": sum(count > 1 for count in asked.values()),
        "videos": dict(statuses),
        "charged at the highest": f"{told.worst_usd / cap:.2%} of the cap",
        **{
            f"day {number}": f"billed {bills.get(number, NOTHING) / cap:.2%}, charged {day.charged_usd / cap:.2%} of the"
            f" cap at its end, {day.waiting} requests waiting{', full' if number in full else ''}"
            for number, day in told.days.items()
        },
    }
