"""What needs a person, said first and with what to type: each row an overview that differs from a healthy one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from streams.bulletin import Kind, Trouble
from streams.overview.model import Disk, Kafka, Overview, Process, Snapshot, Stage, State
from streams.overview.needs import needs_person

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAMES = ("analyst", "projector", "watch", "worker-w0")


def ago(minutes: float) -> datetime:
    return NOW - minutes * MINUTE


def process(name: str, state: State = "works", seen: float = 0, began: float = 600) -> Process:
    return Process(name, 100 + len(name), state, ago(began), ago(seen))


def trouble(kind: Kind, *, person: bool = False, since: float = 60) -> Trouble:
    return Trouble(kind, ago(since), f"it is {kind}", "type this", needs_person=person)


def processes(*others: Process) -> tuple[Process, ...]:
    names = {other.name for other in others}
    return (*(process(name) for name in NAMES if name not in names), *others)


CAPTIONS = Stage(
    "captions", waiting=5, in_work=0, later=2, oldest=ago(40), last_moved=ago(30), waits_for={"worker": 3}
)
ANALYSIS = Stage(
    "analysis", waiting=7, in_work=0, oldest=ago(200), last_moved=ago(20), waits_for={"analyst": 7}
)
OLD = Snapshot(ago(12), 4_000_000, ago(12), behind=42, late=40)
HEALTHY = Overview(
    at=NOW,
    stages=(Stage("captions"), Stage("analysis")),
    processes=processes(),
    kafka=Kafka("127.0.0.1:9092"),
    snapshot=Snapshot(ago(120), 4_000_000, ago(120), behind=0, late=0),
    disk=Disk(free=50_000_000_000, total=10**11, min_free=500_000_000, used=10**9, kafka=10**8),
    dead_letters=0,
    rejects=0,
)
UP = process("up")


def with_stage(stage: Stage, **more: object) -> Overview:
    stages = tuple(stage if each.name == stage.name else each for each in HEALTHY.stages)
    return replace(HEALTHY, stages=stages, **more)  # type: ignore[arg-type]


HARMLESS = {
    "healthy": HEALTHY,
    "a process starts": replace(HEALTHY, processes=processes(process("worker-w0", "starts"))),
    "one worker of two has ended": replace(HEALTHY, processes=processes(process("worker-w1", "ended", 500))),
    "a throttle that passes by itself": replace(HEALTHY, troubles=(trouble("youtube-refuses"),)),
    "a cap that midnight renews": with_stage(ANALYSIS, troubles=(trouble("cap-used-up"),)),
    "captions wait for YouTube": with_stage(CAPTIONS, troubles=(trouble("youtube-refuses"),)),
    "captions wait for their time": with_stage(replace(CAPTIONS, waiting=2, oldest=None)),
    "a worker began lately": with_stage(
        CAPTIONS, processes=processes(process("worker-w0", began=5), process("worker-w1", "ended", 900))
    ),
    "videos move": with_stage(replace(CAPTIONS, last_moved=ago(2))),
    "calls are under way": with_stage(replace(ANALYSIS, in_work=3)),
    "a process that up starts again": replace(
        HEALTHY, processes=processes(process("worker-w0", "ended", 0.5), UP)
    ),
    "an up that has just begun": replace(
        HEALTHY, processes=(process("up", began=0.2), *HEALTHY.processes[:1])
    ),
    "a process of which up says that it starts it again": replace(
        HEALTHY,
        processes=processes(process("worker-w0", "ended", 3), UP),
        troubles=(replace(trouble("process-ends"), subject="worker"),),
    ),
    "a broker that somebody else keeps": replace(
        HEALTHY, processes=processes(process("broker", "ended", 900))
    ),
    "a dashboard that somebody has ended": replace(
        HEALTHY, processes=processes(process("dashboard", "ended", 900))
    ),
    "a Kafka that up starts again": replace(
        HEALTHY,
        kafka=Kafka("127.0.0.1:9092", "Kafka does not answer"),
        processes=processes(UP),
        troubles=(trouble("kafka-away", since=1),),
    ),
    "an old snapshot that lacks nothing": replace(HEALTHY, snapshot=replace(OLD, behind=0, late=0)),
    "an old snapshot, and new records": replace(HEALTHY, snapshot=replace(OLD, late=0)),
    "a snapshot whose lag is not known": replace(HEALTHY, snapshot=replace(OLD, behind=None, late=None)),
    "videos that failed for good": with_stage(Stage("captions", waiting=0, failed=9)),
    "nothing known but the processes": Overview(at=NOW, processes=processes()),
    "a disk that lasts": replace(HEALTHY, disk=Disk(10**10, 10**11, 0, 10**9, 0, 10**7, 1000.0)),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_passes_by_itself_needs_nobody(name: str) -> None:
    assert needs_person(HARMLESS[name]) == ()


SERIOUS: dict[str, tuple[Overview, str]] = {
    "nothing ever ran": (
        Overview(at=NOW),
        "nothing runs here → start it with `earmark up`",
    ),
    "nothing runs any more": (
        replace(HEALTHY, processes=tuple(process(name, "ended", 90) for name in NAMES)),
        "nothing runs (since 05:30); what waits, waits in the log → start it with `earmark up`",
    ),
    "a dead process": (
        replace(HEALTHY, processes=processes(process("worker-w0", "ended", 10))),
        (
            "worker-w0 has ended (last seen 06:50) → start everything with `earmark up`, or it alone with `earmark worker`;"
            " its log is in EARMARK_HOME/logs"
        ),
    ),
    "a process that does not stay": (
        replace(HEALTHY, processes=processes(process("analyst", "ended", 10), UP)),
        "analyst does not stay (last seen 06:50) → see its log in EARMARK_HOME/logs",
    ),
    "a process of which up says that it does not stay": (
        replace(
            HEALTHY,
            processes=processes(process("analyst", "ended", 10), UP),
            troubles=(replace(trouble("process-ends", person=True), subject="analyst"),),
        ),
        "it is process-ends (since 06:00) → type this",
    ),
    "a process of which up says that it hangs": (
        replace(
            HEALTHY,
            processes=processes(process("worker-w0", "hangs", 10), UP),
            troubles=(replace(trouble("process-hangs", person=True), subject="worker"),),
        ),
        "it is process-hangs (since 06:00) → type this",
    ),
    "an analyst that a bad key ends again and again": (
        replace(
            HEALTHY,
            processes=processes(process("analyst", "ended", 2), UP),
            troubles=(trouble("claude-refuses", person=True),),
        ),
        "it is claude-refuses (since 06:00) → type this",
    ),
    "nothing runs but the broker and a dashboard": (
        replace(
            HEALTHY,
            processes=(
                *(process(name, "ended", 90) for name in NAMES),
                process("broker"),
                process("dashboard"),
            ),
        ),
        "nothing runs (since 05:30); what waits, waits in the log → start it with `earmark up`",
    ),
    "a process that was never here": (
        replace(HEALTHY, processes=tuple(each for each in HEALTHY.processes if each.name != "watch")),
        "no watch runs here → start everything with `earmark up`, or it alone with `earmark watch`",
    ),
    "a process that hangs": (
        replace(HEALTHY, processes=processes(process("analyst", "hangs", 10))),
        "analyst (process 107) hangs: it shows nothing since 06:50 → `kill -9 107`; then start it again",
    ),
    "a bad key": (
        replace(HEALTHY, troubles=(trouble("youtube-refuses"), trouble("claude-refuses", person=True))),
        "it is claude-refuses (since 06:00) → type this",
    ),
    "a full disk": (
        replace(
            HEALTHY,
            troubles=(trouble("disk-full", person=True),),
            disk=Disk(4 * 10**8, 10**11, 5 * 10**8, 10**9, 0),
        ),
        "it is disk-full (since 06:00) → type this",
    ),
    "a disk so full that nobody can show itself": (
        replace(
            HEALTHY,
            processes=tuple(process(name, "hangs", 90) for name in NAMES),
            disk=Disk(4096, 10**11, 5 * 10**8, 10**9, 0),
        ),
        (
            "the disk has 4.1 kB left, less than EARMARK_DISK_MIN_FREE (500 MB) → free some space: nothing new is begun"
            " before"
        ),
    ),
    "a disk that was full before anybody ran": (
        replace(HEALTHY, disk=Disk(4 * 10**8, 10**11, 5 * 10**8, 10**9, 0)),
        "the disk has 400 MB left, less than EARMARK_DISK_MIN_FREE (500 MB) → free some space: nothing new is begun before",
    ),
    "a disk that is soon full": (
        replace(HEALTHY, disk=Disk(10**10, 10**11, 0, 10**9, 0, 2.5e9, 4.0)),
        "the disk is full in 4 days at this growth (2.5 GB a day) → make room, or move EARMARK_HOME",
    ),
    "a Kafka that nobody starts again": (
        replace(
            HEALTHY, kafka=Kafka("a:1", "Kafka at a:1 does not answer"), troubles=(trouble("kafka-away"),)
        ),
        "Kafka at a:1 does not answer (since 06:00) → `earmark doctor` looks for the cause",
    ),
    "a Kafka that up does not bring back": (
        replace(
            HEALTHY,
            kafka=Kafka("a:1", "Kafka at a:1 does not answer"),
            processes=processes(UP),
            troubles=(trouble("kafka-away", since=6),),
        ),
        "Kafka at a:1 does not answer (since 06:54) → `earmark doctor` looks for the cause",
    ),
    "lag that grows while nobody works": (
        with_stage(CAPTIONS),
        (
            "captions: 3 videos could go on (3 worker) and nothing has moved since 06:30, though the worker runs →"
            " `earmark sql \"SELECT video_title, waits_for, reason, next_step FROM video_status WHERE status <> 'analysed'\"`"
        ),
    ),
    "an analyst that asks nobody": (
        with_stage(ANALYSIS, troubles=(trouble("youtube-refuses"),)),
        (
            "analysis: 7 videos could go on (7 analyst) and nothing has moved since 06:40, though the analyst runs →"
            " `earmark sql \"SELECT video_title, waits_for, reason, next_step FROM video_status WHERE status <> 'analysed'\"`"
        ),
    ),
    "a projector that publishes nothing": (
        replace(HEALTHY, snapshot=OLD),
        (
            "the read model has not changed since 06:48 and lacks 42 records, though the projector runs → see projector.log in"
            " EARMARK_HOME/logs, and start the projector again"
        ),
    ),
    "dead letters": (
        replace(HEALTHY, dead_letters=2),
        "2 dead letters wait → `earmark dead-letters list` says why",
    ),
}


@pytest.mark.parametrize("name", SERIOUS)
def test_what_does_not_pass_is_said_with_what_to_type(name: str) -> None:
    overview, sentence = SERIOUS[name]
    assert needs_person(overview) == (sentence,)


def test_the_most_pressing_comes_first() -> None:
    troubled = replace(
        HEALTHY,
        troubles=(trouble("claude-refuses", person=True),),
        processes=processes(process("watch", "ended", 10)),
        dead_letters=1,
    )
    key, ended, letters = needs_person(troubled)
    assert key.startswith("it is claude-refuses")
    assert ended.startswith("watch has ended")
    assert letters == "1 dead letter waits → `earmark dead-letters list` says why"


def test_where_nothing_runs_the_last_words_follow() -> None:
    """A bad key ends the analyst; nobody is left to say it but its board."""
    ended = replace(
        HEALTHY,
        processes=tuple(process(name, "ended", 90) for name in NAMES),
        troubles=(trouble("claude-refuses", person=True),),
    )
    nothing, key = needs_person(ended)
    assert nothing.startswith("nothing runs (since 05:30)")
    assert key == "it is claude-refuses (since 06:00) → type this"
