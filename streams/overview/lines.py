"""An overview in lines for people, beside its tables."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from streams.budget.money import usd
from streams.bulletin import moment
from streams.overview.model import ROLES, Disk, Money, Overview, Process, StageName
from streams.overview.sizes import size, span

STAGE_COLUMNS = ("stage", "waits", "later", "in work", "today", "failed", "oldest")
LANE_COLUMNS = ("lane", "waits", "in work", "today", "charged", "at most", "left")
_VIDEOS: tuple[StageName, ...] = ("captions", "analysis")
_READERS: Mapping[str, tuple[str, ...]] = {
    "worker": ("extract_captions", "request_analysis", "place_markers"),
    "publisher": ("publish_signals",),
    "analyst": ("analyst",),
    "projector": ("projector",),
}


def stage_rows(overview: Overview) -> list[Sequence[object]]:
    """A row a stage, as STAGE_COLUMNS names them; None where it is not known."""
    return [
        (
            stage.name,
            stage.waiting,
            stage.later or None,
            stage.in_work,
            stage.done_today,
            stage.failed,
            None if stage.oldest is None else span(overview.at - stage.oldest),
        )
        for stage in overview.stages
    ]


def lane_rows(overview: Overview) -> list[Sequence[object]]:
    """A row a lane, as LANE_COLUMNS names them."""
    return [
        (
            lane.lane,
            lane.waiting,
            lane.in_work,
            lane.done_today,
            f"${usd(lane.charged_usd)}",
            f"${usd(lane.cap_usd)}",
            f"${usd(lane.left_usd)}",
        )
        for lane in overview.lanes
    ]


def facts(overview: Overview) -> list[tuple[str, str]]:
    """What the tables do not say, by subject, in sentences without a full stop."""
    return list(_facts(overview))


def in_a_line(overview: Overview) -> str:
    """What counts, in one line."""
    heard = overview.stage("analysis").done_today
    parts = [f"{'?' if heard is None else heard} videos heard today"]
    for stage in overview.stages:
        if stage.name in {"captions", "analysis"} and stage.waiting:
            oldest = "" if stage.oldest is None else f", the oldest {span(overview.at - stage.oldest)}"
            later = f" ({stage.later} for later)" if stage.later else ""
            parts.append(f"{stage.waiting} wait for {stage.name}{later}{oldest}")
    if calls := sum(process.in_flight for process in overview.alive("analyst")):
        parts.append(f"{calls} calls in flight")
    if (budget := overview.money) is not None:
        parts.append(f"${usd(budget.cap_usd - budget.left_usd)} of ${usd(budget.cap_usd)} charged")
    if overview.dead_letters:
        parts.append(f"{overview.dead_letters} dead letters")
    if overview.snapshot is not None:
        parts.append(f"snapshot {span(overview.at - overview.snapshot.published_at)} old")
    if overview.troubles:
        parts.append(f"{len(overview.troubles)} troubles")
    return "; ".join(parts)


def _facts(overview: Overview) -> Iterator[tuple[str, str]]:
    yield from _of_stages(overview)
    for trouble in overview.troubles:
        yield "trouble", trouble.sentence(overview.at)
    for replay in overview.replays:
        failed = f", {replay.failed} failed" if replay.failed else ""
        yield (
            "replay",
            (
                f"{replay.prompt}: {replay.completed} of {replay.requested} videos analysed{failed};"
                f" ${usd(replay.charged_usd)} of ${usd(replay.max_usd)} charged ({replay.replay_id})"
            ),
        )
    if overview.money is not None:
        yield "money", money(overview.money, overview.at)
    yield from _of_the_machine(overview)
    for sentence in overview.unknown:
        yield "unknown", sentence


def _of_stages(overview: Overview) -> Iterator[tuple[str, str]]:
    if failing := overview.stage("discover").failed:
        yield "discover", f"the last look at {_count(failing, 'channel')} failed: see `earmark channels`"
    for stage in overview.stages:
        if stage.waits_for:
            yield stage.name, _waits(overview, stage.name)
    if lost := sum(overview.stage(name).failed or 0 for name in _VIDEOS):
        yield (
            "failed",
            f"{_count(lost, 'video')} for good: `earmark retry --failed` says why and asks for them again",
        )


def _of_the_machine(overview: Overview) -> Iterator[tuple[str, str]]:
    yield "processes", _processes(overview)
    yield "lag", _lags(overview)
    if (shown := overview.snapshot) is not None:
        behind = "" if shown.behind is None else f", {_count(shown.behind, 'record')} behind the log"
        yield "snapshot", f"{span(overview.at - shown.published_at)} old, {size(shown.bytes)}{behind}"
    if overview.disk is not None:
        yield "disk", _disk(overview.disk)
    if overview.rejects:
        yield (
            "rejects",
            f'{_count(overview.rejects, "record")} cannot be read by this version: `earmark sql "FROM _rejects"`',
        )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _waits(overview: Overview, name: StageName) -> str:
    stage = overview.stage(name)
    kinds = ", ".join(f"{count} for {kind}" for kind, count in stage.waits_for.items())
    then = (
        "" if stage.next_try_at is None else f"; the next falls due {moment(stage.next_try_at, overview.at)}"
    )
    return f"waits {kinds}{then}"


def when(at: datetime, now: datetime) -> str:
    """An event's time of day, or its day where that is not today's."""
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%m-%d %H:%M}"


def money(budget: Money, now: datetime) -> str:
    """The day's budget; where the cap that was last claimed against is another one, that too."""
    charged = budget.billed_usd + budget.unknown_usd + budget.open_usd
    sentence = (
        f"${usd(charged)} of ${usd(budget.cap_usd)} charged today (billed ${usd(budget.billed_usd)}, unknown"
        f" ${usd(budget.unknown_usd)}, open ${usd(budget.open_usd)}), ${usd(budget.left_usd)} left"
    )
    if budget.last_cap_usd is not None and budget.last_cap_usd != budget.cap_usd:
        sentence += f"; the last claim was made under a cap of ${usd(budget.last_cap_usd)}"
    if budget.left_usd <= 0:
        return f"{sentence}; the next day's budget begins at 00:00 UTC"
    if budget.used_up_at is not None:
        sentence += (
            f"; at the last hour's ${usd(budget.hour_usd)} it is used up at {moment(budget.used_up_at, now)}"
        )
    return sentence


