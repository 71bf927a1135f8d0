"""A video's words, or why there are none (yet)."""

from typing import Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from streams.events.event import Utc, derive_id
from streams.events.videos import OfVideo

CaptionsSource = Literal["captions_manual", "captions_auto"]
Original = Literal["yes", "no", "unknown"]
"""Whether captions are in the language that was spoken; no: a person's translation, taken by the operator's wish."""
FailureClass = Literal["permanent", "slow", "later", "unknown", "not_yet", "soon"]
"""What a try that brought no captions says.

Of the video: permanent (there will never be any), slow (it is closed, and may open), later (it is not ready), unknown (a
sentence nobody knows yet). These use a try. not_yet: it has not aired or is on air. soon: YouTube refuses, so nothing is
known of the video. These two use none.
"""


def captions_id(video_id: str, revision: int) -> UUID:
    """The id of the captions of `video_id` at `revision`."""
    return derive_id("captions", video_id, revision)


class CaptionsRequested(OfVideo):
    """A command: try (again) to take a video's captions.

    `attempt` counts from 1 within a revision; `tries`: how many of the attempts before it said something of the video;
    `starts_at`: the start that was last announced.
    """

    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    tries: int | None = Field(default=None, ge=0)
    starts_at: Utc | None = None
    cause: Literal["retry", "refresh"]

    @property
    def tries_before(self) -> int:
        """`tries`; in a command of 0.1.0 every attempt was one."""
        return self.attempt - 1 if self.tries is None else self.tries

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
    original: Original = "unknown"
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
    """A try brought no captions. `failure`: what that says; `next_try_at`: when to try again, null = final.

    `tries`: how many attempts so far, this one included, said something of the video. `starts_at`: the start that was
    last announced for a video that has not aired or is on air.
    """

    version: ClassVar[int] = 2

    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    tries: int = Field(ge=0)
    reason: str
    failure: FailureClass
    starts_at: Utc | None
    next_try_at: Utc | None

    @property
    def final(self) -> bool:
        return self.next_try_at is None

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.video.video_id, self.revision, self.attempt)


def unavailable_of_version_1(body: dict[str, Any]) -> dict[str, Any]:
    """In version 1 every attempt was a try, and a refusal by YouTube ended as one of the video's own."""
    return {**body, "tries": 0 if body["failure"] == "soon" else body["attempt"], "starts_at": None}
