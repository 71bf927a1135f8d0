"""Entries as they stand in the ledger, for tests of what reads it."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid5

import msgspec

from streams.budget.entries import Claim, Entry, Place, Replay, Request, Settlement
from streams.events.event import Lane
from streams.events.record import Record
from streams.log.topics import LEDGER

NOON_MS = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp() * 1000)
_NAMES = {
    Request: "AnalysisRequested",
    Claim: "BudgetReserved",
    Settlement: "BudgetSettled",
    Replay: "ReplayStarted",
}


def name(kind: str, number: int) -> UUID:
    return uuid5(UUID(int=9), f"{kind}{number}")


def request(number: int, lane: Lane = "live") -> Request:
    return Request(
        request_id=name("request", number),
        video_id=f"video-{number}",
        captions_id=name("captions", number),
        captions_at=Place(0, number),
        lane=lane,
        prompt_id=None,
        replay_id=None,
    )


def claim(
    number: int,
    usd: str = "0.10",
    *,
    lane: Lane = "live",
    model: str = "model-a",
    attempt: int = 1,
    cap_usd: str = "1.00",
    hold_s: int = 150,
) -> Claim:
    """The claim `number` of all, for the request of the same number."""
    return Claim(
        attempt_id=name(f"attempt{attempt}-", number),
        request_id=name("request", number),
        analysis_id=name("analysis", number),
        prompt_id="p",
        model=model,
        max_tokens=100,
        attempt=attempt,
        lane=lane,
        replay_id=None,
        usd=Decimal(usd),
        cap_usd=Decimal(cap_usd),
        lane_cap_usd=Decimal(cap_usd) / (1 if lane == "live" else 2),
        hold_s=hold_s,
    )


def settlement(of: Claim, outcome: str, usd: str = "0") -> Settlement:
    return msgspec.convert(
        {
            "attempt_id": of.attempt_id,
            "analysis_id": of.analysis_id,
            "outcome": outcome,
            "usd": Decimal(usd),
            "retry_at": None,
        },
        Settlement,
    )


def record(entry: Entry, offset: int, timestamp_ms: int, *, usage_known: bool = True) -> Record:
    """`entry` as a record; a settlement says its usage, or that it is not known."""
    kind = next((told for told, _ in _NAMES.items() if isinstance(entry, told)), None)
    kind_name = "ReplayCancelled" if kind is None else _NAMES[kind]
    body = msgspec.to_builtins(entry, builtin_types=(UUID, Decimal))
    if isinstance(entry, Settlement):
        body["usage"] = {"input_tokens": 10, "output_tokens": 3} if usage_known else None
    headers = (("ce_type", kind_name.encode()), ("ce_dataschema", f"urn:earmark:{kind_name}:1".encode()))
    return Record(LEDGER.name, 0, offset, timestamp_ms, None, headers, msgspec.json.encode(body))
