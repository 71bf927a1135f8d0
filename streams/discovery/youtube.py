"""What discovery asks of YouTube, through yt-dlp in a process that can be killed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.discovery.listing import Listed
from streams.errors import EarmarkError
from streams.events.channels import Tab
from streams.ytdlp.process import ExtractionError, Options, run_child
from streams.ytdlp.refusals import owner_of_error

ANSWER_LIMIT_S = 60.0
# A page of 30 videos takes about a second: room for the longest channel there is.
WALK_LIMIT_S = 1800.0


class RefusedError(EarmarkError):
    """YouTube refuses us or cannot be reached, which says nothing of what was asked for."""


@dataclass(frozen=True)
class Resolved:
    """Who an address leads to."""

    channel_id: str
    handle: str | None
    title: str | None


@dataclass(frozen=True)
class Shown:
    """What YouTube shows of a video; `instead`: its sentence in place of it. What it does not say is null.

    `day_only`: of `published_at` the date alone is known. `kind`: video, short or livestream.
    """

    channel_id: str | None
    channel: str | None
    title: str | None
    published_at: datetime | None
    day_only: bool
    kind: str
    live_status: str | None
    instead: str | None


@dataclass(frozen=True)
class YouTube:
    """YouTube as yt-dlp sees it. Every method raises EarmarkError where it brings nothing."""

    options: Options

    async def resolve(self, url: str) -> Resolved:
        """The channel at `url`."""
        try:
            return Resolved(**await self._ask("resolve", {"channel": url}, ANSWER_LIMIT_S))
        except ExtractionError as error:
            raise EarmarkError(
                f"{url} is no channel, or YouTube does not say so now: {error.text}"
            ) from error

    async def video(self, video_id: str) -> Shown:
        """The video of that id. Raises RefusedError, too."""
        try:
            answer = await self._ask("video", {"video_id": video_id}, ANSWER_LIMIT_S, "streams.ytdlp.videos")
        except ExtractionError as error:
            if owner_of_error(error.kind, error.text, error.status) == "soon":
                raise RefusedError(str(error)) from error
            raise
        published = answer.pop("published_at")
        moment = None if published is None else datetime.fromisoformat(published)
        return Shown(
            published_at=None if moment is None else moment.replace(tzinfo=UTC),
            day_only=published is not None and "T" not in published,
            **answer,
        )

    async def tab(
        self, channel_id: str, tab: Tab, *, known: Sequence[str], since: datetime
    ) -> tuple[Listed, ...]:
        """A tab's videos, newest first, back to `since`, or to where it meets a run of `known` ids.

        Raises RefusedError, too.
        """
        payload = {"channel_id": channel_id, "tab": tab, "known": known, "since": since.isoformat()}
        try:
            answer = await self._ask("tab", payload, WALK_LIMIT_S)
        except ExtractionError as error:
            if owner_of_error(error.kind, error.text, error.status) == "soon":
                raise RefusedError(str(error)) from error
            raise
        return tuple(_listed(entry) for entry in answer["entries"])

    async def _ask(
        self, task: str, payload: dict[str, Any], time_limit_s: float, module: str = "streams.ytdlp.channels"
    ) -> dict[str, Any]:
        return await run_child(module, task, payload, options=self.options, time_limit_s=time_limit_s)


def _listed(entry: dict[str, Any]) -> Listed:
    return Listed(
        video_id=entry["video_id"],
        title=entry["title"],
        published_at=None,
        about=None if entry["date"] is None else datetime.fromisoformat(entry["date"]),
        duration_s=entry["duration_s"],
        is_airing=entry["airing"],
    )
