"""The outcome of a call, from the provider's answer: pure, one table.

Only a usage says what was billed. What may have been billed is unknown and stays charged.

- A message (`answers.py`): its usage is the bill, whatever it stopped for. A refusal before the first word is free.
- 429, 529: no call. Soon again under the same claim; where the provider means later, everything pauses.
- 402, and 400 or 429 for a limit on spending: no call, and none succeeds before its date.
- 413, and 400 for a request that is too long: no call, and none with this video ever succeeds.
- Any other 400: of the request (a filter stopped its answer, say), and it may have been billed. The same of two videos in a
  row is of the prompt.
- 404: the model is not there, so it is of the prompt. Nothing was called.
- 5xx, 408, 409, 499, an error in the body of a 200, a cut connection, a time limit passed: the provider answers nobody, as
  far as one call can tell, and it may have been billed. Where no connection came about, nothing was called.
- Any other status: a person must fix something, unless `x-should-retry` says otherwise.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from streams.events.analyses import AttemptOutcome, ResponseInfo
from streams.events.ledger import Usage

Bill = Usage | Literal["unknown", "free"]
"""What the provider bills for a call; unknown: it may have been billed."""


@dataclass(frozen=True)
class Answered:
    """A response that ended by itself, its texts in order: the answer is in one of them."""

    texts: tuple[str, ...]
    bill: Bill
    response: ResponseInfo | None = None

    @property
    def usage(self) -> Usage | None:
        """What is billed, where that is known."""
        return self.bill if isinstance(self.bill, Usage) else None


Owner = Literal["request", "provider"]
"""request: this video under this prompt; provider: it answers nobody, as far as one call can tell."""


@dataclass(frozen=True)
class Failed:
    """The call brought no answer; `final`: no other try can bring one. `owner`: whose failure it is."""

    outcome: AttemptOutcome
    reason: str
    bill: Bill
    raw_answer: str | None = None
    final: bool = False
    owner: Owner = "request"
    response: ResponseInfo | None = None

    @property
    def usage(self) -> Usage | None:
        """What is billed, where that is known and anything is."""
        return self.bill if isinstance(self.bill, Usage) else None


@dataclass(frozen=True)
class Refused:
    """The provider took no call: try the same claim again after `retry_after_s` (None: it named no time).

    `unreachable`: no connection came about, and nobody else's will.
    """

    reason: str
    retry_after_s: float | None
    unreachable: bool = False


@dataclass(frozen=True)
class Exhausted:
    """The account may spend no more before `until`: no call was made."""

    reason: str
    until: datetime


@dataclass(frozen=True)
class PromptFault:
    """No call with this prompt succeeds: its model is not there, say. Nothing was called."""

    reason: str


@dataclass(frozen=True)
class Misconfigured:
    """No call succeeds until a person fixes this. Nothing was called."""

    reason: str


Outcome = Answered | Failed | Refused | Exhausted | PromptFault | Misconfigured

SOON_S = 60.0
"""Limits are per minute: who names a longer wait means another limit."""

LATER = timedelta(hours=1)
"""The length of a pause without a date, and of the shortest pause: a payment or a limit may be fixed at any hour."""

_SPEND_LIMIT_CODES = {"enforced_spend_limit_reached", "contract_spend_limit_reached"}
_CREDIT = "credit balance is too low"
_SPEND_LIMIT_WORDS = ("usage limit", "spend limit", _CREDIT)
_REGAINED = re.compile(r"regain access on (\d{4}-\d\d-\d\d)(?: at (\d\d:\d\d) UTC)?")
_TOO_LONG = ("prompt is too long", "input is too long", "exceed context limit")
_FILTERED = "content filter"
_WORDS_AT_MOST = 1000
_WAIT_AT_MOST_S = 31 * 86_400.0
_NO_CALL = {429, 529}
_UNKNOWN = {408, 409, 499}


@dataclass(frozen=True)
class Said:
    """An error in the provider's words: its type, its stable code where it has one, its message."""

    kind: str
    code: str | None
    message: str


def of_status(status: int, headers: Mapping[str, str], said: Said, now: datetime) -> Outcome:
    """The outcome of an error response."""
    reason = f"{status} {said.kind}: {said.message[:_WORDS_AT_MOST]}"
    wait_s, advice = retry_after_s(headers), headers.get("x-should-retry")
    until = _pause(status, said, wait_s, advice, now)
    if until is not None:
        return Exhausted(reason, until)
    if status in _NO_CALL:
        return Refused(reason, wait_s)
    if status in _UNKNOWN or status >= 500:
        unknown: AttemptOutcome = "provider_error" if status >= 500 else "unknown"
        return Failed(unknown, reason, "unknown", owner="provider")
    if advice == "true":
        return Failed("provider_error", reason, "free", owner="provider")
    return _of_request(status, said, reason)


def _of_request(status: int, said: Said, reason: str) -> Outcome:
    message = said.message.lower()
    if status == 413:
        return Failed("request_too_large", reason, "free", final=True)
    if status == 404:
        return PromptFault(reason)
    if status != 400:
        return Misconfigured(reason)
    if any(words in message for words in _TOO_LONG):
        return Failed("context_window", reason, "free", final=True)
    # The answer may have been written before the filter saw it.
    return Failed("content_filtered" if _FILTERED in message else "bad_request", reason, "unknown")


def _pause(
    status: int, said: Said, wait_s: float | None, advice: str | None, now: datetime
) -> datetime | None:
    if _is_spent(status, said, wait_s):
        return _regained_at(status, said, now)
    if status not in _NO_CALL:
        return None
    if wait_s is None:
        return now + LATER if advice == "false" else None
    return now + timedelta(seconds=min(wait_s, _WAIT_AT_MOST_S)) if wait_s > SOON_S else None


def _is_spent(status: int, said: Said, wait_s: float | None) -> bool:
    if status == 402 or said.code in _SPEND_LIMIT_CODES:
        return True
    message = said.message.lower()
    return status in {400, 429} and wait_s is None and any(words in message for words in _SPEND_LIMIT_WORDS)


def _regained_at(status: int, said: Said, now: datetime) -> datetime:
    stated = _stated_date(said.message)
    if stated is not None:
        until = stated
    elif status == 402 or _CREDIT in said.message.lower():
        until = now
    else:
        # Clocks differ: a limit met just after the month's end is the old month's.
        until = _next_month(now - LATER)
    return max(until, now + LATER)


def _stated_date(message: str) -> datetime | None:
    found = _REGAINED.search(message)
    try:
        return None if found is None else datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}+00:00")
    except ValueError:
        return None  # no day of any calendar


def _next_month(now: datetime) -> datetime:
    return datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the provider says, or None."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if value.replace(".", "", 1).isdecimal():
            return float(value) / unit
    return None
