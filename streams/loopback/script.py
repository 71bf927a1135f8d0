"""What the loopback Claude may do with a request, and how it distinguishes requests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

import orjson


@dataclass(frozen=True)
class Reply:
    """An answer, made and billed: a thinking block where `thinking` is given, then `text`.

    `stop_reason` max_tokens cuts it in the middle and bills all of the request's max_tokens; so does an answer that is
    longer than they allow. refusal without a text is an empty, free one. `delivery` is what becomes of it on the way:
    no_answer closes the connection without a byte, a trickle sends blanks for ever, a hang sends nothing. `altered`
    makes another message of the one that is sent; it is billed as the model and in the place that this one names.
    """

    text: str
    thinking: str = ""
    stop_reason: Literal[
        "end_turn",
        "max_tokens",
        "refusal",
        "model_context_window_exceeded",
        "pause_turn",
        "stop_sequence",
        "tool_use",
    ] = "end_turn"
    delivery: Literal["whole", "broken_json", "cut_connection", "no_answer", "trickle", "hang"] = "whole"
    altered: Callable[[dict[str, Any]], Mapping[str, Any]] = dict


@dataclass(frozen=True)
class Failure:
    """An error in the API's own shape, which costs nothing. `retry_after` in seconds, `code` as details.error_code.

    `page`: the HTML of something in between, in place of the API's error.
    """

    status: int
    kind: str
    message: str
    retry_after: int | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    page: str | None = None


RATE_LIMITED = Failure(429, "rate_limit_error", "This request would exceed the rate limit.", retry_after=1)
OVERLOADED = Failure(529, "overloaded_error", "Overloaded")
SERVER_ERROR = Failure(500, "api_error", "Internal server error")

Step = Reply | Failure
Script = Sequence[Step]
"""What happens to one request, try by try; the last step repeats."""
Improviser = Callable[[Mapping[str, Any]], Step]
"""A step for any request body."""


def canonical(part: object) -> bytes:
    """One spelling for one JSON value."""
    return orjson.dumps(part, option=orjson.OPT_SORT_KEYS)


def fingerprint(body: Mapping[str, Any]) -> str:
    """What makes a request the same request: the SHA-256 of its body without max_tokens."""
    return sha256(canonical({name: part for name, part in body.items() if name != "max_tokens"})).hexdigest()
