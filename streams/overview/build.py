"""The overview of what was gathered: without I/O."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from projections.overview import RECENT, Picture
from streams.budget.limits import Limits
from streams.bulletin import Board, Trouble, together
from streams.discovery.watch_state import WatchState
from streams.overview.events import in_words
from streams.overview.model import (
    READERS,
    ROLES,
    Disk,
    Kafka,
    Lag,
    Money,
    Overview,
    Process,
    Snapshot,
    Stage,
    State,
)
from streams.overview.stages import lanes, replays, stages

BEAT = timedelta(seconds=5)
"""A process shows itself every second; one that has not for so long and is not there has ended."""
DAY = timedelta(days=1)

Offsets = Mapping[str, Mapping[int, int]]
"""Topic without prefix → partition → offset."""


@dataclass(frozen=True)
class LogEnds:
    """The log's ends, and the ends of what is older than LATE; `problem`: why they are not known."""

    address: str | None = None
    problem: str | None = None
    ends: Offsets | None = None
    late: Offsets | None = None


@dataclass(frozen=True)
class Usage:
    """A disk, and what EARMARK_HOME takes of it, in bytes."""

    free: int
    total: int
    used: int
    kafka: int


@dataclass(frozen=True)
class Gathered:
    """All that an overview is made of. `present`: the boards whose process is there. `problem`: why `picture` is None."""

    boards: Sequence[Board]
    present: Collection[str]
    watch: WatchState | None
    picture: Picture | None
    problem: str | None
    log: LogEnds
    usage: Usage | None
    min_free: int


def overview(gathered: Gathered, limits: Limits, now: datetime) -> Overview:
    """What it comes to at `now`."""
    picture, log = gathered.picture, gathered.log
    processes = tuple(
        _process(board, now, is_there=board.process in gathered.present) for board in gathered.boards
    )
    lags = tuple(_lag(reader, gathered.boards, log) for reader in READERS)
    snapshot = None if picture is None else _snapshot(picture, log)
    unknown = [] if gathered.problem is None else [gathered.problem]
    if log.problem is not None:
        unknown.append(f"{log.problem}: how far the log is read is not known")
    if gathered.usage is None:
        unknown.append("the disk cannot be measured")
    return Overview(
        at=now,
        stages=() if picture is None or snapshot is None else _stages(gathered, picture, snapshot, lags),
        lanes=() if picture is None else lanes(picture, limits),
        replays=() if picture is None else replays(picture),
        money=None if picture is None else _money(picture, limits.cap_usd, now),
        troubles=_troubles(gathered.boards, processes),
        processes=processes,
        lags=lags,
        kafka=Kafka(log.address, log.problem),
        snapshot=snapshot,
        disk=None if gathered.usage is None else _disk(gathered.usage, picture, gathered.min_free, now),
        dead_letters=None if picture is None else picture.dead_letters,
        rejects=None if picture is None else picture.rejects,
        events=() if picture is None else tuple(map(in_words, picture.newest)),
        unknown=tuple(unknown),
    )


def _process(board: Board, now: datetime, *, is_there: bool) -> Process:
    state: State = "works" if board.ready else "starts"
    if board.is_stale(now):
        state = "hangs" if is_there else "ended"
    elif not is_there and now > board.at + BEAT:
        # One in another container is not there either, and shows itself all the same.
        state = "ended"
    return Process(board.process, board.pid, state, board.began, board.at, board.in_flight)


def _troubles(boards: Iterable[Board], processes: Sequence[Process]) -> tuple[Trouble, ...]:
    """Those of the living; of a role in which nobody lives, what needs a person: it may be why."""
    alive = {process.name for process in processes if process.lives}
    served = {process.role for process in processes if process.lives}
    roles = {process.name: process.role for process in processes}
    told = []
    for board in boards:
        if board.process in alive:
            told.append(board)
        elif roles[board.process] in ROLES and roles[board.process] not in served:
            serious = tuple(trouble for trouble in board.troubles if trouble.needs_person)
            told.append(Board(board.process, board.pid, board.began, board.at, troubles=serious))
    return tuple(together(told))


