"""From the loopback YouTube through the real yt-dlp, and through the real SDK to the loopback Claude: they fit."""

import asyncio
from pathlib import Path

import pytest
from anthropic import AsyncAnthropic

from streams.analysis.question import request_of
from streams.captions.fetch import NotTaken, Taken, fetch_captions
from streams.demo.sample_channel import (
    PROMPTS,
    WITHOUT_CAPTIONS,
    sample_answer,
    sample_captions,
    sample_channel,
    sample_scripts,
)
from streams.events.captions import CaptionsExtracted
from streams.events.videos import Video
from streams.loopback.claude import LoopbackClaude
from streams.loopback.youtube import LoopbackYoutube, serve
from streams.prompts.files import read_prompt
from streams.ytdlp.process import Options


async def fetched(*video_ids: str) -> list[Taken | NotTaken]:
    async with serve(LoopbackYoutube(sample_channel())) as youtube:
        options = Options(youtube_url=youtube.origin)
        return await asyncio.gather(
            *(
                fetch_captions(
                    Video(
                        video_id=video_id, url=f"https://www.youtube.com/watch?v={video_id}", origin="asked"
                    ),
                    options=options,
                    languages=(),
                )
                for video_id in video_ids
            )
        )


async def test_yt_dlp_brings_the_captions_that_the_requests_were_recorded_from() -> None:
    """One video with automatic captions, one with manual ones besides, one with none."""
    expected: dict[str, CaptionsExtracted] = {
        captions.video.video_id: captions for captions in sample_captions(sample_channel())
    }
    *taken, none = await fetched("KTape000001", "KTape000003", WITHOUT_CAPTIONS)
    assert isinstance(none, NotTaken)
    for result in taken:
        assert isinstance(result, Taken), result
        captions = expected[result.video.video_id]
        assert (result.source, result.transcript.texts, result.transcript.starts_ms) == (
            captions.source,
            captions.texts,
            captions.starts_ms,
        )
        assert (result.video.title, result.video.channel_title, result.video.published_at) == (
            captions.video.title,
            captions.video.channel_title,
            captions.video.published_at,
        )


@pytest.mark.parametrize("file", PROMPTS, ids=lambda file: file.stem)
@pytest.mark.parametrize("captions", sample_captions(sample_channel()), ids=lambda one: one.video.video_id)
async def test_the_sdk_sends_the_request_that_was_recorded(captions: CaptionsExtracted, file: Path) -> None:
    prompt = read_prompt(file)
    async with (
        LoopbackClaude(sample_scripts()) as claude,
        AsyncAnthropic(api_key="sk-test", base_url=claude.base_url, max_retries=2) as client,
    ):
        for max_tokens in (prompt.max_tokens, 2 * prompt.max_tokens):
            message = await client.messages.create(**request_of(prompt, captions, max_tokens))
    assert message.stop_reason == "end_turn"
    assert message.content[-1].text == sample_answer(captions.video.video_id, prompt.name)
