"""A rebuild: a model folded from the log's beginning beside the live one, then put in its place."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer

from projections import model, transcripts, transcripts_file
from projections.ingest import begin, progress, write
from projections.kept import keep_all
from projections.log_reader import LogReader
from projections.snapshots import Snapshots
from streams.log.topics import Topic

logger = logging.getLogger(__name__)


async def rebuild(home: Path, consumer: Callable[[], AIOKafkaConsumer], name: Callable[[Topic], str]) -> int:
    """Make the next generation of the model from all that the log holds, and return the number of records in it.

    Readers see the old model until the new one is whole. A running projector goes over to the new one by itself; where
    none runs, the snapshot is published here. Raises EarmarkError where another rebuild is under way.
    """
    with model.lock(home, "rebuild", f"a rebuild of the read model in {home} is under way"):
        unfinished = model.folder(home) / "rebuild.unfinished"
        database = model.create(unfinished)
        words = model.folder(home) / "rebuild-transcripts.unfinished"
        said = transcripts_file.create(words)
        client = consumer()
        reader = LogReader(client, name)
        try:
            await client.start()
            gaps = await reader.starts()
            if gaps:
                named = ", ".join(
                    f"{topic}[{partition}] at {start}" for (topic, partition), start in gaps.items()
                )
                logger.warning(
                    "the log does not begin at offset 0 (a retention, or deleted records): %s; the read model holds"
                    " what is left",
                    named,
                )
            begin(database, gaps)
            await reader.seek(progress(database), transcripts.positions(said))
            while not (batch := await reader.batch()).is_empty or await reader.left():
                await asyncio.to_thread(write, database, batch, keeps=False)
                await asyncio.to_thread(transcripts.take, said, batch.captions)
            await asyncio.to_thread(keep_all, database)
            (records,) = database.execute("SELECT coalesce(sum(records), 0) FROM freshness").fetchall()[0]
        finally:
            await reader.close()
            await client.stop()
            model.finish(database)
            model.finish(said)
        # The model last: by it a running projector sees that both are there.
        transcripts_file.replace_by(home, words)
        unfinished.rename(model.generation_file(home, model.newest_generation(home) + 1))
        _publish_unless_a_projector_does(home)
        return int(records)


def _publish_unless_a_projector_does(home: Path) -> None:
    try:
        with model.lock(home, "projector", "a projector runs"):
            generation = model.newest_generation(home)
            file = model.generation_file(home, generation)
            database = model.open_model(file)
            snapshots = Snapshots(home, file)
            try:
                snapshots.publish(database)
            finally:
                database.close()
                snapshots.close()
            model.remove_older(home, generation)
            said = transcripts_file.Transcripts(home)
            try:
                said.publish()
            finally:
                said.close()
    except model.LockedError:
        pass
