"""What Earmark is doing, in one value: what `earmark status` and the live view of `earmark up` show.

None stands for what is not known; `Overview.unknown` says why. Times are UTC, money is US dollars, sizes are bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from streams.bulletin import Trouble
from streams.events.event import Lane

LATE = timedelta(minutes=3)
"""How long a record may be in the log before whoever has not read it is late."""

StageName = Literal["discover", "captions", "analysis", "signals", "read-model"]
Role = Literal["projector", "worker", "analyst", "watch"]
ROLES: tuple[Role, ...] = ("projector", "worker", "analyst", "watch")
State = Literal["works", "starts", "hangs", "ended"]
READERS: Mapping[str, Role] = {
    "extract_captions": "worker",
    "request_analysis": "worker",
    "publish_signals": "worker",
    "place_markers": "worker",
    "analyst": "analyst",
    "projector": "projector",
}
"""Who reads the log in which process."""


@dataclass(frozen=True)
class Stage:
    """What stands at a stage: channels in `discover`, videos in `captions` and `analysis`, records in the others.

    `waiting` counts `later`, too: those that wait for a time still to come, the first of which is `next_try_at`.
    `oldest`: since when the oldest of the others waits. `last_moved`: when anything became of one. `failed`: for good. `waits_for`: as in `video_status`.
    """

    name: StageName
    waiting: int | None = None
    in_work: int | None = None
    done_today: int | None = None
    failed: int | None = None
    later: int = 0
    oldest: datetime | None = None
    next_try_at: datetime | None = None
    last_moved: datetime | None = None
    waits_for: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LaneState:
    """A lane's videos, and what it may still spend of the day under the caps as they are set here."""

    lane: Lane
    waiting: int
    in_work: int
    done_today: int
    charged_usd: Decimal
    cap_usd: Decimal
    left_usd: Decimal


@dataclass(frozen=True)
class ReplayState:
    """A replay with requests that wait."""

    replay_id: str
    prompt: str
    started_at: datetime
    requested: int
    completed: int
    failed: int
    charged_usd: Decimal
    max_usd: Decimal

    @property
    def waiting(self) -> int:
        """Requests that neither completed nor failed."""
        return self.requested - self.completed - self.failed


@dataclass(frozen=True)
class Money:
    """A UTC day's budget. `cap_usd`: as it is set here; `last_cap_usd`: the one last claimed against, by whomever.

    `hour_usd`: charged by the claims of the last hour. `used_up_at`: when nothing is left at that rate, null where the
    day ends first.
    """

    day: date
    billed_usd: Decimal
    unknown_usd: Decimal
    open_usd: Decimal
    cap_usd: Decimal
    left_usd: Decimal
    last_cap_usd: Decimal | None
    hour_usd: Decimal
    used_up_at: datetime | None


@dataclass(frozen=True)
class Process:
    """A process as its board shows it. `at`: when it last showed anything."""

    name: str
    pid: int
    state: State
    began: datetime
    at: datetime
    in_flight: int = 0

    @property
    def role(self) -> str:
        """Its name without a worker's slot."""
        return "worker" if self.name.startswith("worker-") else self.name

    @property
    def lives(self) -> bool:
        """Whether it is there and shows what it does."""
        return self.state in {"works", "starts"}


@dataclass(frozen=True)
class Lag:
    """How many records a reader has not read, by its position; `late`: those of them that are older than LATE."""

    reader: str
    role: Role
    behind: int | None = None
    late: int | None = None


@dataclass(frozen=True)
class Snapshot:
    """What readers of the read model see: `behind` and `late` as in Lag. `last_record_at`: by the broker's clock."""

    published_at: datetime
    bytes: int
    last_record_at: datetime | None
    behind: int | None = None
    late: int | None = None


@dataclass(frozen=True)
class Kafka:
    """Whether the log answers: `problem` is None where it does."""

    address: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Disk:
    """The disk of EARMARK_HOME. `used`: by EARMARK_HOME; `days_left`: until `min_free` is reached at `growth` a day."""

    free: int
    total: int
    min_free: int
    used: int
    kafka: int
    growth: float | None = None
    days_left: float | None = None


@dataclass(frozen=True)
class Happened:
    """An event in words."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Overview:
    """All of it at `at`. `unknown`: what could not be learnt, a sentence each, without a full stop."""

    at: datetime
    stages: tuple[Stage, ...] = ()
    lanes: tuple[LaneState, ...] = ()
    replays: tuple[ReplayState, ...] = ()
    money: Money | None = None
    troubles: tuple[Trouble, ...] = ()
    processes: tuple[Process, ...] = ()
    lags: tuple[Lag, ...] = ()
    kafka: Kafka = Kafka()
    snapshot: Snapshot | None = None
    disk: Disk | None = None
    dead_letters: int | None = None
    rejects: int | None = None
    events: tuple[Happened, ...] = ()
    unknown: tuple[str, ...] = ()

    def stage(self, name: StageName) -> Stage:
        """A stage, empty where nothing is known of it."""
        return next((stage for stage in self.stages if stage.name == name), Stage(name))

    def alive(self, role: str) -> list[Process]:
        """The processes of a role that are there and show what they do."""
        return [process for process in self.processes if process.role == role and process.lives]

    @property
    def supervised(self) -> bool:
        """Whether `earmark up` is there, which starts again what ends."""
        return bool(self.alive("up"))
