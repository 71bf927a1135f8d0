"""`earmark retry`: what failed for good is requested again, said beforehand, and paid for like anything else."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from projections.rebuild import rebuild
from projections.sql import snapshot
from streams.cli.main import earmark
from streams.clock import utc_now
from streams.events.analyses import AnalysisCompleted, AnalysisFailed, AttemptFailed, AttemptOutcome
from streams.events.captions import CaptionsRequested, CaptionsUnavailable, captions_id
from streams.events.channels import ChannelFollowed
from streams.events.event import Event
from streams.events.ledger import AnalysisRequested, BudgetReserved, BudgetSettled, analysis_id
from streams.events.videos import Video, VideoDiscovered
from streams.log.connection import Connection
from streams.log.topics import ANALYSES, CAPTIONS_REQUESTS, LEDGER
from streams.loopback.claude import LoopbackClaude
from streams.loopback.script import Reply
from tests.builders.analyst_scene import ANSWER, LIMITS, PROMPT, Scene, analysts, captions_of, scene

pytestmark = pytest.mark.kafka

NOW = utc_now()
DAY = timedelta(days=1)
PLAIN = {"channel_id": "UC0123456789abcdefghijkl", "channel_title": "Plain & Fair"}


@dataclass
class Shell:
    """Types `earmark retry` where the log is."""

    log: Scene
    pace: str = "1000"

    async def run(self, *words: str, typed: str = "") -> Result:
        connection = self.log.connection
        env = {
            "EARMARK_KAFKA": connection.bootstrap,
            "EARMARK_TOPIC_PREFIX": connection.prefix,
            "EARMARK_YOUTUBE_PER_MINUTE": self.pace,
        }
        return await asyncio.to_thread(CliRunner().invoke, earmark, ["retry", *words], input=typed, env=env)

    async def say(self, *words: str, typed: str = "") -> str:
        result = await self.run(*words, typed=typed)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    async def asked(self) -> list[str]:
        """What the verb put into the log: of captions the video, of analyses the video and the repetition."""
        captions = await self.log.events(CAPTIONS_REQUESTS, CaptionsRequested)
        analyses = await self.log.events(LEDGER, AnalysisRequested)
        return sorted(
            [event.video.video_id for event in captions if event.cause == "refresh"]
            + [f"{event.video_id} {event.again}" for event in analyses if event.again is not None]
        )


def named(video_id: str, **known: object) -> Video:
    return Video.model_validate(
        {"video_id": video_id, "url": f"https://youtube.example/{video_id}", "origin": "poll", **known}
    )


def unavailable(
    video: Video, reason: str, *, at: datetime = NOW, next_try_at: datetime | None = None
) -> CaptionsUnavailable:
    return CaptionsUnavailable(
        at=at,
        video=video,
        revision=1,
        attempt=5,
        tries=4,
        reason=reason,
        failure="permanent" if next_try_at is None else "later",
        starts_at=None,
        next_try_at=next_try_at,
    )


async def fail_analysis(log: Scene, video: Video, outcome: AttemptOutcome, at: datetime = NOW) -> None:
    """Captions, the request for their analysis, and its failure for good."""
    told = captions_of(video.video_id)
    place = await log.publisher.append(told.model_copy(update={"video": video}))
    captions = captions_id(video.video_id, 1)
    await log.publisher.append(
        AnalysisFailed(
            at=at,
            analysis_id=analysis_id(captions, PROMPT.prompt_id),
            attempt_id=None,
            video=video,
            captions_id=captions,
            lane="live",
            replay_id=None,
            prompt_id=PROMPT.prompt_id,
            model=PROMPT.model,
            outcome=outcome,
            reason=f"{outcome}, at {place.offset}",
            raw_answer=None,
            usage=None,
            usd=Decimal(0),
        )
    )


async def failed_log(log: Scene) -> None:
    """Four videos that failed: captions of a private and of a plain one, analyses of two; and three that did not."""
    private, silent = named("private0000"), named("silent00000", **PLAIN)
    waits, new = named("waits000000"), named("new00000000")
    events: Sequence[Event] = [
        ChannelFollowed(
            at=NOW, handle="@plain", title="Plain & Fair", since=None, channel_id=PLAIN["channel_id"]
        ),
        *(VideoDiscovered(at=NOW, video=video) for video in (private, silent, waits, new)),
        unavailable(private, "This video is private", at=NOW - 40 * DAY),
        unavailable(silent, "no captions"),
        unavailable(waits, "no captions yet", next_try_at=NOW + DAY),
    ]
    await log.publisher.append_all(events)
    await fail_analysis(log, named("refused0000", **PLAIN), "refusal")
    await fail_analysis(log, named("garbled0000"), "invalid_answer", at=NOW - 40 * DAY)


async def test_all_that_failed_is_said_with_its_price_and_requested_once(connection: Connection) -> None:
    async with scene(connection) as log:
        await failed_log(log)
        shell = Shell(log)
        declined = await shell.say("--failed", typed="n\n")
        assert "captions of 2 videos and 2 analyses: about 0." in declined
        assert "at list price, at a daily cap of 5 US dollars (a guess" in declined
        rows = {" ".join(line.split()) for line in declined.splitlines()}
        assert {
            "reason captions analyses",
            "This video is private 1 0",
            "no captions 1 0",
            "refusal 0 1",
            "invalid_answer 0 1",
        } <= rows
        assert "nothing is requested" in declined
        dry = await shell.say("--failed", "--dry-run")
        assert "private0000: its captions would be requested again: This video is private" in dry
        assert "refused0000: its analysis would be requested again: refusal, at " in dry
        assert "Request them again?" not in dry
        assert await shell.asked() == []

        said = await shell.say("--failed", typed="y\n")
        assert "private0000: its captions are requested again" in said
        assert "refused0000: its analysis is requested again" in said
        everything = ["garbled0000 1", "private0000", "refused0000 1", "silent00000"]
        assert await shell.asked() == everything
        assert "nothing such failed for good" in await shell.say("--failed", "--yes")
        assert await shell.asked() == everything

        [private] = [
            event
            for event in await log.events(CAPTIONS_REQUESTS, CaptionsRequested)
            if event.video.video_id == "private0000"
        ]
        assert (private.revision, private.attempt, private.tries, private.starts_at) == (1, 6, 0, None)
        [refused] = [
            event for event in await log.events(LEDGER, AnalysisRequested) if event.video_id == "refused0000"
        ]
        assert (refused.lane, refused.prompt_id, refused.replay_id) == ("live", None, None)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--reason", "PRIVATE"], ["private0000"]),
        (["--reason", "invalid_answer"], ["garbled0000 1"]),
        (["--reason", "at 0"], ["garbled0000 1", "refused0000 1"]),
        (["--since", "3d"], ["refused0000 1", "silent00000"]),
        (["--channel", "@plain"], ["refused0000 1", "silent00000"]),
        (["--channel", "plain & fair", "--reason", "no captions"], ["silent00000"]),
        (["--reason", "of another kind"], []),
    ],
)
async def test_what_is_wanted_is_named_by_reason_time_and_channel(
    connection: Connection, words: list[str], asked: list[str]
) -> None:
    async with scene(connection) as log:
        await failed_log(log)
        shell = Shell(log)
        await shell.say("--failed", "--yes", *words)
        assert await shell.asked() == asked
        nobody = await shell.run("--failed", "--channel", "nobody")
        assert "it must name one channel" in str(nobody.exception)


async def test_named_videos_are_requested_without_a_question_and_the_others_are_told(
    connection: Connection,
) -> None:
    async with scene(connection) as log:
        await failed_log(log)
        shell = Shell(log)
        said = await shell.say(
            "new00000000", "https://youtu.be/private0000", "waits000000", "refused0000", "private0000"
        )
        assert "new00000000 did not fail: its captions are requested" in said
        assert "waits000000 did not fail for good: its captions were to be tried again at" in said
        assert "Request them again?" not in said
        assert await shell.asked() == ["private0000", "refused0000 1", "waits000000"]
        [waits] = [
            event
            for event in await log.events(CAPTIONS_REQUESTS, CaptionsRequested)
            if event.video.video_id == "waits000000"
        ]
        assert (waits.attempt, waits.tries) == (6, 4)
        again = await shell.say("refused0000")
        assert "did not fail: its captions are there, and its analysis is requested again" in again
        assert "nothing is requested" in again
        assert len(await shell.asked()) == 3


async def test_more_than_ten_named_videos_are_asked_about(connection: Connection) -> None:
    async with scene(connection) as log:
        videos = [f"many0000{number:03}" for number in range(11)]
        await log.publisher.append_all([unavailable(named(video), "no captions") for video in videos])
        shell = Shell(log)
        assert "captions of 11 videos and 0 analyses" in await shell.say(*videos, typed="n\n")
        assert await shell.asked() == []
        assert "US dollars" not in await shell.say(*videos[1:])
        assert await shell.asked() == videos[1:]


async def test_a_video_that_the_log_does_not_know_is_a_mistake(connection: Connection) -> None:
    async with scene(connection) as log:
        await failed_log(log)
        shell = Shell(log)
        refused = await shell.run("private0000", "-dashvideo0")
        assert "earmark add -dashvideo0" in str(refused.exception)
        assert refused.exit_code == 1
        assert await shell.asked() == []


@pytest.mark.parametrize("video_id", ["-dashvideo0", "--doubled_h", "-h_elp_aaaa"])
async def test_an_id_may_begin_with_a_dash(connection: Connection, video_id: str) -> None:
    async with scene(connection) as log:
        video = named(video_id)
        await log.publisher.append_all(
            [VideoDiscovered(at=NOW, video=video), unavailable(video, "no captions")]
        )
        shell = Shell(log)
        assert f"{video_id}: its captions would be requested again" in await shell.say("--dry-run", video_id)
        assert f"{video_id}: its captions are requested again" in await shell.say(video_id, "--yes")
        assert await shell.asked() == [video_id]


async def test_many_captions_are_requested_at_youtubes_pace(connection: Connection) -> None:
    """A minute's worth at once."""
    async with scene(connection) as log:
        for number in range(63):
            await log.publisher.append(unavailable(named(f"many0000{number:03}"), "no captions"))
        said = await Shell(log, pace="60").say("--failed", "--yes")
        assert (
            "60 captions a minute are requested (EARMARK_YOUTUBE_PER_MINUTE), the last of them in 0:00:03"
            in said
        )
        requests = await log.records(CAPTIONS_REQUESTS)
        appended_ms = sorted(request.timestamp_ms for request in requests)
        assert len(appended_ms) == 63
        assert appended_ms[-1] - appended_ms[0] > 1500


