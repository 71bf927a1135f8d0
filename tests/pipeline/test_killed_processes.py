"""The same world twice: undisturbed, and with kill -9 of the analyst, the worker and the projector in mid-work."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.clock import utc_now
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.topics import ANALYSES
from streams.loopback.channel import Behaviour, Channel
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply
from streams.loopback.youtube import LoopbackYoutube, serve
from tests.pipeline.harbour_notes import EMPTY, HANDLE, answer, video
from tests.pipeline.installation import Installation, end

pytestmark = pytest.mark.kafka

SLOW = "HarbourTar1"
ANALYSED, VIDEOS, MENTIONS = 4, 6, 8
IN_FLIGHT = 2
CALL_TIMEOUT_S = 5
ENDS = {
    "mentions": "SELECT * EXCLUDE analysed_at FROM mentions ORDER BY mention_id",
    "outlooks": "SELECT * EXCLUDE analysed_at FROM outlooks ORDER BY video_id",
    "video_status": "SELECT * REPLACE (next_try_at IS NOT NULL AS next_try_at) FROM video_status ORDER BY video_id",
    "signals": "SELECT subject_id, revision, type, cause, url FROM signals ORDER BY ALL",
}


def channel(now: datetime) -> Channel:
    """Four videos with captions, one without, one for members only."""
    return replace(
        EMPTY,
        videos=(
            video("HarbourRope", now - timedelta(days=2), "rope"),
            video("HarbourSalt", now - timedelta(days=3), "salt", "hemp", by_hand=True),
            video(SLOW, now - timedelta(days=4), "tar", "pitch"),
            video("HarbourKelp", now - timedelta(days=5), "kelp", "cork", "rope"),
            video("HarbourMute", now - timedelta(days=6)),
            video("HarbourClub", now - timedelta(days=7), "sail", behaviour="members_only"),
        ),
    )


@dataclass
class Answers:
    """Harbour Notes' Claude; while `hangs`, it takes every call, bills it and never answers."""

    hangs: bool = False
    hung_at: list[datetime] = field(default_factory=list)

    def __call__(self, body: Mapping[str, Any]) -> Reply:
        if not self.hangs:
            return answer(body)
        self.hung_at.append(utc_now())
        return replace(answer(body), delivery="hang")

    def all_hang(self) -> bool:
        """Whether every call that may be in flight hangs at this moment, so that no claim is without its call."""
        young = utc_now() - timedelta(seconds=CALL_TIMEOUT_S - 1)
        return len(self.hung_at) >= IN_FLIGHT and self.hung_at[-IN_FLIGHT] > young


@dataclass
class World:
    """An installation with a YouTube and a Claude of its own."""

    earmark: Installation
    connection: Connection
    youtube: LoopbackYoutube
    claude: LoopbackClaude
    answers: Answers

    async def follow(self) -> None:
        """Follow Harbour Notes and all it ever brought out."""
        code, said = await self.earmark.run("follow", HANDLE, "--since", "30d", "--yes")
        assert code == 0, said

    async def finished(self) -> None:
        """Wait until every video has come as far as it can, every signal is out and no claim is open."""
        await self.earmark.until_rows(
            "SELECT (SELECT count(*) FROM outlooks), (SELECT count(*) FROM video_status"
            " WHERE status <> 'analysed' AND waits_for IS DISTINCT FROM 'worker'),"
            " (SELECT count(*) FROM signals), (SELECT sum(open_usd) FROM daily_costs)",
            [(ANALYSED, VIDEOS - ANALYSED, ANALYSED + MENTIONS, 0)],
        )

    def behave(self, video_id: str, behaviour: Behaviour) -> None:
        """Let a video be served like this from now on."""
        shown = self.youtube.channel
        self.youtube.show(
            replace(
                shown,
                videos=tuple(
                    replace(one, behaviour=behaviour) if one.video_id == video_id else one
                    for one in shown.videos
                ),
            )
        )

    async def kill(self, name: str) -> None:
        """Kill -9, and see that `up` starts it anew."""
        victim = self.earmark.child(name)
        assert victim is not None
        orphans = victim.children(recursive=True)
        end([victim])
        await self.earmark.until(lambda: not any(orphan.is_running() for orphan in orphans))
        await self.earmark.until(lambda: self.earmark.child(name) not in {None, victim})

    async def completed(self) -> list[str]:
        """The ids of all AnalysisCompleted in the log."""
        found: list[str] = []

        def take(record: Record) -> None:
            if record.type == "AnalysisCompleted":
                found.append(str(record.header("ce_analysisid")))

        await read(self.connection, [ANALYSES], take)
        return sorted(found)


