"""Which of a video's caption tracks are the ones to read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from streams.events.captions import Original

Source = Literal["captions_manual", "captions_auto"]

# yt-dlp's `language_preference` of a sound track that YouTube marks as original, or as the default.
_MARKED = 5
# One language, two codes: YouTube keeps old ones, people type new ones.
_ALIASES = {"iw": "he", "in": "id", "ji": "yi", "no": "nb", "jw": "jv", "tl": "fil", "mo": "ro", "cmn": "zh"}
_CHINESE = {"cn": "hans", "sg": "hans", "tw": "hant", "hk": "hant", "mo": "hant"}


@dataclass(frozen=True)
class Track:
    """A json3 track: `language` as YouTube names it (en, en-GB)."""

    source: Source
    language: str
    url: str

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.language}, {'manual' if self.source == 'captions_manual' else 'automatic'}"


@dataclass(frozen=True)
class Choice:
    """The tracks of one language, the best first, and whether it is the one that was spoken."""

    tracks: tuple[Track, ...]
    original: Original


def choose(info: Mapping[str, Any], languages: Sequence[str] = ()) -> Choice | None:
    """The tracks to read of yt-dlp's `info`: those of the first of `languages` there is, else of the original language.

    Within a language manual goes before automatic. A translation by a machine is never taken: neither of words, nor a
    dub, whose words nobody said. None: there is no track.
    """
    spoken = original_language(info)
    manual, automatic = list(_manual(info)), list(_automatic(info))
    heard = [track for track in automatic if spoken is None or _speaks(track.language, spoken)]
    tracks = [*manual, *heard]
    # Where nothing marks the original among several, a person's words are surer than any recogniser's language.
    wanted = [*languages, *filter(None, [spoken]), *(track.language for track in tracks)]
    for language in wanted:
        matching = [track for track in tracks if _speaks(track.language, language)]
        if matching:
            # Python's sort is stable: manual stays before automatic, and each in YouTube's order.
            best = sorted(
                matching,
                key=lambda track: (track.source != "captions_manual", _distance(track.language, language)),
            )
            return Choice(tuple(best), _is_original(best[0].language, spoken))
    return None


def original_language(info: Mapping[str, Any]) -> str | None:
    """The language spoken: the sound track that YouTube marks, else the recogniser's, if it heard only one; else None."""
    sound = [form for form in info.get("formats") or () if form.get("language")]
    marked = [form for form in sound if (form.get("language_preference") or -1) >= _MARKED]
    if marked:
        best: str = max(marked, key=lambda form: form["language_preference"])["language"]
        return best
    recognised = {_canonical(track.language)[0]: track.language for track in _automatic(info)}
    return next(iter(recognised.values())) if len(recognised) == 1 else None


def is_trusted(info: Mapping[str, Any], warnings: Sequence[str]) -> bool:
    """Whether a missing track is really missing: YouTube throttles silently, by an answer without formats or captions."""
    # Storyboards are formats too, but they come from the watch page, which YouTube throttles last.
    playable = any(form.get("protocol") != "mhtml" for form in info.get("formats") or ())
    return playable and not any("PO token was not provided" in line for line in warnings)


def _is_original(language: str, spoken: str | None) -> Original:
    if spoken is None:
        return "unknown"
    return "yes" if _speaks(language, spoken) else "no"


def _manual(info: Mapping[str, Any]) -> Iterator[Track]:
    for key, forms in (info.get("subtitles") or {}).items():
        for url in _json3(forms):
            if key != "live_chat":
                yield Track("captions_manual", _language(url, key), url)


def _automatic(info: Mapping[str, Any]) -> Iterator[Track]:
    # yt-dlp lists languages by their names; only the keys with `-orig` stand in YouTube's order.
    found = (info.get("automatic_captions") or {}).items()
    urls: set[str] = set()
    for key, forms in sorted(found, key=lambda item: not item[0].endswith("-orig")):
        for url in _json3(forms):
            query = parse_qs(urlsplit(url).query)
            if query.get("kind") == ["asr"] and "tlang" not in query and url not in urls:
                urls.add(url)
                yield Track("captions_auto", _language(url, key.removesuffix("-orig")), url)


def _json3(forms: Sequence[Mapping[str, Any]]) -> list[str]:
    return [form["url"] for form in forms if form.get("ext") == "json3"]


def _language(url: str, key: str) -> str:
    # The key may carry the track's name ("en-Captions by …"); the address has the bare code.
    return parse_qs(urlsplit(url).query).get("lang", [key])[0]


def _canonical(language: str) -> tuple[str, ...]:
    first, *rest = language.lower().replace("_", "-").split("-")
    first = _ALIASES.get(first, first)
    return (first, *(_CHINESE.get(part, part) if first == "zh" else part for part in rest))


def _speaks(language: str, wanted: str) -> bool:
    return _canonical(language)[0] == _canonical(wanted)[0]


def _distance(language: str, wanted: str) -> int:
    """0: the very same; 1: the plain language; 2: another region or script."""
    has, wants = _canonical(language), _canonical(wanted)
    if has == wants:
        return 0
    return 1 if len(has) == 1 or has[: len(wants)] == wants else 2
