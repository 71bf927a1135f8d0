"""What Claude is asked: all of it follows from the prompt and the captions."""

from functools import cache
from typing import Any

from anthropic import transform_schema

from streams.analysis.answer import Answer
from streams.analysis.lines import lines_of
from streams.events.captions import CaptionsExtracted
from streams.events.prompts import Prompt
from streams.events.videos import Video


@cache
def _schema() -> dict[str, Any]:
    # The same for every request, and milliseconds to make.
    return transform_schema(Answer)


def request_of(prompt: Prompt, captions: CaptionsExtracted, max_tokens: int) -> dict[str, Any]:
    """The arguments of `messages.create` for these captions under this prompt."""
    return {
        "model": prompt.model,
        "max_tokens": max_tokens,
        "system": [
            {"type": "text", "text": prompt.words, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
        ],
        "messages": [{"role": "user", "content": _transcript(captions.video, captions.texts)}],
        "output_config": {
            "format": {"type": "json_schema", "schema": _schema()},
            "effort": prompt.effort,
        },
    }


def _transcript(video: Video, texts: tuple[str, ...]) -> str:
    about = [
        f"Channel: {video.channel_title or 'unknown'}",
        f"Title: {video.title or 'unknown'}",
        f"Published: {video.published_at.date().isoformat() if video.published_at else 'unknown'}",
    ]
    numbered = [f"[{line.number}] {line.text}" for line in lines_of(texts)]
    return "\n".join([*about, "", *numbered])
