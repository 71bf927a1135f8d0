"""Readers under violence: `python -m tests.chaos.readers --kills 200`.

A writer publishes as fast as it can and is killed at any point, while readers open every snapshot, keep one open for long,
leave one alone and look at it later, and lose DuckDB's lock by a second database. None may ever meet an error, half a
batch or an older state. Exit code 1, and a line each, where one did.
"""

import argparse
import multiprocessing
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import duckdb
from duckdb import DuckDBPyConnection

from projections import model
from projections.ingest import apply
from projections.rebuild import restore
from projections.snapshots import KEPT_S, LINK, Snapshots
from streams.events.record import Record
from tests.builders.large_model import fill
from tests.builders.read_model_world import PROMPTS, completed, record, video

VIDEOS = 300
READERS = 8
PAUSE_S = 0.05
LIVES_S = 4.0
LIMIT_S = 60.0
RECORDS = "SELECT sum(next_offset)::BIGINT FROM _positions WHERE topic = 'analyses'"
REACHED = "SELECT log_partition, next_offset FROM _positions WHERE topic = 'analyses'"
# The answers beside those that were there before are one a record, and each brings two mentions: both or neither.
LOOK = """
    WITH added AS (FROM analyses WHERE prompt = 'first')
    SELECT
      (SELECT sum(next_offset) FROM _positions WHERE topic = 'analyses')::BIGINT,
      (SELECT count(*) FROM added),
      (SELECT count(*) FROM all_mentions SEMI JOIN added USING (analysis_id)),
      (SELECT bit_xor(hash(s)) FROM signals s),
      (SELECT bit_xor(hash(m)) FROM all_mentions m)
"""

Seen = tuple[int, int, int, int, int]
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Writing:
    """A writer's home, and the step of its first publication at which it dies; none: when it is killed.

    `hurried`: what is superseded may be made something else at once.
    """

    home: Path
    dies_at: int | None = None
    hurried: bool = False


@dataclass(frozen=True)
class Reading:
    """A reader's home, how it reads, and how many records are no answers."""

    home: Path
    kind: int
    others: int


def begin(home: Path) -> int:
    """Make a model with something in it, and return how many of its records are no answers that a writer adds."""
    file = model.generation_file(home, 1)
    file.parent.mkdir(parents=True)
    database = model.create(file)
    fill(database, VIDEOS)
    records = database.execute(LOOK).fetchall()[0][0]
    model.finish(database)
    return int(records)


def write(job: Writing, pipe: Pipe) -> None:
    """Add answers and publish, again and again; tell after each how many records there are."""
    if model.to_replace(job.home) is not None:  # as the projector does where a kill tore the file
        assert restore(job.home)
    file = model.generation_file(job.home, model.newest_generation(job.home))
    database = model.open_model(file)
    clock = count(step=KEPT_S).__next__ if job.hurried else time.monotonic
    snapshots = Snapshots(job.home, file, clock)
    while True:
        apply(database, _answers(database))
        if job.dies_at is not None:
            _die_at(job.dies_at)
        snapshots.publish(database)
        pipe.send(database.execute(LOOK).fetchall()[0])


def _answers(database: DuckDBPyConnection) -> Sequence[Record]:
    ends = dict(database.execute(REACHED).fetchall())
    found = []
    for number in range(3):
        answer = completed(video(number), PROMPTS[0], uuid4()).model_copy(update={"analysis_id": uuid4()})
        partition = record(answer, 0).partition
        found.append(record(answer, ends.get(partition, 0)))
        ends[partition] = found[-1].offset + 1
    return found


def _die_at(step: int) -> None:
    """Let this process be killed before its `step`-th change of a file from now on."""
    left = [step]

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in ("pwrite", "copy_file_range", "ftruncate", "fsync", "fchmod", "open"):
        setattr(os, name, counted(getattr(os, name)))
    for name in ("rename", "replace", "symlink_to", "unlink", "chmod"):
        setattr(Path, name, counted(getattr(Path, name)))


def read(job: Reading, pipe: Pipe) -> None:
    """Read until told to stop; then tell how often, and what went wrong."""
    link, looks, last = job.home / LINK, 0, 0
    complaints: list[str] = []
    while not pipe.poll(PAUSE_S):
        before = None
        try:
            with duckdb.connect(link, read_only=True) as database:
                match job.kind % 4:
                    case 1:
                        # Not all: what is read now is not read from the file again.
                        [[before]] = database.execute(RECORDS).fetchall()
                        pipe.poll(2 * KEPT_S)
                    case 2:
                        _loses_its_lock(link)
                        pipe.poll(2 * KEPT_S)
                    case 3:
                        pipe.poll(1.5 * KEPT_S)
                [seen] = database.execute(LOOK).fetchall()
        except duckdb.Error as error:
            complaints.append(str(error))
            continue
        looks += 1
        complaints += [f"{word}: {seen}" for word in wrong(seen, last, job.others)]
        if before not in (None, seen[0]):
            complaints.append(f"it changed while it was open: {before} records, {seen}")
        last = seen[0]
    pipe.send((looks, complaints))


