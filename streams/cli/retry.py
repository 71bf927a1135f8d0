"""`earmark retry`: whatever failed for good is asked for again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import click

from streams.cli.confirm import confirm
from streams.cli.estimate import ASK_ABOVE, basis, forecast_of
from streams.cli.log import open_log
from streams.cli.since import Since, since_option
from streams.cli.tables import Column, show_table
from streams.cli.terminal import printable, say
from streams.cli.video_ids import VideoIds
from streams.clock import utc_now
from streams.discovery.addresses import video_id_of
from streams.discovery.due import Valve
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.publish import publisher
from streams.prompts.registry import read_prompts
from streams.retry.failure import FailedAnalysis, FailedCaptions, Failure
from streams.retry.failures import TOPICS, Failures
from streams.settings import Settings, load

ROWS = 20
"""Reasons that are shown; there may be as many as failures."""

Choose = Callable[[Failures], Sequence[Failure]]


@click.command(cls=VideoIds)
@click.argument("video", nargs=-1)
@click.option("--failed", is_flag=True, help="Everything that failed for good, in place of each VIDEO.")
@click.option("--reason", metavar="TEXT", help="Only what failed for a reason with TEXT in it, in any case.")
@since_option("Only what failed since a UTC date (2026-10-01) or an age (30d).")
@click.option("--channel", metavar="C", help="Only one channel: its id, @handle or title.")
@click.option("--dry-run", is_flag=True, help="Say what would be requested, and request nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def retry(
    video: tuple[str, ...],
    reason: str | None,
    since: Since | None,
    channel: str | None,
    *,
    failed: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Request again what failed for good, captions and analyses alike: each VIDEO (id or address), or all with --failed.

    With --failed, or for more than ten requests, it first prints why they failed and what they may cost, and asks. The
    captions of a VIDEO that wait for another try are requested now. An analysis is requested under the active
    prompt, and its new attempts are claimed and capped like any other.
    """
    if failed == bool(video):
        raise click.UsageError(
            "name each VIDEO or give --failed, not both"
            if failed
            else "nothing is named: name each VIDEO, or give --failed for everything that failed for good"
        )
    if video and (reason, since, channel) != (None, None, None):
        raise click.UsageError(
            "--reason, --since and --channel narrow --failed: leave them out where a VIDEO is named"
        )
    video_ids = list(dict.fromkeys(map(video_id_of, video)))

    def choose(failures: Failures) -> Sequence[Failure]:
        return _named(failures, video_ids) if video_ids else _filtered(failures, reason, since, channel)

    asyncio.run(_retry(choose, load(), asks=failed, dry_run=dry_run, yes=yes))


async def _retry(choose: Choose, settings: Settings, *, asks: bool, dry_run: bool, yes: bool) -> None:
    connection = await open_log(settings)
    active = (await read_prompts(connection)).active
    failures = Failures(None if active is None else active.prompt_id)
    await read(connection, TOPICS, failures.apply)
    chosen = choose(failures)
    if not chosen:
        say("nothing such failed for good" if asks else "nothing is requested")
        return
    if asks or dry_run or len(chosen) > ASK_ABOVE:
        await _say_what(chosen, connection, settings)
        if not (dry_run or yes or confirm("Request them again?")):
            say("nothing is requested")
            return
    if dry_run:
        for failure in chosen:
            say(f"{_what(failure)} would be requested again: {printable(failure.reason)}")
        return
    await _send(chosen, connection, settings.youtube_per_minute)