@asynccontextmanager
async def world(folder: Path, bootstrap: str, shown: Channel) -> AsyncIterator[World]:
    answers = Answers()
    async with serve(LoopbackYoutube(shown)) as youtube, LoopbackClaude({}, improvise=answers) as claude:
        connection = Connection(bootstrap, prefix=f"{folder.name}.")
        variables = {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_YOUTUBE_URL": youtube.origin,
            "EARMARK_YOUTUBE_PER_MINUTE": "600",
            "EARMARK_CALLS_IN_FLIGHT": str(IN_FLIGHT + 1),  # one of them is kept for a live video
            "EARMARK_CALL_TIMEOUT": f"{CALL_TIMEOUT_S}s",
            "ANTHROPIC_BASE_URL": claude.base_url,
            "ANTHROPIC_API_KEY": "a key",
        }
        yield World(Installation(folder, variables), connection, youtube, claude, answers)


async def kill_each_in_mid_work(here: World) -> None:
    """The analyst while its calls hang, the worker while captions drip in, the projector while it is being filled."""
    earmark, answers = here.earmark, here.answers
    await earmark.until(answers.all_hang)
    answers.hangs = False
    await here.kill("analyst")
    await earmark.until(lambda: any("timedtext" in path and SLOW in path for path in here.youtube.requests))
    here.behave(SLOW, "plays")
    await here.kill("worker")
    await earmark.until(lambda: bool(earmark.rows("FROM captions")))
    await here.kill("projector")
    for name in ("analyst", "worker", "projector"):
        sentence = f"TROUBLE {name} ended: it was killed (SIGKILL)"
        await earmark.until(lambda sentence=sentence: sentence in earmark.printed.read_text())


async def test_whoever_is_killed_the_rows_end_the_same_and_only_calls_in_flight_cost_more(
    bootstrap: str, tmp_path: Path
) -> None:
    """What the killed analyst had in flight is called again and completed once; its bill is shown as unknown."""
    shown = channel(utc_now())
    async with (
        world(tmp_path / "killed", bootstrap, shown) as killed,
        world(tmp_path / "plain", bootstrap, shown) as plain,
    ):
        killed.answers.hangs = True
        killed.behave(SLOW, "timedtext_drips")
        async with killed.earmark.up():
            await killed.follow()
            await kill_each_in_mid_work(killed)
            # The claims of the killed analyst are held for a while yet: time for the other run.
            async with plain.earmark.up():
                await plain.follow()
                await plain.finished()
            await killed.finished()

        for name, query in ENDS.items():
            assert killed.earmark.rows(query) == plain.earmark.rows(query), name
        assert await killed.completed() == await plain.completed()
        assert len(await plain.completed()) == len(plain.claude.calls) == ANALYSED

        costs = "SELECT sum(billed_usd), sum(unknown_usd), sum(unknown), sum(charged_usd) FROM daily_costs"
        bill = plain.claude.bill()
        assert plain.earmark.rows(costs) == [(bill, 0, 0, bill)]
        [(billed, unknown_usd, unknown, charged)] = killed.earmark.rows(costs)
        in_flight = len(killed.answers.hung_at)
        assert unknown == in_flight == len(killed.claude.calls) - len(plain.claude.calls) >= IN_FLIGHT
        assert charged == billed + unknown_usd
        assert killed.earmark.rows("SELECT sum(reserved_usd) FROM attempts WHERE state = 'unknown'") == [
            (unknown_usd,)
        ]
        assert bill < killed.claude.bill() <= charged
