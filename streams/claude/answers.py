"""What a response with status 200 holds, whatever is wrapped round it: pure.

Only the answer's own JSON counts: it may stand in any text block, in a fence, behind prose, between thoughts. A usage
that is not whole says nothing of the bill, and a stop reason that nobody knows nothing of an answer that is whole.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from streams.claude.outcomes import Answered, Bill, Failed
from streams.events.analyses import AttemptOutcome, ResponseInfo
from streams.events.ledger import Usage
from streams.events.text import whole_json

CUT = ("max_tokens", "context_window")
"""The outcomes of an answer that had no room left: what it says before its end is sound."""

_STOPPED: dict[str | None, tuple[AttemptOutcome, bool]] = {
    "max_tokens": ("max_tokens", False),
    "refusal": ("refusal", True),
    "model_context_window_exceeded": ("context_window", True),
    "pause_turn": ("provider_error", False),  # we have no tool that it could wait for
}
_COUNTS = tuple(Usage.model_fields)
# An escape; in the group a half of a surrogate pair that has no other half.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x1f]")
_DECODER = json.JSONDecoder(strict=False)
# What every answer has, and nothing that stands in one or beside it.
_MARK = "mentions"
_STARTS_AT_MOST = 100
_TOKENS_AT_MOST = 10**9


def of_body(body: str) -> Answered | Failed:
    """The outcome of a call that was answered with 200 and this body."""
    try:
        message = whole_json(json.loads(body))
    except (ValueError, RecursionError) as error:
        return _no_message(body, str(error))
    if not isinstance(message, dict) or not isinstance(message.get("content"), list):
        return _no_message(body, "it has no content")
    texts = tuple(_texts(message["content"]))
    said, stop_reason, bill = _info(message), _text(message.get("stop_reason")), _bill(message.get("usage"))
    outcome, final = _STOPPED.get(stop_reason, ("stop_reason", False))
    reason = f"stopped: {stop_reason}{_category(message)}"
    if stop_reason == "refusal":
        # Refused before the first word: the provider bills nothing, whatever the usage says.
        bill = bill if message["content"] else "free"
    elif stop_reason == "end_turn" and not texts:
        outcome, reason = "invalid_answer", "the answer has no text"
    elif stop_reason == "end_turn" or any(
        object_in(text) is not None for text in (texts[-1:] if outcome in CUT else texts)
    ):
        return Answered(texts, bill, said)
    return Failed(outcome, reason, bill, "\n".join(texts) or None, final, response=said)


def object_in(text: str) -> dict[str, Any] | None:
    """The first whole JSON object in `text` that can be an answer; None where there is none."""
    start = text.find("{")
    for _ in range(_STARTS_AT_MOST):
        if start < 0:
            return None
        with suppress(ValueError, RecursionError):
            found = whole_json(_DECODER.raw_decode(text, start)[0])
            if _MARK in found:
                return dict(found)
        start = text.find("{", start + 1)
    return None


def cut_object_in(text: str) -> tuple[dict[str, Any], list[Any]]:
    """The JSON object that `text` breaks off in, as far as it goes, and the mentions in it that are whole."""
    text = _CONTROL.sub(" ", _ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], text))
    text = text[max(text.find("{"), 0) :]
    reached = _as_far_as(text)
    mentions = reached.get(_MARK)
    if not isinstance(mentions, list):
        return reached, []
    if next(reversed(reached)) != _MARK:
        return reached, mentions
    closed = text[: text.rfind("}") + 1]
    # Whole is what only its list and the answer stand open round: the brace may be another's, or stand in a text.
    with suppress(ValueError, RecursionError):
        return reached, _mentions_of(json.loads(f"{closed}]}}"))
    return reached, _mentions_of(_as_far_as(closed))[:-1]


def _mentions_of(answer: dict[str, Any]) -> list[Any]:
    # Their list may have been begun behind the last brace there is, which closed another's.
    mentions = answer.get(_MARK)
    return mentions if isinstance(mentions, list) else []


def _as_far_as(text: str) -> dict[str, Any]:
    try:
        found = from_json(text, allow_partial=True)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _no_message(body: str, why: str) -> Failed:
    return Failed(
        "unknown",
        f"the body of a 200 is no message: {why}",
        "unknown",
        raw_answer=body or None,
        owner="provider",
    )


def _texts(content: Sequence[Any]) -> Iterator[str]:
    for block in content:
        if isinstance(block, dict) and block.get("type") == "text" and _text(block.get("text")):
            yield block["text"]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _category(message: dict[str, Any]) -> str:
    details = message.get("stop_details")
    category = _text(details.get("category")) if isinstance(details, dict) else None
    return f" {category}" if category else ""


def _info(message: dict[str, Any]) -> ResponseInfo:
    usage = message.get("usage")
    said = usage if isinstance(usage, dict) else {}
    return ResponseInfo(
        id=_text(message.get("id")),
        model=_text(message.get("model")),
        stop_reason=_text(message.get("stop_reason")),
        inference_geo=_text(said.get("inference_geo")),
        service_tier=_text(said.get("service_tier")),
        usage=None if usage is None else json.dumps(usage, ensure_ascii=False),
    )


def _bill(usage: Any) -> Bill:
    if not isinstance(usage, dict):
        return "unknown"
    # What was written to or read from the cache may be left out; what went in and came out may not.
    counts = {name: usage[name] for name in _COUNTS if usage.get(name) is not None}
    try:
        known = Usage.model_validate(counts, strict=True)
    except ValidationError:
        return "unknown"
    return known if max(counts.values()) <= _TOKENS_AT_MOST else "unknown"
