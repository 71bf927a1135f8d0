"""Every sentence that the installed yt-dlp raises for a video of YouTube's is known, or listed here with its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

import yt_dlp.extractor.youtube
from yt_dlp.extractor.common import InfoExtractor

from streams.ytdlp.refusals import owner_of

RAISES = {
    "ExtractorError",
    "raise_no_formats",
    "raise_geo_restricted",
    "raise_login_required",
    "report_drm",
    "UserNotLive",
}
FOLDER = Path(yt_dlp.extractor.youtube.__file__).parent
# What follows says nothing that a table could know beforehand: with these sentences a video's try is counted, and three
# videos in a row pause everybody.
NOBODYS = {
    "Cannot identify player …": "yt-dlp no longer understands YouTube's player",
    "Failed to extract any player response": "the answer was refused (then its status says so) or broken",
    "Incomplete yt initial data received": "half a page",
    "Incomplete data received": "half a page",
    "No player clients have been requested": "EARMARK_YTDLP_CLIENTS names none that yt-dlp has",
    "Unable to find selected tab": "a channel's page that yt-dlp does not understand",
    "Unable to recognize tab page": "a channel's page that yt-dlp does not understand",
    "YouTube said: …": "an alert on a page, in any words",
    "The channel/playlist does not exist and the URL redirected to youtube.com home page": "a channel's page",
    "Failed to resolve url (does the playlist exist?)": "a channel's page",
    "This channel does not have a … tab": "read where tabs are read",
    "A video URL was given without video ID": "Earmark always gives one",
    "Invalid URL: …": "Earmark makes the addresses",
    "Unable to find video ID": "Earmark makes the addresses",
    "Incomplete YouTube ID …. URL … looks truncated.": "Earmark checks the length",
    "…. …": "YouTube's own reason, in any words",
    "Cannot extract signature timestamp without player url": "yt-dlp no longer understands YouTube's player",
    "Invalid cookie consent redirect URL": "a page of consent that yt-dlp does not understand",
}
# Not reached: Earmark logs in with cookies only, and reads neither music, comments, nor the account's own pages.
UNREACHED = (
    "Did you forget to quote the URL?",
    "Failed to resolve album",
    "Incomplete data received for comment reply thread",
    "Login details are needed",
    "Login with OAuth",
    "Playlists that require authentication",
    "Unsupported language code",
    "…. … has been rate-limited by YouTube",  # the end of a sentence in the table
    "…. If you are not downloading private content",
)


def sentences() -> Iterator[str]:
    for file in sorted(FOLDER.glob("_*.py")):
        tree = ast.parse(file.read_text())
        assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "attr", getattr(node.func, "id", "")) in RAISES
            ):
                for argument in node.args[:1]:
                    yield from worded(argument)
                    if isinstance(argument, ast.Name):
                        for assignment in assigned:
                            if ast.unparse(assignment.targets[0]) == argument.id:
                                yield from worded(assignment.value)


def worded(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


def test_every_sentence_that_yt_dlp_raises_is_known_or_listed() -> None:
    found = set(sentences())
    assert len(found) > 8, "nothing is found: yt-dlp has moved its code"
    strange = {
        text
        for text in found
        if owner_of(text) == "unknown" and text not in NOBODYS and not text.startswith(UNREACHED)
    }
    assert strange == set(), "put each into streams/ytdlp/refusals.py, or here with its reason"
    assert set(NOBODYS) <= found, "yt-dlp says these no longer"


def test_the_sentences_that_yt_dlp_itself_completes_are_known() -> None:
    """Those of `_video.py`, around YouTube's own reason, and of its base class."""
    code = (FOLDER / "_video.py").read_text()
    for fixed in (
        "This content isn't available, try again later",
        "YouTube is requiring a captcha challenge before playback",
        "The uploader has not made this video available in your country",
    ):
        assert fixed in code, f"yt-dlp says no longer {fixed!r}"
        assert owner_of(f"Something new. {fixed}" if "captcha" in fixed else fixed) in ("soon", "later")
    assert "This video is DRM protected" in Path(InfoExtractor.report_drm.__code__.co_filename).read_text()
