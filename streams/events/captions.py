"""A video's words, or why there are none (yet)."""

from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from streams.events.event import Utc, derive_id
from streams.events.videos import OfVideo

CaptionsSource = Literal["captions_manual", "captions_auto"]
FailureClass = Literal["permanent", "later", "soon"]
"""permanent: never; later: the video is not ready; soon: YouTube throttles, nothing is known of the video."""


def captions_id(video_id: str, revision: int) -> UUID:
    """The id of the captions of `video_id` at `revision`."""
    return derive_id("captions", video_id, revision)


class CaptionsRequested(OfVideo):
    """A command: try (again) to take a video's captions. `attempt` counts from 1 within a revision."""

    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    cause: Literal["retry", "refresh"]

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.video.video_id, self.revision, self.attempt)


class CaptionsExtracted(OfVideo):
    """The words of a video: segment i is `texts[i]`, spoken from `starts_ms[i]` to `ends_ms[i]`."""

    captions_id: UUID
    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    source: CaptionsSource
    language: str
    texts: tuple[str, ...] = Field(min_length=1)
    starts_ms: tuple[int, ...]
    ends_ms: tuple[int, ...]
    words: int = Field(ge=0)

    @model_validator(mode="after")
    def _columns_agree(self) -> Self:
        if not len(self.texts) == len(self.starts_ms) == len(self.ends_ms):
            raise ValueError("texts, starts_ms and ends_ms must have one entry a segment")
        return self

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.captions_id,)

    @property
    def extensions(self) -> dict[str, str]:
        return {"captionsid": str(self.captions_id), "revision": str(self.revision)}


class CaptionsUnavailable(OfVideo):
    """A try brought no captions. `failure`: its class; `next_try_at`: when to try again, null = final."""

    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    reason: str
    failure: FailureClass
    next_try_at: Utc | None

    @property
    def final(self) -> bool:
        return self.next_try_at is None

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.video.video_id, self.revision, self.attempt)