async def test_an_analysis_that_failed_three_times_is_asked_again_and_completes_within_the_cap(
    connection: Connection, tmp_path: Path
) -> None:
    """It waits for room under the cap, then has three attempts of its own, each claimed and billed."""
    answers = [Reply("I would rather not.")] * 3 + [Reply("Nor now."), Reply(ANSWER)]

    async def status() -> list[tuple[object, ...]]:
        await rebuild(tmp_path, connection.consumer, connection.name)
        with snapshot(tmp_path) as database:
            return database.execute("SELECT status, reason IS NULL FROM video_status").fetchall()

    async with (
        scene(connection) as log,
        LoopbackClaude({}, improvise=lambda _: answers.pop(0)) as claude,
    ):
        await log.ask("stubborn000")
        shell = Shell(log)
        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 3)
        [failed] = await log.events(ANALYSES, AnalysisFailed)
        assert await status() == [("failed", False)]
        spent = (await log.ledger()).charges.total

        assert "stubborn000: its analysis is requested again" in await shell.say("stubborn000")
        assert "nothing such failed for good" in await shell.say("--failed", "--yes")
        assert await shell.asked() == ["stubborn000 1"]
        assert await status() == [("captioned", False)]
        [claim, *_] = await log.events(LEDGER, BudgetReserved)
        full = replace(LIMITS, cap_usd=spent + claim.usd - Decimal("0.000001"))
        async with analysts(log, claude.base_url, limits=full):
            await asyncio.sleep(2)  # time for more than one try
        assert len(await log.events(LEDGER, BudgetReserved)) == 3

        async with analysts(log, claude.base_url):
            await log.until(LEDGER, [BudgetSettled], 5)
        [done] = await log.events(ANALYSES, AnalysisCompleted)
        assert done.analysis_id == analysis_id(captions_id("stubborn000", 1), PROMPT.prompt_id, 1)
        assert done.analysis_id != failed.analysis_id
        claims = await log.events(LEDGER, BudgetReserved)
        assert [claim.attempt for claim in claims] == [1, 2, 3, 1, 2]
        ledger = await log.ledger()
        bills = [done.usd, failed.usd, *(event.usd for event in await log.events(ANALYSES, AttemptFailed))]
        assert ledger.charges.total == sum(bills) == claude.bill() > spent
        assert not ledger.pending
        assert await status() == [("analysed", True)]
        assert "did not fail: its captions and its analysis are there" in await shell.say("stubborn000")
