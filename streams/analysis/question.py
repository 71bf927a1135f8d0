"""What Claude is asked: all of it follows from the prompt and the captions."""

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from streams.analysis.lines import lines_of
from streams.errors import EarmarkError
from streams.events.captions import CaptionsExtracted
from streams.events.prompts import Prompt
from streams.events.videos import Video
from streams.prompts.files import SCHEMA_VERSION


def schema_file(version: int) -> Path:
    """Where a version of the answer's schema is kept: a prompt is asked with its own, whatever later ones allow."""
    return Path(__file__).with_name(f"answer-{version}.json")


@cache
def _schema(version: int) -> dict[str, Any]:
    schema: dict[str, Any] = orjson.loads(schema_file(version).read_bytes())
    return schema


def request_of(prompt: Prompt, captions: CaptionsExtracted, max_tokens: int) -> dict[str, Any]:
    """The arguments of `messages.create` for these captions under this prompt.

    Raises EarmarkError for a prompt that a newer Earmark registered.
    """
    if prompt.schema_version > SCHEMA_VERSION:
        raise EarmarkError(
            f"prompt {prompt.name} asks for answer schema {prompt.schema_version}, and the newest here is"
            f" {SCHEMA_VERSION}: upgrade Earmark"
        )
    return {
        "model": prompt.model,
        "max_tokens": max_tokens,
        "system": [
            {"type": "text", "text": prompt.words, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
        ],
        "messages": [{"role": "user", "content": _transcript(captions.video, captions.texts)}],
        "output_config": {
            "format": {"type": "json_schema", "schema": _schema(prompt.schema_version)},
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
