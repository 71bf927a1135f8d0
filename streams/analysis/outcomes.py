"""What became of a call, from what the provider answered: pure, one table.

What was billed is known only from a usage; what may have been billed is unknown and stays charged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.events.analyses import AttemptOutcome
from streams.events.ledger import Usage


@dataclass(frozen=True)
class Answered:
    """A complete answer."""

    text: str
    usage: Usage


@dataclass(frozen=True)
class Failed:
    """The call was made and brought no answer. `usage` null: the bill is unknown unless `billed` is false."""

    outcome: AttemptOutcome
    reason: str
    usage: Usage | None
    raw_answer: str | None = None
    billed: bool = True
    final: bool = False


@dataclass(frozen=True)
class Refused:
    """The provider took no call: try the same claim again after `retry_after_s` (None: it named no time)."""

    reason: str
    retry_after_s: float | None


@dataclass(frozen=True)
class Exhausted:
    """The account may spend no more before `until`: no call was made."""

    reason: str
    until: datetime


@dataclass(frozen=True)
class Misconfigured:
    """No call will succeed before a person mends this: nothing was called."""

    reason: str


Outcome = Answered | Failed | Refused | Exhausted | Misconfigured

_USAGE_FIELDS = tuple(Usage.model_fields)
_STOP_REASONS: dict[str, tuple[AttemptOutcome, bool]] = {
    "max_tokens": ("max_tokens", False),
    "refusal": ("refusal", True),
    "model_context_window_exceeded": ("context_window", True),
}


def of_message(message: Mapping[str, Any]) -> Answered | Failed:
    """The outcome of a message that the provider sent whole (its JSON object)."""
    usage = Usage.model_validate({name: message["usage"].get(name) or 0 for name in _USAGE_FIELDS})
    text = next((block["text"] for block in message["content"] if block["type"] == "text"), None)
    stop_reason = message["stop_reason"]
    if stop_reason == "end_turn" and text is not None:
        return Answered(text, usage)
    outcome, final = _STOP_REASONS.get(stop_reason, ("stop_reason", False))
    details = message.get("stop_details") or {}
    reason = " ".join(str(part) for part in ("stopped:", stop_reason, details.get("category")) if part)
    if stop_reason == "refusal" and not message["content"]:
        # Refused before the first word: the provider bills nothing, whatever the usage says.
        return Failed(outcome, reason, None, billed=False, final=True)
    return Failed(outcome, reason, usage, raw_answer=text, final=final)


def of_status(status: int, headers: Mapping[str, str], kind: str, said: str, now: datetime) -> Outcome:
    """The outcome of an error response: its status, headers, the error's type and its message."""
    reason = f"{status} {kind}: {said}"
    if _is_spend_limit(status, headers, said):
        return Exhausted(reason, _next_month(now))
    match status:
        case 429 | 529:
            return Refused(reason, retry_after_s(headers))
        case 413:
            return Failed("request_too_large", reason, None, billed=False, final=True)
        case 408 | 409:
            return Failed("unknown", reason, None)
        case _ if status >= 500:
            return Failed("provider_error", reason, None)
        case _:
            return Misconfigured(reason)


def _is_spend_limit(status: int, headers: Mapping[str, str], said: str) -> bool:
    if status == 402:
        return True
    speaks_of_it = "usage limit" in said.lower() or "spend limit" in said.lower()
    return speaks_of_it and (status == 400 or (status == 429 and retry_after_s(headers) is None))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the provider says, or None."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if value.replace(".", "", 1).isdecimal():
            return float(value) / unit
    return None


def _next_month(now: datetime) -> datetime:
    return datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
