"""Kettle and Tape: an invented channel, what is said on it, and what the scripted Claude answers.

`sample/` holds it to be read: the talk as plain text with times, a second prompt, an answer for each video under each
prompt, and `requests.json`, the fingerprint of the one request that each answer belongs to.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from streams.analysis.question import request_of
from streams.captions.json3 import parse
from streams.events.captions import CaptionsExtracted, captions_id
from streams.events.videos import Video
from streams.loopback.captions_writer import automatic, manual
from streams.loopback.channel import Channel, ChannelVideo
from streams.loopback.script import OVERLOADED, RATE_LIMITED, Reply, Script, fingerprint
from streams.prompts.files import BUNDLED, read_prompt

SAMPLE = Path(__file__).parent / "sample"
REQUESTS = SAMPLE / "requests.json"
CANDIDATE = SAMPLE / "extract-sure.md"
"""The prompt of the second act: fewer calls, and surer ones."""
PROMPTS = (BUNDLED, CANDIDATE)

INVENTED_QUOTE = ("KTape000002", "DKNG")
"""The mention whose quote nobody said."""
WRONG_LINE = ("KTape000003", "O")
"""The mention whose quote was said, some lines before the one the answer names."""
WITHOUT_CAPTIONS = "KTape000005"
CUT_AT_MAX_TOKENS = "KTape000006"
RATE_LIMITED_FIRST = "KTape000007"
OVERLOADED_FIRST = "KTape000004"


def sample_channel() -> Channel:
    """The channel as the loopback YouTube shows it."""
    index = orjson.loads((SAMPLE / "channel.json").read_bytes())
    return Channel(
        channel_id=index["channel_id"],
        handle=index["handle"],
        title=index["title"],
        videos=tuple(
            ChannelVideo(
                video_id=video["video_id"],
                title=video["title"],
                published_at=datetime.fromisoformat(video["published_at"]),
                duration_s=video["duration_s"],
                auto=automatic(_read(video["auto"])) if video["auto"] else None,
                manual=manual(_read(video["manual"])) if video["manual"] else None,
                language=index["language"],
            )
            for video in index["videos"]
        ),
    )


def sample_captions(channel: Channel) -> list[CaptionsExtracted]:
    """What the captions stage makes of every video that has captions."""
    return [_extracted(channel, video) for video in channel.videos if video.manual or video.auto]


def sample_answer(video_id: str, prompt: str = BUNDLED.stem) -> str:
    """What the scripted Claude answers on a video under the prompt of that name, in the end."""
    return orjson.dumps(
        orjson.loads((SAMPLE / "answers" / prompt / f"{video_id}.json").read_bytes())
    ).decode()


def sample_scripts() -> dict[str, Script]:
    """The scripted Claude's whole part, by fingerprint."""
    recorded: dict[str, dict[str, str]] = orjson.loads(REQUESTS.read_bytes())
    return {
        digest: _eventful(video_id) if prompt == BUNDLED.stem else [Reply(sample_answer(video_id, prompt))]
        for prompt, requests in recorded.items()
        for video_id, digest in requests.items()
    }


def live_scripts(channel: Channel, video: ChannelVideo) -> dict[str, Script]:
    """What the scripted Claude answers on a video that comes out at another time than the recorded one."""
    captions = _extracted(channel, video)
    return {
        fingerprint(request_of(prompt, captions, prompt.max_tokens)): [
            Reply(sample_answer(video.video_id, prompt.name))
        ]
        for prompt in map(read_prompt, PROMPTS)
    }


def _eventful(video_id: str) -> Script:
    text = sample_answer(video_id)
    scripts: dict[str, Script] = {
        CUT_AT_MAX_TOKENS: [Reply(text, stop_reason="max_tokens"), Reply(text)],
        RATE_LIMITED_FIRST: [RATE_LIMITED, Reply(text)],
        OVERLOADED_FIRST: [
            OVERLOADED,
            Reply(text, thinking="Four letters, four answers."),
        ],
    }
    return scripts.get(video_id, [Reply(text)])


def _read(name: str) -> str:
    return (SAMPLE / name).read_text(encoding="utf-8")


def _extracted(channel: Channel, shown: ChannelVideo) -> CaptionsExtracted:
    body: Any = shown.manual or shown.auto
    transcript = parse(body.decode())
    return CaptionsExtracted(
        at=shown.published_at,
        video=Video(
            video_id=shown.video_id,
            url=f"https://www.youtube.com/watch?v={shown.video_id}",
            channel_id=channel.channel_id,
            channel_title=channel.title,
            title=shown.title,
            published_at=shown.published_at,
            origin="backfill",
        ),
        captions_id=captions_id(shown.video_id, 1),
        revision=1,
        attempt=1,
        source="captions_manual" if shown.manual else "captions_auto",
        language=shown.language,
        texts=transcript.texts,
        starts_ms=transcript.starts_ms,
        ends_ms=transcript.ends_ms,
        words=transcript.words,
    )
