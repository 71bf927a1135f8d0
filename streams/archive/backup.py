"""The log into an archive: what is not in it yet, up to one moment."""

import importlib.metadata
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from streams.archive.folder import Archive, to_write
from streams.archive.log import Moment, moment_of, refuse_unfinished, workers_of
from streams.archive.manifest import Manifest, Partition, digest
from streams.clock import Clock
from streams.errors import RefusedError
from streams.log.connection import Connection, stop
from streams.log.fetch import Fetcher
from streams.log.topics import TOPICS, Topic

# A partition's last file is written anew with what is new while it is smaller than this, or a backup every hour would
# leave files without number.
SMALL_BYTES = 2**20
READ_LIMIT_S = 60.0
# What comes at a time is in memory, several times as large as it travels.
FETCH_BYTES = 2 * 2**20

Tell = Callable[[str], None]
"""Is told what was just done, in words."""


@dataclass(frozen=True)
class Done:
    """What a backup came to. `new`: records that the archive did not have."""

    manifest: Manifest
    new: int


async def backup(connection: Connection, folder: Path, now: Clock, tell: Tell) -> Done:
    """Bring the archive in `folder` up to the log as it is now, beside whatever goes on there.

    Killed, it leaves the archive as it was, and the next one goes on where it stopped. Raises RefusedError where the
    archive is of another log, or the log lacks records that would follow on those of the archive.
    """
    admin = connection.admin()
    with to_write(folder) as archive:
        consumer = connection.consumer(FETCH_BYTES)
        try:
            await admin.start()
            await refuse_unfinished(connection, admin)
            cluster = (await admin.describe_cluster())["cluster_id"]
            await consumer.start()
            log = Fetcher(connection, [consumer], READ_LIMIT_S)
            # The first question after the group makes a new broker look for its coordinator; a consumer complains of that.
            await workers_of(connection, admin)
            moment = await moment_of(connection)
            if archive.is_begun:
                await _refuse_another(archive, moment, log)
            else:
                archive.save(_begun(connection, cluster))
            had = sum(file.records for file in archive.manifest.files)
            for topic in TOPICS:
                before = archive.manifest
                for partition in range(topic.partitions):
                    await _add(archive, topic, partition, moment, log)
                if archive.manifest != before:
                    tell(f"{topic.name}: {_count(archive, topic)} records")
            manifest = _ended(archive, connection, cluster, moment, now)
            archive.save(manifest)
        finally:
            await stop(consumer)
            await admin.close()
    return Done(manifest, sum(part.records for part in manifest.partitions) - had)


def _begun(connection: Connection, cluster: str) -> Manifest:
    return Manifest(earmark=importlib.metadata.version("earmark"), cluster=cluster, prefix=connection.prefix)


def _count(archive: Archive, topic: Topic) -> int:
    return sum(file.records for file in archive.manifest.files if file.topic == topic.name)


async def _refuse_another(archive: Archive, moment: Moment, log: Fetcher) -> None:
    """Refuse a log that does not go on from the archive: its last records must be the log's, the very same.

    The cluster's id says nothing: after a move to another cluster the log is the same.
    """
    for topic in TOPICS:
        for partition in range(topic.partitions):
            files = archive.manifest.files_of(topic.name, partition)
            if not files:
                continue
            last, place = files[-1], (topic.name, partition)
            named = f"{topic.name}[{partition}]"
            if moment.ends[place] < last.end:
                raise _another(archive, f"{named} ends at {moment.ends[place]}, in the archive at {last.end}")
            if moment.starts[place] > last.end:
                raise RefusedError(
                    f"{named} begins at {moment.starts[place]} by now, and the archive in {archive.folder} ends at"
                    f" {last.end}: what stood between is gone; keep that archive, and begin another in a new folder"
                )
            if last.last_offset is None or last.last_offset < moment.starts[place]:
                continue
            async with aclosing(
                log.records(topic, partition, last.last_offset, last.last_offset + 1)
            ) as records:
                found = [digest(record) async for record in records]
            if found != [last.last_digest]:
                raise _another(archive, f"{named}@{last.last_offset} is another record in the archive")


def _another(archive: Archive, why: str) -> RefusedError:
    return RefusedError(
        f"the archive in {archive.folder} is of another log ({why}): name another folder, or the log it is of with"
        " EARMARK_KAFKA and EARMARK_TOPIC_PREFIX"
    )


async def _add(archive: Archive, topic: Topic, partition: int, moment: Moment, log: Fetcher) -> None:
    """Bring a partition up to the moment, file by file; each counts from when the manifest names it."""
    start, end = moment.starts[topic.name, partition], moment.ends[topic.name, partition]
    files = archive.manifest.files_of(topic.name, partition)
    last = files[-1] if files else None
    position = start if last is None else last.end
    if position == end:
        return
    grown = last if last is not None and last.size < SMALL_BYTES and start <= last.start else None
    position = position if grown is None else grown.start
    async with aclosing(log.records(topic, partition, position, end)) as records:
        while position < end:
            with archive.stretch(topic.name, partition, position) as stretch:
                async for record in records:
                    stretch.add(record)
                    position = record.offset + 1
                    if stretch.is_full:
                        break
                else:
                    position = end
                file = stretch.end(position)
            archive.save(archive.manifest.with_file(file, grown))
            if grown is not None:
                archive.remove(grown)
                grown = None


def _ended(archive: Archive, connection: Connection, cluster: str, moment: Moment, now: Clock) -> Manifest:
    manifest = archive.manifest
    partitions = []
    for topic in TOPICS:
        for partition in range(topic.partitions):
            place = (topic.name, partition)
            files = manifest.files_of(*place)
            partitions.append(
                Partition(
                    topic=topic.name,
                    partition=partition,
                    start=files[0].start if files else moment.starts[place],
                    end=moment.ends[place],
                    records=sum(file.records for file in files),
                    committed=moment.committed.get(place),
                )
            )
    return manifest.model_copy(
        update={
            "earmark": importlib.metadata.version("earmark"),
            "cluster": cluster,
            "prefix": connection.prefix,
            "moment": now(),
            "partitions": tuple(partitions),
        }
    )
