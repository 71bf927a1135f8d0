"""`earmark up` on three brokers that are killed: every process goes on, and each video comes through, once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from streams.clock import utc_now
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.topics import ANALYSES, DEAD_LETTERS, LEDGER, MENTION_SIGNALS, OUTLOOK_SIGNALS
from streams.loopback.channel import ChannelVideo
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.builders.kafka_cluster import NODES, Cluster
from tests.pipeline.harbour_notes import EMPTY, HANDLE, answer, video
from tests.pipeline.installation import Installation

AT_FIRST = 6
CALLS = ("rope", "tar")
LATENCY_S = 0.5
CAP_USD = Decimal(5)


def _videos(wave: int, count: int, at: datetime) -> tuple[ChannelVideo, ...]:
    return tuple(video(f"Harbour{wave}{n:03}", at - timedelta(seconds=n), *CALLS) for n in range(count))


@dataclass
class Walk:
    """An installation at work on the cluster. `silences_s`: from each kill until a new video's call is in the read model."""

    earmark: Installation
    connection: Connection
    youtube: LoopbackYoutube
    claude: LoopbackClaude
    silences_s: list[float] = field(default_factory=list)

    @property
    def shown(self) -> int:
        return len(self.youtube.channel.videos)

    def show(self, videos: Sequence[ChannelVideo]) -> None:
        """Bring out more videos."""
        self.youtube.show(replace(EMPTY, videos=(*videos, *self.youtube.channel.videos)))

    async def new_video(self, wave: int, began: float) -> None:
        """Bring out a video, and note when its calls are there: everything between works again."""
        [new] = _videos(wave, 1, utc_now())
        self.show([new])
        of_it = f"FROM mentions WHERE video_id = '{new.video_id}'"
        await self.earmark.until(lambda: len(self.earmark.rows(of_it)) == len(CALLS))
        self.silences_s.append(time.monotonic() - began)

    async def finished(self) -> None:
        """Wait until every video is analysed, every signal is out and no claim is open."""
        count = self.shown
        await self.earmark.until_rows(
            "SELECT (SELECT count(*) FROM outlooks), (SELECT count(*) FROM mentions),"
            " (SELECT count(*) FROM signals), (SELECT sum(open_usd) FROM daily_costs)",
            [(count, count * len(CALLS), count * (1 + len(CALLS)), 0)],
        )

    async def faults(self) -> list[str]:
        """What was lost or doubled, a sentence each."""
        analyses: list[str] = []
        # Who subscribes drops what has an id that was there: only another id would be a double.
        signals: set[str] = set()
        letters: list[Record] = []

        def take(record: Record) -> None:
            if record.topic == DEAD_LETTERS.name:
                letters.append(record)
            elif record.type == "AnalysisCompleted":
                analyses.append(str(record.header("ce_analysisid")))
            elif record.topic != ANALYSES.name:
                signals.add(str(record.header("ce_id")))

        await read(self.connection, [ANALYSES, MENTION_SIGNALS, OUTLOOK_SIGNALS, DEAD_LETTERS], take)
        [(charged,)] = self.earmark.rows("SELECT sum(charged_usd) FROM daily_costs")
        bill, expected = self.claude.bill(), self.shown * (1 + len(CALLS))
        found = []
        if not len(analyses) == len(set(analyses)) == self.shown:
            found.append(
                f"{len(analyses)} analyses of {len(set(analyses))} videos, and {self.shown} were shown"
            )
        if len(signals) != expected:
            found.append(f"{len(signals)} signals where {expected} belong")
        if letters:
            found.append(f"{len(letters)} dead letters")
        if not bill <= charged <= CAP_USD:
            found.append(f"${bill} were billed and ${charged} are charged, of ${CAP_USD}")
        return found


async def walk(brokers: Cluster, folder: Path, kills: int) -> tuple[list[str], list[float]]:
    """Kill brokers in mid-work, the ledger's leader first; what was wrong in the end, and the silence after each kill."""
    connection = brokers.connection(f"{folder.name}.")
    first = replace(EMPTY, videos=_videos(0, AT_FIRST, utc_now() - timedelta(days=1)))
    async with (
        serve(LoopbackYoutube(first)) as youtube,
        LoopbackClaude({}, improvise=answer, latency_s=LATENCY_S) as claude,
    ):
        variables = {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_KAFKA_REPLICATION_FACTOR": f"{NODES}",
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "EARMARK_YOUTUBE_PER_MINUTE": "600",
            "EARMARK_POLL_INTERVAL": "1s",
            "EARMARK_CALLS_IN_FLIGHT": "3",
            "EARMARK_DAILY_CAP_USD": f"{CAP_USD}",
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": "a key",
        }
        here = Walk(Installation(folder, variables), connection, youtube, claude)
        async with here.earmark.up():
            code, said = await here.earmark.run("follow", HANDLE, "--since", "30d", "--yes")
            assert code == 0, said
            node = await brokers.leader(connection, LEDGER)
            for wave in range(1, kills + 1):
                if wave > 1:
                    await brokers.bring_back(node, connection)
                    node = node % NODES + 1
                    here.show(_videos(wave, AT_FIRST, utc_now())[1:])
                before = len(here.claude.calls)
                await here.earmark.until(lambda least=before + 2: len(here.claude.calls) >= least)
                began = time.monotonic()
                brokers.kill(node)
                await here.new_video(wave, began)
                await here.finished()
        return await here.faults(), here.silences_s
