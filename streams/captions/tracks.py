"""Which of a video's caption tracks is the one to read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Source = Literal["captions_manual", "captions_auto"]


@dataclass(frozen=True)
class Track:
    """A json3 track: `language` as YouTube names it (en, en-GB)."""

    source: Source
    language: str
    url: str


def choose(info: Mapping[str, Any], languages: Sequence[str] = ()) -> Track | None:
    """The track to read of yt-dlp's `info`: the first of `languages` there is, else the original language.

    Within a language manual goes before automatic. Machine translations are never taken. None: there is no track.
    """
    tracks = [*_manual(info), *_automatic(info)]
    wanted = [*languages, *filter(None, [original_language(info)])]
    for language in wanted:
        matching = [track for track in tracks if _speaks(track.language, language)]
        if matching:
            # Python's sort is stable: manual stays before automatic.
            return min(
                matching, key=lambda track: (track.source != "captions_manual", track.language != language)
            )
    return next(iter(tracks), None)


def original_language(info: Mapping[str, Any]) -> str | None:
    """The language spoken: YouTube's recogniser knows, else the sound track says; None where neither does."""
    for track in _automatic(info):
        return track.language
    sound = [form for form in info.get("formats", []) if form.get("language")]
    best = max(sound, key=lambda form: form.get("language_preference") or -1, default=None)
    return best and best["language"]


def is_trusted(info: Mapping[str, Any], warnings: Sequence[str]) -> bool:
    """Whether a missing track is really missing: YouTube throttles silently, by an answer without formats or captions."""
    # Storyboards are formats too, but they come from the watch page, which YouTube throttles last.
    playable = any(form.get("protocol") != "mhtml" for form in info.get("formats", []))
    return playable and not any("PO token was not provided" in line for line in warnings)


def _manual(info: Mapping[str, Any]) -> Iterator[Track]:
    for key, forms in info.get("subtitles", {}).items():
        for url in _json3(forms):
            if key != "live_chat":
                yield Track("captions_manual", _language(url, key), url)


def _automatic(info: Mapping[str, Any]) -> Iterator[Track]:
    for key, forms in info.get("automatic_captions", {}).items():
        for url in _json3(forms):
            query = parse_qs(urlsplit(url).query)
            if query.get("kind") == ["asr"] and "tlang" not in query:
                yield Track("captions_auto", _language(url, key.removesuffix("-orig")), url)


def _json3(forms: Sequence[Mapping[str, Any]]) -> list[str]:
    return [form["url"] for form in forms if form.get("ext") == "json3"]


def _language(url: str, key: str) -> str:
    # The key may carry the track's name ("en-Captions by …"); the address has the bare code.
    return parse_qs(urlsplit(url).query).get("lang", [key])[0]


def _speaks(language: str, wanted: str) -> bool:
    return language.partition("-")[0] == wanted.partition("-")[0]
