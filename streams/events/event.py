"""The base of every event: a frozen fact with an id that follows from it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, get_args
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

NAMESPACE = uuid5(NAMESPACE_URL, "urn:earmark")


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{moment} in UTC is out of range") from error


Utc = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An aware time, kept in UTC."""

Usd = Annotated[
    Decimal,
    Field(max_digits=18, decimal_places=9, allow_inf_nan=False),
    PlainSerializer(lambda usd: f"{usd:f}", return_type=str, when_used="json"),
]
"""US dollars to the billionth (list prices need eight places); a JSON string without an exponent."""

Lane = Literal["live", "backfill", "replay", "evaluation"]
"""The priority of a request: live before backfill, backfill before replay. Whoever evaluates serves evaluation, apart."""

LANES: tuple[Lane, ...] = get_args(Lane)
"""The lanes, the one that goes first in front."""


def derive_id(*parts: object) -> UUID:
    """The id of the fact that `parts` make the same fact: uuid5 over their texts, in order."""
    return uuid5(NAMESPACE, "\x1f".join(map(str, parts)))


class Part(BaseModel):
    """A value inside an event. Unknown fields are refused where it is built and ignored where it is decoded."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(Part):
    """Where a record stands in a topic that the reader knows."""

    partition: int = Field(ge=0)
    offset: int = Field(ge=0)


class Event(Part):
    """A fact (or, where the name ends in Requested, a command) at a time.

    `at` is the event's own time; it travels as `ce_time`, never in the body.
    """

    version: ClassVar[int] = 1

    at: Utc = Field(exclude=True)

    @property
    def key(self) -> str:
        """The Kafka key: events of one key keep their order."""
        raise NotImplementedError

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two events the same fact."""
        raise NotImplementedError

    @property
    def event_id(self) -> UUID:
        """The same for every event of the same fact."""
        return derive_id(type(self).__name__, *self.identity)

    @property
    def extensions(self) -> dict[str, str]:
        """CloudEvents extension attributes: what a fold needs without parsing the body."""
        return {}
