from typing import Any

import pytest

from streams.captions.tracks import Track, choose, is_trusted, original_language

PLAYABLE = {"protocol": "https", "vcodec": "avc1"}
STORYBOARD = {"protocol": "mhtml", "vcodec": "none", "acodec": "none"}


def forms(query: str, *formats: str) -> list[dict[str, str]]:
    return [
        {"ext": ext, "url": f"https://www.youtube.com/api/timedtext?{query}&fmt={ext}"} for ext in formats
    ]


def manual(*languages: str) -> dict[str, Any]:
    return {language: forms(f"lang={language}", "json3", "vtt") for language in languages}


def automatic(spoken: str, *translations: str) -> dict[str, Any]:
    """As yt-dlp has them: the spoken language twice, and a machine translation into each other one."""
    original = forms(f"lang={spoken}&kind=asr", "json3", "vtt")
    return {
        **{to: forms(f"lang={spoken}&kind=asr&tlang={to}", "json3", "vtt") for to in translations},
        f"{spoken}-orig": original,
        spoken: original,
    }


def chosen(info: dict[str, Any], *languages: str) -> tuple[str, str] | None:
    track = choose(info, languages)
    return None if track is None else (track.source, track.language)


def test_manual_goes_before_automatic_in_the_original_language() -> None:
    info = {"subtitles": manual("de", "en"), "automatic_captions": automatic("en", "de")}
    assert chosen(info) == ("captions_manual", "en")


def test_the_original_language_goes_before_a_manual_translation() -> None:
    info = {"subtitles": manual("de"), "automatic_captions": automatic("en", "de")}
    assert chosen(info) == ("captions_auto", "en")


def test_a_preferred_language_goes_before_the_original_one() -> None:
    info = {"subtitles": manual("de"), "automatic_captions": automatic("en", "de")}
    assert chosen(info, "fr", "de") == ("captions_manual", "de")


def test_a_machine_translation_is_never_taken() -> None:
    info = {"subtitles": {}, "automatic_captions": automatic("en", "de")}
    assert chosen(info, "de") == ("captions_auto", "en")
    only_translated = {"automatic_captions": {"de": forms("lang=en&kind=asr&tlang=de", "json3")}}
    assert chosen(only_translated) is None


def test_the_preferred_region_is_taken_where_there_is_one() -> None:
    info = {"subtitles": manual("en-US", "en-GB")}
    assert chosen(info, "en-GB") == ("captions_manual", "en-GB")
    assert chosen(info, "en") == ("captions_manual", "en-US")


def test_the_language_is_youtubes_code_without_the_tracks_name() -> None:
    info = {"subtitles": {"en-Captions by hand": forms("lang=en&name=Captions", "json3")}}
    assert choose(info) == Track("captions_manual", "en", info["subtitles"]["en-Captions by hand"][0]["url"])


def test_the_live_chat_is_no_track() -> None:
    assert (
        chosen({"subtitles": {"live_chat": [{"ext": "json3", "url": "https://www.youtube.com/watch?v=x"}]}})
        is None
    )


def test_a_track_without_json3_is_no_track() -> None:
    assert chosen({"subtitles": {"en": forms("lang=en", "vtt")}}) is None


def test_without_a_recogniser_the_sound_track_tells_the_original_language() -> None:
    info = {
        "formats": [
            {"language": "de", "language_preference": -1},
            {"language": "en", "language_preference": 10},
            {"language": None},
        ],
        "subtitles": manual("de", "en"),
    }
    assert original_language(info) == "en"
    assert chosen(info) == ("captions_manual", "en")


def test_where_nothing_tells_the_original_language_the_first_track_is_taken() -> None:
    assert chosen({"formats": [PLAYABLE], "subtitles": manual("pt", "es")}) == ("captions_manual", "pt")


@pytest.mark.parametrize(
    ("formats", "warnings", "trusted"),
    [
        ([PLAYABLE], [], True),
        ([], [], False),
        ([STORYBOARD], [], False),
        (
            [PLAYABLE],
            ["x: There are missing subtitles languages because a PO token was not provided."],
            False,
        ),
        ([PLAYABLE], ["something else"], True),
    ],
)
def test_a_missing_track_is_believed_only_of_a_full_answer(
    formats: list[dict[str, str]],
    warnings: list[str],
    trusted: bool,  # noqa: FBT001  a parameter of the table
) -> None:
    assert is_trusted({"formats": formats}, warnings) is trusted
