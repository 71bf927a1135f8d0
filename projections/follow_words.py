"""The words follow the log on their own: `captions` alone, by a reader of their own, beside the projector's.

So nobody who waits for what is current waits for words, and new words that are read while the file is made anew keep up no
call. What is read stands in the file itself, so a file that is not whole yet is gone on with at the next start.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from projections.fold import Name, in_thread
from projections.ingest import Progress
from projections.log_reader import FETCH_BYTES, WAIT_S, Consumers, LogReader
from projections.transcripts import Captions
from projections.transcripts_file import Transcripts
from streams.log.topics import CAPTIONS

logger = logging.getLogger(__name__)


async def follow_words(
    home: Path, consumer: Consumers, name: Name, stop: asyncio.Event, may_begin: Callable[[], bool]
) -> None:
    """Keep the words of `home` until `stop` is set; then publish what is left and return.

    The caller holds the projector's lock. Raises EarmarkError where a topic is missing or the log loses what is read.
    """
    words = Transcripts(home)
    client = consumer(FETCH_BYTES)
    reader = LogReader(client, name, (CAPTIONS,), Captions)
    try:
        await client.start()
        await _seek(reader, words)
        while not stop.is_set():
            if not may_begin():
                await asyncio.sleep(WAIT_S)
                continue
            batch = await reader.batch_within(words.wait_s(WAIT_S))
            if batch is not None:
                await in_thread(partial(words.take, batch.records))
                if not batch.progress and words.are_behind and not await reader.left():
                    words.has_all()
            await in_thread(words.publish)
            if words.were_rebuilt():
                await _seek(reader, words)
        words.publish(at_once=True)
    finally:
        await reader.close()
        await client.stop()
        words.close()


async def _seek(reader: LogReader[Captions], words: Transcripts) -> None:
    starts, ends = await reader.starts(), await reader.ends()
    if any(offset > ends.get(place, 0) for place, offset in words.offsets().items()):
        logger.warning("the transcripts are of another log: they are made anew from this one")
        words.begin_anew()
    offsets = words.offsets()
    # Words that are gone from the log are no reason to stop: what is left is taken.
    await reader.seek({place: Progress(max(starts.get(place, 0), offsets.get(place, 0))) for place in ends})
