"""The ledger's records as its fold reads them: msgspec, some ten times faster than the models that wrote them.

Only what the rules need. Where a record is written, the pydantic model of the same name has checked all of it.
"""

from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec

from streams.errors import EarmarkError
from streams.events.event import Lane
from streams.events.ledger import analysis_id
from streams.events.record import Record


class LedgerError(EarmarkError):
    """A record of the ledger that this code cannot read: verdicts must agree, so nothing may be spent."""


class Place(msgspec.Struct, frozen=True, gc=False):
    """A position in `captions`."""

    partition: int
    offset: int


class Request(msgspec.Struct, frozen=True, gc=False):
    """AnalysisRequested."""

    request_id: UUID
    video_id: str
    captions_id: UUID
    captions_at: Place
    lane: Lane
    prompt_id: str | None
    replay_id: UUID | None
    again: int | None = None
    more_room: bool = False

    def analysis_id(self, prompt_id: str) -> UUID:
        """The analysis that answers it under a prompt: another one for each repetition."""
        return analysis_id(self.captions_id, prompt_id, self.again)


class Claim(msgspec.Struct, frozen=True, gc=False):
    """BudgetReserved."""

    attempt_id: UUID
    request_id: UUID
    analysis_id: UUID
    prompt_id: str
    model: str
    max_tokens: int
    attempt: int
    lane: Lane
    replay_id: UUID | None
    usd: Decimal
    cap_usd: Decimal
    lane_cap_usd: Decimal
    hold_s: int


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """BudgetSettled; `retry_at` in ISO 8601. `usage` and `unanswered` are no part of the rules."""

    attempt_id: UUID
    analysis_id: UUID
    outcome: Literal["completed", "retry", "failed", "not_called"]
    usd: Decimal
    retry_at: str | None
    usage: dict[str, int] | None = None
    unanswered: bool = False


class Replay(msgspec.Struct, frozen=True, gc=False):
    """ReplayStarted."""

    replay_id: UUID
    prompt_id: str
    share: float
    max_usd: Decimal
    follow: bool = False
    captions_ends: tuple[int, ...] = ()


class Cancellation(msgspec.Struct, frozen=True, gc=False):
    """ReplayCancelled."""

    replay_id: UUID


Entry = Request | Claim | Settlement | Replay | Cancellation

_DECODERS: dict[str, msgspec.json.Decoder[Entry]] = {
    "AnalysisRequested": msgspec.json.Decoder(Request),
    "BudgetReserved": msgspec.json.Decoder(Claim),
    "BudgetSettled": msgspec.json.Decoder(Settlement),
    "ReplayStarted": msgspec.json.Decoder(Replay),
    "ReplayCancelled": msgspec.json.Decoder(Cancellation),
}


def read_entry(record: Record) -> Entry | None:
    """The entry in a record of the ledger; None: without `ce_type` it was never Earmark's, and no reader counts it.

    Raises LedgerError.
    """
    if record.type is None:
        return None
    name, version = record.type, (record.header("ce_dataschema") or "").rpartition(":")[2]
    decoder = _DECODERS.get(name)
    if decoder is None or version != "1":
        raise LedgerError(
            f"{record.topic}[{record.partition}]@{record.offset}: {name} version {version!r} is unknown here;"
            " nothing is spent until every analyst can read it: upgrade Earmark"
        )
    try:
        return decoder.decode(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LedgerError(
            f"{record.topic}[{record.partition}]@{record.offset}: {name} cannot be read ({error});"
            " nothing is spent while verdicts could differ: see who wrote it"
        ) from error
