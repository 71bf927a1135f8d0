"""The processes: each handler and loop with the real things it needs.

Faust and the SDK are imported by the process that needs them: one second of CPU, and three.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import get_args

from streams import metrics
from streams.analysis import request_analysis as analysis_agent
from streams.app import running
from streams.app.connections import connection_of, ytdlp_options
from streams.app.running import GRACE_S, Running
from streams.archive.log import refuse_unfinished
from streams.budget.limits import Limits
from streams.bulletin import Trouble
from streams.captions.extract_captions import Fetch, extract_captions
from streams.captions.fetch import TIME_LIMIT_S, Counted, fetch_captions
from streams.clock import utc_now
from streams.discovery.due import Pace
from streams.discovery.watch_state import Reporter, WatchState
from streams.discovery.youtube import YouTube
from streams.events.analyses import AnalysisCompleted
from streams.events.channels import Tab
from streams.events.prompts import PromptActivated
from streams.journal import journal
from streams.log import layout
from streams.log.books import analysts_checkpoint
from streams.log.connection import Connection
from streams.log.fetch import fetcher
from streams.log.keeper import Shelf
from streams.log.publish import publisher
from streams.log.ready import topics_answer
from streams.log.topics import ANALYSES, CAPTIONS, CAPTIONS_REQUESTS, PROMPTS, VIDEOS, by_topic
from streams.prompts.files import BUNDLED, read_prompt
from streams.prompts.place_markers import place_markers
from streams.prompts.registry import register_bundled
from streams.settings import Settings
from streams.signals.publish_signals import PublishSignals
from streams.worker.wrapper import Agent

HANDLER_LIMIT_S = 60.0
KILL_MARGIN_S = 10.0
MODEL_ANSWER_LIMIT_S = 10.0

log = journal(__name__)


@asynccontextmanager
async def agents(settings: Settings, connection: Connection, fetch: Fetch) -> AsyncIterator[Sequence[Agent]]:
    """The four Faust agents with what they need."""
    async with fetcher(connection) as bodies:
        yield (
            Agent(
                name="extract_captions",
                topics=(VIDEOS, CAPTIONS_REQUESTS),
                handle=partial(extract_captions, fetch=fetch, delays=settings.captions_delays, now=utc_now),
                time_limit_s=TIME_LIMIT_S + KILL_MARGIN_S,
            ),
            Agent("request_analysis", (CAPTIONS,), analysis_agent.request_analysis, HANDLER_LIMIT_S),
            Agent(
                name="publish_signals",
                topics=(ANALYSES,),
                handle=PublishSignals(bodies).publish_signals,
                time_limit_s=HANDLER_LIMIT_S,
                types=(AnalysisCompleted, PromptActivated),
            ),
            Agent("place_markers", (PROMPTS,), place_markers, HANDLER_LIMIT_S, types=(PromptActivated,)),
        )


@running.process("worker-{slot}")
def work(settings: Settings) -> None:
    """Be a worker until SIGTERM or SIGINT."""
    from streams.worker import worker  # noqa: PLC0415  Faust

    async def run(its: Running) -> None:
        pulse = its.pulse
        fetch = Counted(
            partial(fetch_captions, options=ytdlp_options(settings), languages=settings.languages)
        )
        pulse.in_flight = lambda: fetch.under_way

        def report(positions: Mapping[str, Mapping[tuple[str, int], int]]) -> None:
            pulse.ready = True
            reached = {
                agent: by_topic((*place, offset) for place, offset in places.items())
                for agent, places in positions.items()
            }
            pulse.positions = lambda: reached

        await worker.work(
            its.connection,
            settings.worker_slot,
            partial(agents, settings, its.connection, fetch),
            utc_now,
            its.stop,
            may_begin=lambda: pulse.room.is_there,
            report=report,
        )

    running.run(settings, f"worker-{settings.worker_slot}", run)


def limits_of(settings: Settings) -> Limits:
    """What the analyst may spend, and how it calls."""
    return Limits(
        cap_usd=settings.daily_cap_usd,
        backfill_share=settings.backfill_share,
        replay_share=settings.replay_share,
        calls_in_flight=settings.calls_in_flight,
        call_timeout_s=settings.call_timeout,
        evaluation_share=settings.evaluation_share,
    )


@running.process("analyst")
def analyst(settings: Settings) -> None:
    """Be an analyst until SIGTERM or SIGINT; calls in flight are then finished, a second signal drops them."""
    # Else the collector looks through the SDK's modules while they come: a quarter of a second, and all of them stay.
    gc.disable()
    from streams.analysis.analyse import Desk, Reached, analyse  # noqa: PLC0415  the SDK
    from streams.analysis.names import bundled  # noqa: PLC0415  ICU
    from streams.analysis.symbols import Symbols, read_symbols  # noqa: PLC0415  ICU
    from streams.claude.client import Claude, client  # noqa: PLC0415  the SDK

    gc.enable()
    key = settings.anthropic_api_key
    sdk = client(
        None if key is None else key.get_secret_value(),
        settings.anthropic_base_url,
        settings.calls_in_flight,
    )
    own = None if settings.symbols is None else read_symbols(settings.symbols)
    symbols = Symbols(own, bundled())

    async def run(its: Running) -> None:
        pulse = its.pulse
        ended_before = next(
            (trouble for trouble in pulse.troubles_before if trouble.kind == "claude-refuses"), None
        )

        def report(troubles: list[Trouble], in_flight: int, positions: Reached) -> None:
            pulse.ready = True
            pulse.show("claude", troubles)
            pulse.in_flight = lambda: in_flight
            pulse.positions = lambda: {"analyst": positions()}

        async with publisher(its.connection) as appender:
            await analyse(
                its.connection,
                appender,
                Claude(sdk, utc_now),
                limits_of(settings),
                symbols,
                utc_now,
                its.stop,
                desk=Desk(lambda: pulse.room.is_there, report, ended_before),
                shelf=Shelf(analysts_checkpoint(settings.home, its.connection)),
            )

    # All that was imported stays: a collector that looks through it again and again holds up the calls in flight.
    gc.freeze()
    running.run(settings, "analyst", run, grace_s=settings.call_timeout + GRACE_S)


async def model_limit(settings: Settings, model: str) -> int | None:
    """The most tokens that an answer of `model` may have, 0 where there is no such model.

    None without a key, or where the API does not say.
    """
    from streams.claude.client import Claude, client  # noqa: PLC0415  the SDK

    if settings.anthropic_api_key is None:
        return None
    key = settings.anthropic_api_key.get_secret_value()
    async with client(key, settings.anthropic_base_url, 1) as sdk:
        claude = Claude(sdk, utc_now)
        limit = await claude.max_tokens_of(model, MODEL_ANSWER_LIMIT_S)
        return 0 if claude.is_missing(model) else limit


@running.process("watch")
def watcher(settings: Settings) -> None:
    """Watch YouTube until SIGTERM or SIGINT."""
    from streams.discovery.watch import watch  # noqa: PLC0415  aiohttp

    youtube = YouTube(ytdlp_options(settings))
    pace = Pace(
        poll_interval=timedelta(seconds=settings.poll_interval),
        per_minute=settings.youtube_per_minute,
        tabs=tuple(tab for tab in get_args(Tab) if tab in settings.tabs),
    )

    async def run(its: Running) -> None:
        pulse = its.pulse
        write = Reporter(settings.home)

        def report(state: WatchState) -> None:
            write(state)
            pulse.ready = True
            pulse.show("youtube", state.troubles())

        watching = asyncio.create_task(
            watch(
                its.connection,
                youtube=youtube,
                pace=pace,
                now=utc_now,
                report=report,
                may_begin=lambda: pulse.room.is_there,
            )
        )
        stopped = asyncio.create_task(its.stop.wait())
        try:
            await asyncio.wait({watching, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            watching.cancel()
            await asyncio.wait({watching})
        if not watching.cancelled():
            watching.result()

    running.run(settings, "watch", run)


@running.process("projector")
def projector(settings: Settings) -> None:
    """Keep the read model until SIGTERM or SIGINT."""
    from projections.projector import project  # noqa: PLC0415  DuckDB
    from projections.snapshots import LINK  # noqa: PLC0415  DuckDB

    newest = settings.home / LINK
    metrics.SNAPSHOT_AGE.set_function(
        lambda: time.time() - newest.stat().st_mtime if newest.exists() else 0.0
    )
    metrics.SNAPSHOT_BYTES.set_function(lambda: newest.stat().st_size if newest.exists() else 0.0)
    for metric in metrics.OF_THE_PROJECTOR:
        metrics.REGISTRY.register(metric)

    def published(snapshot: Path, seconds: float, written: int) -> None:
        metrics.SNAPSHOT_SECONDS.observe(seconds)
        size = snapshot.stat().st_size
        log.info("snapshot", file=snapshot.name, bytes=size, written=written, seconds=round(seconds, 3))

    async def run(its: Running) -> None:
        pulse = its.pulse

        def report(offsets: Mapping[str, Mapping[int, int]], *, caught_up: bool) -> None:
            pulse.ready = pulse.ready or caught_up
            # A copy: the next batch goes into the other one, in a thread.
            reached = {topic: dict(partitions) for topic, partitions in offsets.items()}
            pulse.positions = lambda: {"projector": reached}

        began = utc_now()

        def rebuilding(share: float | None) -> None:
            what = "the read model's tables are of another version: it is rebuilt from the log"
            done = "" if share is None else f", {share:.0%} so far, and readers keep the old one"
            pulse.show("read-model", [] if share is None else [Trouble("tables-change", began, what + done)])

        await project(
            settings.home,
            its.connection.consumer,
            its.connection.name,
            its.stop,
            may_begin=lambda: pulse.room.is_there,
            report=report,
            published=published,
            rebuilding=rebuilding,
        )

    # What a cancellation would leave at work in a thread still writes.
    running.run(settings, "projector", run, second_cancels=False)


async def prepare(settings: Settings) -> None:
    """Make the topics as the code says, and register the bundled prompt; it becomes active only where none ever was."""
    connection = connection_of(settings)
    async with layout.administrator(connection) as admin:
        await refuse_unfinished(connection, admin)
        await layout.apply(admin, connection.prefix, settings.kafka_replication_factor)
    await topics_answer(connection)
    async with publisher(connection) as appender:
        await register_bundled(connection, appender, read_prompt(BUNDLED), utc_now)
