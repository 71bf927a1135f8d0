"""What watch does, for other processes to show: `EARMARK_HOME/watch.json`. Nothing depends on it; the log has what counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from streams.bulletin import Kind, Trouble, put_up, read
from streams.discovery.seen import Away, Seen
from streams.discovery.throttle import Pause

NAME = "watch.json"
EVERY = timedelta(seconds=5)
STALE = timedelta(minutes=1)


@dataclass(frozen=True)
class WatchState:
    """At `at`: what pauses all of watch, what became of each channel's looks, by channel id, and whether all of them fail.

    `new_waiting`, `old_waiting`: videos that were found and are not asked for yet.
    """

    at: datetime
    pause: Pause | None = None
    channels: Mapping[str, Seen] = field(default_factory=dict)
    away: Away | None = None
    new_waiting: int = 0
    old_waiting: int = 0

    def troubles(self) -> list[Trouble]:
        """What keeps watch from its work."""
        found = []
        if (pause := self.pause) is not None:
            what = f"YouTube refuses every request: {pause.sentence}"
            kind: Kind = "ytdlp-fails" if pause.client else "youtube-refuses"
            found.append(
                Trouble(kind, pause.since, what, advice(pause), pause.until, needs_person=pause.client)
            )
        if (away := self.away) is not None:
            what = f"no channel can be looked at: {away.problem}"
            fix = "looks go on every ten minutes; see whether this machine reaches YouTube: `earmark doctor`"
            found.append(Trouble("youtube-away", away.since, what, fix))
        return found

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
        put_up(self._path, _FORM, state)
        self._last = state


def read_state(home: Path) -> WatchState | None:
    """What watch last wrote, or None."""
    return read(home / NAME, _FORM)


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
