"""The one module that imports yt_dlp, and the child's side of `streams.ytdlp.process`."""

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.extractor.youtube import YoutubeIE, YoutubeTabIE
from yt_dlp.extractor.youtube._base import INNERTUBE_CLIENTS
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError
from yt_dlp.utils import DownloadError, YoutubeDLError

from streams.parent import end_with_parent
from streams.ytdlp.process import ExtractionError, Options
from streams.ytdlp.refusals import status_in

# The parent kills at the limit; this ends a child whose parent was killed itself.
ORPHAN_GRACE_S = 5.0


def clients() -> dict[str, bool]:
    """The player clients that this yt-dlp knows, and whether each reads cookies, and so can log in."""
    return {name: bool(client.get("SUPPORTS_COOKIES")) for name, client in INNERTUBE_CLIENTS.items()}


def redirect(url: str, origin: str) -> str:
    """`url` at `origin`, where it is YouTube's. Raises yt-dlp's RequestError for every other host."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host != "youtube.com" and not host.endswith(".youtube.com"):
        raise RequestError(f"{host} is refused: EARMARK_YOUTUBE_URL stands in for YouTube and nobody else")
    target = urlsplit(origin)
    return parts._replace(scheme=target.scheme, netloc=target.netloc).geturl()


class _YoutubeIE(YoutubeIE):  # type: ignore[misc]  # yt-dlp has no types
    """Keeps what YouTube says instead of a video, where yt-dlp would throw away all it knows of it: when it airs, say."""

    unplayable: str | None = None

    @classmethod
    def ie_key(cls) -> str:
        """The name under which tabs and playlists refer to it."""
        return str(YoutubeIE.ie_key())

    def raise_no_formats(self, msg: Any, expected: bool = False, video_id: str | None = None) -> None:  # noqa: ARG002, FBT001, FBT002
        """Keep the reason, and go on without formats."""
        self.unplayable = getattr(msg, "orig_msg", None) or str(msg)


class _YoutubeDL(YoutubeDL):  # type: ignore[misc]  # yt-dlp has no types
    """Every request of every extractor comes through `urlopen`."""

    def __init__(self, params: dict[str, Any], origin: str | None) -> None:
        self._origin = origin
        super().__init__(params, auto_init=False)
        self.youtube = _YoutubeIE()
        for extractor in (self.youtube, YoutubeTabIE()):
            self.add_info_extractor(extractor)

    def urlopen(self, req: Any) -> Any:
        request = Request(req) if isinstance(req, str) else req
        if self._origin is not None:
            request.url = redirect(request.url, self._origin)
        return super().urlopen(request)


class _Warnings:
    """yt-dlp's logger. It keeps the warnings: nothing else reports a missing PO token."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, message: str) -> None:
        """Drop progress messages."""

    info = error = debug  # an error also raises

    def warning(self, message: str) -> None:
        """Keep a warning."""
        self.lines.append(message)


class Session:
    """yt-dlp for one task."""

    def __init__(self, options: Options) -> None:
        self._log = _Warnings()
        self._arguments: dict[str, dict[str, list[str]]] = {
            "youtube": {
                "player_client": _clients(options),
                "player_skip": ["configs", "js"],
                "skip": ["hls", "dash", "translated_subs"],
            }
        }
        params: dict[str, Any] = {
            "quiet": True,
            "no_color": True,
            "noprogress": True,
            "noplaylist": True,
            "logger": self._log,
            "cachedir": False,
            "skip_download": True,
            "socket_timeout": 10,
            "extractor_retries": 1,
            "js_runtimes": {},
            "writesubtitles": True,
            "writeautomaticsub": True,  # else the PO-token warning goes to debug
            "playlist_items": "0",  # resolving a channel walks no further tabs
            "extractor_args": self._arguments,
        }
        if options.cookies is not None:
            # A stream: yt-dlp would write the file again on close, and the processes share it.
            params["cookiefile"] = io.StringIO(Path(options.cookies).read_text())
        if options.youtube_url is not None:
            params["proxy"] = ""  # the origin is named, so no proxy knows better
        self._ydl = _YoutubeDL(params, options.youtube_url)

    def set_argument(self, extractor: str, name: str, value: str) -> None:
        """Set one of yt-dlp's extractor arguments."""
        self._arguments.setdefault(extractor, {})[name] = [value]

    def extract(self, url: str, extractor: str | None = None) -> dict[str, Any]:
        """What yt-dlp makes of `url`, without choosing formats; `entries` are lazy. Raises ExtractionError."""
        with translated():
            info: dict[str, Any] = self._ydl.extract_info(
                url, download=False, process=False, ie_key=extractor
            )
            return info

    def get(self, url: str) -> tuple[int, bytes]:
        """Status and body of a plain GET. Raises ExtractionError where there is no answer at all."""
        with translated():
            try:
                response = self._ydl.urlopen(url)
            except HTTPError as error:
                return error.status, error.response.read()
            return response.status, response.read()

    @property
    def unplayable(self) -> str | None:
        """What YouTube showed instead of the video last extracted; None: it can be played."""
        return self._ydl.youtube.unplayable

    @property
    def warnings(self) -> list[str]:
        """What yt-dlp warned of so far."""
        return self._log.lines

    def close(self) -> None:
        """Close the connections."""
        self._ydl.close()


def _clients(options: Options) -> list[str]:
    # visionos cannot log in; without a name yt-dlp chooses among those that can.
    if options.cookies is None:
        return list(options.clients)
    return [client for client in options.clients if client != "visionos"] or ["default"]


@contextmanager
def translated() -> Iterator[None]:
    """Within the block, yt-dlp's errors become ExtractionError."""
    try:
        yield
    except YoutubeDLError as error:
        raise _translate(error) from error


def _translate(error: YoutubeDLError) -> ExtractionError:
    inner = error
    if isinstance(error, DownloadError) and error.exc_info and error.exc_info[1] is not None:
        inner = error.exc_info[1]
    source = inner if isinstance(inner, RequestError) else getattr(inner, "cause", None)
    kind = "TransportError" if isinstance(source, TransportError) else type(inner).__name__
    status = source.status if isinstance(source, HTTPError) else None
    return ExtractionError(kind, getattr(inner, "orig_msg", None) or str(inner), status)


def serve(tasks: Mapping[str, Callable[..., dict[str, Any]]]) -> None:
    """Run the task that stdin asks for, as task(session, **payload), and write its answer to stdout."""
    end_with_parent(os.getppid(), grace_s=0)
    request = json.load(sys.stdin)
    signal.setitimer(signal.ITIMER_REAL, request["time_limit_s"] + ORPHAN_GRACE_S)
    with redirect_stdout(sys.stderr):
        session = Session(Options(**request["options"]))
        try:
            answer = {"result": tasks[request["task"]](session, **request["payload"])}
        except ExtractionError as error:
            # yt-dlp goes on after a refused request, and then fails for want of what it would have brought.
            status = error.status or status_in(session.warnings)
            answer = {"error": {"kind": error.kind, "text": error.text, "status": status}}
        finally:
            session.close()
    json.dump(answer, sys.stdout)
