"""What needs a person, the most pressing first: a function of the overview."""

from collections.abc import Iterator
from datetime import timedelta

from streams.bulletin import OF_CLAUDE, OF_YOUTUBE, Kind, Trouble, moment
from streams.overview.model import ROLES, Overview, Process, StageName
from streams.overview.sizes import size

STANDS_STILL = timedelta(minutes=15)
"""A stage whose work could be done and is not, for so long, stands still."""
OUTAGE = timedelta(minutes=5)
"""How long Kafka may be away while `earmark up` sees to it."""
RESTART = timedelta(minutes=1)
"""How long a process may be gone while `earmark up` starts it again."""
STALE_MODEL = timedelta(minutes=5)
DAYS_LEFT = 7.0
NO_BOARD_BELOW = 1_000_000
_OF_ALL: frozenset[Kind] = frozenset({"kafka-away", "disk-full"})
_EXPLAINS: dict[StageName, frozenset[Kind]] = {
    "captions": OF_YOUTUBE | _OF_ALL,
    "analysis": OF_CLAUDE | _OF_ALL,
}
_OF_STAGE: tuple[tuple[StageName, str], ...] = (("captions", "worker"), ("analysis", "analyst"))
_WHY = """`earmark sql "SELECT video_title, waits_for, reason, next_step FROM video_status WHERE status <> 'analysed'"`"""


def needs_person(overview: Overview) -> tuple[str, ...]:
    """A sentence each, without a full stop: what is wrong and what to type. Empty: it is healthy."""
    return tuple(_needs(overview))


def _needs(overview: Overview) -> Iterator[str]:
    now = overview.at
    if overview.disk is not None and overview.disk.free < NO_BOARD_BELOW:
        # Then nobody can show itself, and who lives and who hangs is not known.
        yield from (trouble.sentence(now) for trouble in overview.troubles if trouble.needs_person)
        yield from _disk(overview)
        yield from _letters(overview)
        return
    if not any(overview.alive(role) for role in (*ROLES, "up")):
        yield from _nothing_runs(overview)
        yield from _disk(overview)
        yield from _letters(overview)
        return
    yield from (trouble.sentence(now) for trouble in overview.troubles if trouble.needs_person)
    yield from _kafka(overview)
    for role in ROLES:
        if not overview.alive(role):
            yield from _missing(overview, role)
    yield from _standstill(overview)
    yield from _disk(overview)
    yield from _letters(overview)


def _nothing_runs(overview: Overview) -> Iterator[str]:
    start = "start it with `earmark up`"
    known = [process for process in overview.processes if process.role in ROLES]
    ended = max((process.at for process in known), default=None)
    if ended is None:
        yield f"nothing runs here → {start}"
    else:
        since = moment(ended, overview.at)
        yield f"nothing runs (since {since}); what waits, waits in the log → {start}"
    for process in known:
        if process.state == "hangs":
            yield _hangs(overview, process)
    # What a process said last is why it ended.
    yield from (trouble.sentence(overview.at) for trouble in overview.troubles if trouble.needs_person)


def _kafka(overview: Overview) -> Iterator[str]:
    problem = overview.kafka.problem
    if problem is None:
        return
    away = _first(overview, "kafka-away")
    if overview.supervised and (away is None or overview.at - away.since < OUTAGE):
        return
    since = "" if away is None else f" (since {moment(away.since, overview.at)})"
    yield f"{problem}{since} → `earmark doctor` looks for the cause"


def _first(overview: Overview, kind: str) -> Trouble | None:
    return next((trouble for trouble in overview.troubles if trouble.kind == kind), None)


def _missing(overview: Overview, role: str) -> Iterator[str]:
    if overview.supervised and _up_sees_to(overview, role):
        return
    gone = [process for process in overview.processes if process.role == role]
    if not gone:
        if any(overview.at - up.began < RESTART for up in overview.alive("up")):
            return
        yield f"no {role} runs here → start everything with `earmark up`, or it alone with `earmark {role}`"
        return
    last = max(gone, key=lambda process: process.at)
    if last.state == "hangs":
        yield _hangs(overview, last)
    elif not overview.supervised:
        since = moment(last.at, overview.at)
        yield (
            f"{last.name} has ended (last seen {since}) → start everything with `earmark up`, or it alone with"
            f" `earmark {role}`; its log is in EARMARK_HOME/logs"
        )
    elif overview.at - last.at > RESTART:
        since = moment(last.at, overview.at)
        yield f"{last.name} does not stay (last seen {since}) → see its log in EARMARK_HOME/logs"


def _up_sees_to(overview: Overview, role: str) -> bool:
    """Whether `earmark up` has said why it is gone, and whether a person has to do anything about it."""
    return any(
        (trouble.kind in {"process-ends", "process-hangs"} and trouble.subject == role)
        or (trouble.kind == "claude-refuses" and role == "analyst")
        for trouble in overview.troubles
    )


def _hangs(overview: Overview, process: Process) -> str:
    since = moment(process.at, overview.at)
    start = "`earmark up` starts it again" if overview.supervised else "then start it again"
    return f"{process.name} (process {process.pid}) hangs: it shows nothing since {since} → `kill -9 {process.pid}`; {start}"


def _standstill(overview: Overview) -> Iterator[str]:
    if overview.kafka.problem is not None:
        return
    for name, role in _OF_STAGE:
        stage, alive = overview.stage(name), overview.alive(role)
        could = (stage.waiting or 0) - stage.later
        if not alive or stage.oldest is None or could <= 0 or stage.in_work:
            continue
        if any(trouble.kind in _EXPLAINS[name] for trouble in overview.troubles):
            continue
        began = max(process.began for process in alive)
        since = max(stage.oldest, began, stage.last_moved or began)
        if overview.at - since > STANDS_STILL:
            kinds = ", ".join(f"{count} {kind}" for kind, count in stage.waits_for.items())
            yield (
                f"{name}: {could} videos could go on ({kinds}) and nothing has moved since {moment(since, overview.at)},"
                f" though the {role} runs → {_WHY}"
            )
    yield from _read_model(overview)


def _read_model(overview: Overview) -> Iterator[str]:
    shown, alive = overview.snapshot, overview.alive("projector")
    if not alive or shown is None or not shown.late:
        return
    since = max(shown.published_at, *(process.began for process in alive))
    if overview.at - since > STALE_MODEL:
        yield (
            f"the read model has not changed since {moment(shown.published_at, overview.at)} and lacks {shown.behind}"
            " records, though the projector runs → see projector.log in EARMARK_HOME/logs, and start the projector again"
        )


def _disk(overview: Overview) -> Iterator[str]:
    disk = overview.disk
    if disk is None:
        return
    if disk.free < disk.min_free:
        if not any(trouble.kind == "disk-full" for trouble in overview.troubles):
            yield (
                f"the disk has {size(disk.free)} left, less than EARMARK_DISK_MIN_FREE ({size(disk.min_free)}) → free some"
                " space: nothing new is begun before"
            )
    elif disk.days_left is not None and disk.days_left < DAYS_LEFT:
        yield (
            f"the disk is full in {disk.days_left:.0f} days at this growth ({size(disk.growth or 0)} a day) → make room, or"
            " move EARMARK_HOME"
        )


def _letters(overview: Overview) -> Iterator[str]:
    if overview.dead_letters:
        waits = (
            "1 dead letter waits"
            if overview.dead_letters == 1
            else f"{overview.dead_letters} dead letters wait"
        )
        yield f"{waits} → `earmark dead-letters list` says why"
