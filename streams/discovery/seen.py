"""What became of the looks at channels."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Seen:
    """What became of a channel's looks: the last one, the last that brought its videos, why the last one did not."""

    last_look: datetime
    last_success: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Away:
    """Looks at every channel have failed in a row since `since`, the last with `problem`."""

    since: datetime
    problem: str
