"""A video, as it is known so far."""

from typing import Literal

from streams.events.event import Event, Part, Utc

Origin = Literal["poll", "backfill", "asked"]
"""poll: published after its channel was followed; backfill: older, or found for --since; asked: `earmark add`."""

Precision = Literal["second", "day"]
"""How exact a time of publication is; day: only the date is known, and the time is 00:00 UTC of it."""


class Video(Part):
    """What is known of a video; what is null is completed as it travels.

    `published_at`: when it aired (an upload, a premiere or a stream alike); of one that is still to air, when it was
    announced. `published_precision` is null where the time is, and in events of 0.1.0.
    """

    video_id: str
    url: str
    channel_id: str | None = None
    channel_title: str | None = None
    title: str | None = None
    published_at: Utc | None = None
    published_precision: Precision | None = None
    origin: Origin


class OfVideo(Event):
    """An event about a video; those of one video keep their order."""

    video: Video

    @property
    def key(self) -> str:
        return self.video.video_id


class VideoDiscovered(OfVideo):
    """A video was seen for the first time."""

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.video.video_id,)
