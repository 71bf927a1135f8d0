"""What watch does, for other processes to show: `EARMARK_HOME/watch.json`. Nothing depends on it; the log has what counts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from streams.discovery.looks import Seen
from streams.discovery.throttle import Pause

NAME = "watch.json"
EVERY = timedelta(seconds=5)
STALE = timedelta(minutes=1)


@dataclass(frozen=True)
class WatchState:
    """At `at`: what pauses all of watch, and what became of each channel's looks, by channel id."""

    at: datetime
    pause: Pause | None = None
    channels: Mapping[str, Seen] = field(default_factory=dict)

    def is_stale(self, now: datetime) -> bool:
        """Whether watch has stopped writing."""
        return now > self.at + STALE


_FORM = TypeAdapter(WatchState)


class Reporter:
    """Writes the state to `home`, whole or not at all, every few seconds and when the pause changes."""

    def __init__(self, home: Path) -> None:
        self._path = home / NAME
        self._last: WatchState | None = None

    def __call__(self, state: WatchState) -> None:
        """Write it, if it is time."""
        last = self._last
        if last is not None and state.at < last.at + EVERY and state.pause == last.pause:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(f".{os.getpid()}")
        new.write_bytes(_FORM.dump_json(state))
        new.replace(self._path)
        self._last = state


def read_state(home: Path) -> WatchState | None:
    """What watch last wrote, or None."""
    try:
        return _FORM.validate_json((home / NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def advice(pause: Pause) -> str:
    """What the operator can do about it."""
    ytdlp = version("yt-dlp")
    if pause.client:
        return (
            f"every video gets this sentence, so it is the client's fault (yt-dlp {ytdlp}): upgrade yt-dlp, or try other"
            " EARMARK_YTDLP_CLIENTS"
        )
    return (
        "everything waits and nothing is lost; if it lasts, lower EARMARK_YOUTUBE_PER_MINUTE, set EARMARK_COOKIES, or"
        f" upgrade yt-dlp ({ytdlp})"
    )
