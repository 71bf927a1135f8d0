"""A new video comes out, and a subscriber hears of it: the signal on which a bot acts."""

import asyncio
import json
from collections.abc import Callable
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer

from streams.demo.checks import SIGNAL_TOPICS
from streams.demo.sample_channel import sample_answer
from streams.demo.stage import LIMIT_S, POLL, PREFIX, Stage
from streams.errors import EarmarkError
from streams.loopback.channel import ChannelVideo

ComeOut = Callable[[], ChannelVideo]
"""Has the channel show its newest video from now on."""


async def live_signal(stage: Stage, come_out: ComeOut) -> dict[str, bool]:
    """Subscribe as a bot does, have a video come out, print what is heard; what was checked, and whether it held."""
    topics = [f"{PREFIX}{name}" for name in SIGNAL_TOPICS]
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=stage.bootstrap)
    await consumer.start()
    try:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)  # found before anything new is published
        video = come_out()
        stage.say("A bot listens while a new video comes out:")
        stage.say(f"  {video.title} (the feed is read every {POLL} here)")
        came_out, bodies = monotonic(), list[Any]()
        async with asyncio.timeout(LIMIT_S):
            while len(bodies) < _signals_of(video):
                bodies.append(json.loads((await consumer.getone()).value))
                stage.say(_heard(bodies[-1]))
    except TimeoutError:
        raise EarmarkError(f"no live signal within {LIMIT_S:g} s: see {stage.home / 'logs'}") from None
    finally:
        await consumer.stop()
    seconds = monotonic() - came_out
    return {
        f"a new video was {len(bodies)} live signals {seconds:.0f} s after it came out": all(
            body["cause"] == "live" and body["video"]["video_id"] == video.video_id for body in bodies
        )
    }


def _signals_of(video: ChannelVideo) -> int:
    return len(json.loads(sample_answer(video.video_id))["mentions"]) + 1


def _heard(body: Any) -> str:
    match body:
        case {"mention": said}:
            return f"{body['cause']}: {said['action']} {said['symbol']} \u201c{said['quote']}\u201d"
        case _:
            return f"{body['cause']}: the market is {body['outlook']['direction']}"