def _processes(overview: Overview) -> str:
    alive = {role: overview.alive(role) for role in {process.role for process in overview.processes}}
    told = [
        _process(overview, process)
        for process in overview.processes
        if process.state != "ended" or (process.role in ROLES and not alive[process.role])
    ]
    return ", ".join(told) or "none has shown itself here"


def _process(overview: Overview, process: Process) -> str:
    match process.state:
        case "works":
            calls = f", {process.in_flight} in flight" if process.in_flight else ""
            return f"{process.name} {span(overview.at - process.began)}{calls}"
        case "starts":
            return f"{process.name} starts"
        case "hangs":
            return f"{process.name} hangs since {moment(process.at, overview.at)}"
        case "ended":
            return f"{process.name} ended ({moment(process.at, overview.at)})"


def _lags(overview: Overview) -> str:
    """By process, for that is what a person can start; the worker's publisher by itself, for bots wait for it."""
    if overview.kafka.problem is not None:
        return "not known: Kafka does not answer"
    told = []
    for name, readers in _READERS.items():
        lags = [lag.behind for lag in overview.lags if lag.reader in readers]
        known = [behind for behind in lags if behind is not None]
        told.append(f"{name} {sum(known)}" if len(known) == len(lags) else f"{name} not known")
    return f"{', '.join(told)} records behind"


def _disk(disk: Disk) -> str:
    sentence = f"{size(disk.free)} free of {size(disk.total)}; Earmark takes {size(disk.used)}"
    if disk.kafka:
        sentence += f", {size(disk.kafka)} of it the log"
    if disk.growth is not None and disk.days_left is not None:
        days = "more than 10 years" if disk.days_left > 3650 else f"{disk.days_left:,.0f} days"
        sentence += f"; at {size(disk.growth)} a day it lasts {days}"
    return sentence