async def _send(chosen: Sequence[Failure], connection: Connection, per_minute: float) -> None:
    """Request each again, captions no faster than YouTube may be asked: a minute's worth at once, then evenly."""
    analyses = [failure for failure in chosen if isinstance(failure, FailedAnalysis)]
    captions = [failure for failure in chosen if isinstance(failure, FailedCaptions)]
    valve = Valve(per_minute, utc_now())
    async with publisher(connection) as out:
        for analysis in analyses:
            await out.append(analysis.asked_again(utc_now()))
            say(f"{_what(analysis)} is requested again")
        if len(captions) > per_minute:
            wait = timedelta(seconds=round(60 * (len(captions) / per_minute - 1)))
            say(
                f"{per_minute:g} captions a minute are requested (EARMARK_YOUTUBE_PER_MINUTE), the last of them in {wait};"
                " stopped, it goes on when it is run again"
            )
        for one in captions:
            wait = valve.next_at(live=True) - utc_now()
            await asyncio.sleep(max(0.0, wait.total_seconds()))
            valve = valve.passed(utc_now())
            await out.append(one.asked_again(utc_now()))
            say(f"{_what(one)} are requested again")


def _filtered(
    failures: Failures, reason: str | None, since: Since | None, channel: str | None
) -> list[Failure]:
    channel_id = None if channel is None else failures.channel_id_of(channel)
    return [
        failure
        for failure in failures.for_good()
        if (reason is None or failure.says(reason))
        and (since is None or failure.at >= since.at)
        and (channel_id is None or failure.video.channel_id == channel_id)
    ]


def _named(failures: Failures, video_ids: Sequence[str]) -> list[Failure]:
    """What may be requested of each video; a sentence on the others. Raises EarmarkError for those the log does not know."""
    unknown = [video_id for video_id in video_ids if failures.stage(video_id) == "unknown"]
    if unknown:
        names = " ".join(unknown)
        raise EarmarkError(f"not in the log, so nothing is requested: earmark add {names}")
    found: list[Failure] = []
    for video_id in video_ids:
        of_it = list(failures.of(video_id))
        found += of_it
        if not of_it:
            say(f"{video_id} did not fail: {_standing(failures, video_id)}")
        for failure in of_it:
            if isinstance(failure, FailedCaptions) and failure.next_try_at is not None:
                say(
                    f"{video_id} did not fail for good: its captions were to be tried again at"
                    f" {failure.next_try_at:%Y-%m-%d %H:%M} UTC, and need not wait"
                )
    return found


def _standing(failures: Failures, video_id: str) -> str:
    match failures.stage(video_id):
        case "analysed":
            return "its captions and its analysis are there"
        case "captioned":
            again = " again" if failures.is_repeated(video_id) else ""
            return f"its captions are there, and its analysis is requested{again}"
        case _:
            return "its captions are requested"


async def _say_what(chosen: Sequence[Failure], connection: Connection, settings: Settings) -> None:
    """Print why the chosen failed, how many they are, and what their analyses may cost. Raises UnknownPriceError."""
    # Captions that come are analysed.
    forecast = await forecast_of(connection)
    usd = forecast.of_videos(len(chosen))
    show_table([Column("reason"), Column("captions", "count"), Column("analyses", "count")], _rows(chosen))
    captions = sum(isinstance(failure, FailedCaptions) for failure in chosen)
    analyses = len(chosen) - captions
    say(
        f"captions of {captions} video{'' if captions == 1 else 's'} and {analyses} analys{'i' if analyses == 1 else 'e'}s:"
        f" about {usd:.2f} US dollars at list price, at a daily cap of {settings.daily_cap_usd} US dollars"
        f" ({basis(forecast)})"
    )


def _rows(chosen: Sequence[Failure]) -> Iterator[tuple[object, ...]]:
    captions = Counter(failure.kind for failure in chosen if isinstance(failure, FailedCaptions))
    analyses = Counter(failure.kind for failure in chosen if isinstance(failure, FailedAnalysis))
    kinds = [kind for kind, _ in (captions + analyses).most_common()]
    for kind in kinds[:ROWS]:
        yield kind, captions[kind], analyses[kind]
    others = kinds[ROWS:]
    if others:
        yield (
            f"{len(others)} other reasons",
            sum(captions[kind] for kind in others),
            sum(analyses[kind] for kind in others),
        )


def _what(failure: Failure) -> str:
    return (
        f"{failure.video.video_id}: its {'analysis' if isinstance(failure, FailedAnalysis) else 'captions'}"
    )