def _loses_its_lock(link: Path) -> None:
    with duckdb.connect() as other:
        other.execute(f"ATTACH '{link}' AS other (READ_ONLY)")


def wrong(seen: Seen, last: int, others: int) -> Iterator[str]:
    """What must not be seen after a state of `last` records, of which so many are no answers."""
    records, answers, mentions, *_ = seen
    if mentions != 2 * answers or records != answers + others:
        yield "half a batch"
    if records < last:
        yield f"older than {last}"


@contextmanager
def running(main: Callable[..., None], job: object) -> Iterator[tuple[Any, Pipe]]:
    """`main(job, pipe)` as a process, and the other end of its pipe; killed at the block's end."""
    mine, its = processes.Pipe()
    process = processes.Process(target=main, args=(job, its), daemon=True)
    process.start()
    its.close()
    try:
        yield process, mine
    finally:
        process.kill()
        process.join()
        mine.close()


def violence(home: Path, kills: int, readers: int, random: Random) -> tuple[int, list[str]]:
    """Kill the writer so often under all readers; how often they looked, and what they complain of."""
    others = begin(home)
    published, complaints = others, []
    with _readers(home, readers, others) as pipes:
        for _ in range(kills):
            with running(write, Writing(home)) as (process, pipe):
                if not pipe.poll(LIMIT_S):
                    return 0, [*complaints, "the writer published nothing"]
                published = pipe.recv()[0]
                time.sleep(random.uniform(0, LIVES_S))
                process.kill()
                process.join()
            seen = look(home)
            complaints += [f"after a kill, {word}: {seen}" for word in wrong(seen, published, others)]
        looks = 0
        for pipe in pipes:
            pipe.send("stop")
        for pipe in pipes:
            if not pipe.poll(LIMIT_S):
                return looks, [*complaints, "a reader hangs"]
            looked, complained = pipe.recv()
            looks += looked
            complaints += complained
    return looks, complaints


def deaths(home: Path, every: int) -> tuple[int, list[str]]:
    """Let a writer die at each `every`-th step of a publication of few blocks; how many steps, and what went wrong then."""
    others = begin(home)
    with running(write, Writing(home, hurried=True)) as (_, pipe):
        for _ in range(3):
            last = pipe.recv()[0]
    complaints: list[str] = []
    with duckdb.connect(home / LINK, read_only=True) as held:
        before = look(home)
        for step in count(step=every):
            with running(write, Writing(home, dies_at=step, hurried=True)) as (_, pipe):
                try:
                    pipe.recv()
                    survived = True
                except EOFError:
                    survived = False
            seen = look(home)
            complaints += [f"at step {step}, {word}: {seen}" for word in wrong(seen, last, others)]
            last = seen[0]
            if survived:
                break
        if held.execute(LOOK).fetchall() != [before]:
            complaints.append("it changed while it was open")
    return step, complaints


@contextmanager
def _readers(home: Path, readers: int, others: int) -> Iterator[list[Pipe]]:
    # The first snapshot is there before the first reader.
    with running(write, Writing(home)) as (_, pipe):
        pipe.recv()
    with ExitStack() as stack:
        started = [stack.enter_context(running(read, Reading(home, kind, others))) for kind in range(readers)]
        yield [pipe for _, pipe in started]


def look(home: Path) -> Seen:
    """What a reader sees now."""
    with duckdb.connect(home / LINK, read_only=True) as database:
        seen: Seen = database.execute(LOOK).fetchall()[0]
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.readers", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    asked = parser.parse_args()
    print(f"{asked.kills} kills under {READERS} readers, seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="earmark-readers-") as folder:
        looks, complaints = violence(Path(folder) / "home", asked.kills, READERS, Random(asked.seed))
        steps, died = deaths(Path(folder) / "deaths", 1)
    complaints += died
    for complaint in complaints:
        print("BROKEN:", complaint)
    if not complaints:
        print(
            f"{looks} looks, and {steps} steps at which the writer died: no error, nothing torn, nothing older."
        )
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