def _lag(reader: str, boards: Iterable[Board], log: LogEnds) -> Lag:
    reached: dict[str, dict[int, int]] = {}
    for board in boards:
        for topic, partitions in board.positions.get(reader, {}).items():
            known = reached.setdefault(topic, {})
            for partition, offset in partitions.items():
                known[partition] = max(offset, known.get(partition, 0))
    return Lag(reader, READERS[reader], _behind(reached, log.ends), _behind(reached, log.late))


def _behind(reached: Offsets, ends: Offsets | None) -> int | None:
    """How many records before `ends` were not reached, in the topics that are read; None where that is not known."""
    if ends is None or not reached:
        return None
    missing = 0
    for topic, partitions in reached.items():
        for partition, end in ends.get(topic, {}).items():
            if end > 0 and partition not in partitions:
                return None
            missing += max(0, end - partitions.get(partition, 0))
    return missing


def _snapshot(picture: Picture, log: LogEnds) -> Snapshot:
    # What it has no position for it has not read.
    reached = {
        topic: dict.fromkeys(partitions, 0) | dict(picture.positions.get(topic, {}))
        for topic, partitions in (log.ends or {}).items()
    }
    return Snapshot(
        published_at=picture.published_at,
        bytes=picture.bytes,
        last_record_at=picture.last_record_at,
        behind=_behind(reached, log.ends),
        late=_behind(reached, log.late),
    )


def _stages(
    gathered: Gathered, picture: Picture, snapshot: Snapshot, lags: Iterable[Lag]
) -> tuple[Stage, ...]:
    return stages(
        picture,
        gathered.watch,
        snapshot,
        in_flight=sum(board.in_flight for board in gathered.boards if board.process.startswith("worker-")),
        to_publish=next(lag.behind for lag in lags if lag.reader == "publish_signals"),
    )


def _money(picture: Picture, cap_usd: Decimal, now: datetime) -> Money:
    row = picture.money
    left_usd = max(cap_usd - row.billed_usd - row.unknown_usd - row.open_usd, Decimal(0))
    return Money(
        day=now.date(),
        billed_usd=row.billed_usd,
        unknown_usd=row.unknown_usd,
        open_usd=row.open_usd,
        cap_usd=cap_usd,
        left_usd=left_usd,
        last_cap_usd=row.cap_usd,
        hour_usd=row.recent_usd,
        used_up_at=used_up_at(left_usd, row.recent_usd, now),
    )


def used_up_at(left_usd: Decimal, hour_usd: Decimal, now: datetime) -> datetime | None:
    """When nothing is left at so much an hour; None where the UTC day ends first. Open claims count in full: it may be later."""
    if left_usd <= 0:
        return now
    if hour_usd <= 0:
        return None
    hours = float(left_usd / hour_usd)
    midnight = datetime.combine(now.date(), datetime.min.time(), UTC) + DAY
    return now + timedelta(hours=hours) if hours < (midnight - now) / timedelta(hours=1) else None


def _disk(usage: Usage, picture: Picture | None, min_free: int, now: datetime) -> Disk:
    growth = None if picture is None else growth_a_day(usage.used, picture, now)
    room = usage.free - min_free
    return Disk(
        free=usage.free,
        total=usage.total,
        min_free=min_free,
        used=usage.used,
        kafka=usage.kafka,
        growth=growth,
        days_left=max(room, 0) / growth if growth else None,
    )


def growth_a_day(used: int, picture: Picture, now: datetime) -> float | None:
    """Bytes a day: what is used, by the share of all words of captions that came in the last seven days.

    Captions are most of the log and of what follows from it; so it needs no history of sizes, and a look back long ago
    counts no more. None before there is a day to go by.
    """
    if picture.first_captions_at is None or now - picture.first_captions_at < DAY or not picture.words:
        return None
    days = min(now - picture.first_captions_at, RECENT) / DAY
    return used * picture.recent_words / picture.words / days
