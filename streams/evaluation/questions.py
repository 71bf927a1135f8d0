"""What is asked of a prompt about a gold set: a transcript, a request and an analysis a video, with their ids: pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import orjson

from streams.evaluation.gold import GoldVideo
from streams.events.evaluations import TranscriptGiven
from streams.events.event import Position, derive_id
from streams.events.ledger import AnalysisRequested, analysis_id, request_id
from streams.events.prompts import Prompt
from streams.events.videos import Video

# No id of YouTube's has a colon: what is asked about a gold video is never taken for a video that is watched.
PREFIX = "gold:"


@dataclass(frozen=True)
class Question:
    """A gold video under a prompt. What Claude is told makes its ids, so a changed gold call asks nothing anew."""

    video: GoldVideo
    prompt: Prompt

    @property
    def video_id(self) -> str:
        """What the log calls the video."""
        return f"{PREFIX}{self.video.video_id}"

    @cached_property
    def captions_id(self) -> UUID:
        """The id of the transcript with what is told besides."""
        video = self.video
        told = (video.title, video.channel, video.published_at, video.texts, video.starts_ms, video.ends_ms)
        return derive_id("gold transcript", self.video_id, hashlib.sha256(orjson.dumps(told)).hexdigest())

    @property
    def analysis_id(self) -> UUID:
        """The id of the analysis that answers it."""
        return analysis_id(self.captions_id, self.prompt.prompt_id)

    @property
    def request_id(self) -> UUID:
        """The id of the request for it."""
        return request_id(self.captions_id, self.prompt.prompt_id, None)

    def transcript(self, at: datetime) -> TranscriptGiven:
        """The words as the log holds them."""
        video = self.video
        return TranscriptGiven(
            at=at,
            video=Video(
                video_id=self.video_id,
                url=f"https://www.youtube.com/watch?v={video.video_id}",
                channel_title=video.channel,
                title=video.title,
                published_at=video.published_at,
                origin="asked",
            ),
            captions_id=self.captions_id,
            revision=1,
            attempt=1,
            source="captions_manual",
            language="und",
            texts=video.texts,
            starts_ms=video.starts_ms,
            ends_ms=video.ends_ms,
            words=sum(len(text.split()) for text in video.texts),
        )

    def request(self, at: datetime, transcript_at: Position) -> AnalysisRequested:
        """The command to answer it, with the place of its transcript in `evaluations`."""
        return AnalysisRequested(
            at=at,
            request_id=self.request_id,
            video_id=self.video_id,
            captions_id=self.captions_id,
            captions_at=transcript_at,
            lane="evaluation",
            prompt_id=self.prompt.prompt_id,
            replay_id=None,
        )
