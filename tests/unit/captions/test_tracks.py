from typing import Any

import pytest

from streams.captions.tracks import Choice, Track, choose, is_trusted, original_language

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


def sound(*languages: str, original: str | None = None, default: str | None = None) -> list[dict[str, Any]]:
    """Sound tracks as yt-dlp marks them."""
    marks = {original: 10, default: 5}
    return [{"language": code, "language_preference": marks.get(code, -1)} for code in languages]


def recognised(*languages: str) -> dict[str, Any]:
    """Automatic captions in several languages, YouTube's order in the keys with `-orig`; yt-dlp sorts by name."""
    tracks = {code: forms(f"lang={code}&kind=asr", "json3") for code in languages}
    return {
        **{code: tracks[code] for code in sorted(languages)},
        **{f"{code}-orig": tracks[code] for code in languages},
    }


def chosen(info: dict[str, Any], *languages: str) -> tuple[str, str] | None:
    choice = choose(info, languages)
    return None if choice is None else (choice.tracks[0].source, choice.tracks[0].language)


def original(info: dict[str, Any], *languages: str) -> str | None:
    choice = choose(info, languages)
    return None if choice is None else choice.original


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
    url = info["subtitles"]["en-Captions by hand"][0]["url"]
    assert choose(info) == Choice((Track("captions_manual", "en", url),), "unknown")


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


@pytest.mark.parametrize("marked", [{"original": "en"}, {"default": "en"}])
def test_a_dub_is_never_taken_for_what_was_said(marked: dict[str, str]) -> None:
    dubbed = {
        "formats": sound("de", "en", "ar", **marked),
        "automatic_captions": recognised("de", "en", "ar"),
    }
    assert chosen(dubbed) == ("captions_auto", "en")
    assert original(dubbed) == "yes"
    assert chosen(dubbed, "de") == ("captions_auto", "en")
    with_manual = dubbed | {"subtitles": manual("en")}
    assert chosen(with_manual) == ("captions_manual", "en")


def test_where_there_are_only_dubs_there_is_no_track() -> None:
    assert (
        choose({"formats": sound("de", "en", original="en"), "automatic_captions": recognised("de")}) is None
    )


def test_without_a_mark_a_persons_words_go_before_several_recognisers() -> None:
    unmarked = {"automatic_captions": recognised("de", "ar", "bg"), "subtitles": manual("en")}
    assert (chosen(unmarked), original(unmarked)) == (("captions_manual", "en"), "unknown")


def test_without_a_mark_or_a_person_the_first_recogniser_that_youtube_lists_is_taken() -> None:
    unmarked = {"automatic_captions": recognised("en", "de", "ar")}
    assert (chosen(unmarked), original(unmarked)) == (("captions_auto", "en"), "unknown")


def test_the_only_recogniser_heard_the_original() -> None:
    assert original({"automatic_captions": automatic("en", "de")}) == "yes"


def test_a_persons_translation_that_is_wished_for_is_marked_as_one() -> None:
    info = {"subtitles": manual("de"), "automatic_captions": automatic("en", "de")}
    assert original(info, "de") == "no"


@pytest.mark.parametrize(
    ("wished", "there"),
    [
        ("he", "iw"), ("iw", "he"), ("id", "in"), ("yi", "ji"), ("no", "nb"), ("nb", "no"),
        ("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hant"), ("zh", "zh-Hant-HK"), ("fil", "tl"),
    ],
)  # fmt: skip
def test_a_language_is_found_under_its_other_code(wished: str, there: str) -> None:
    info = {"subtitles": manual("en", there), "automatic_captions": automatic("en")}
    assert chosen(info, wished) == ("captions_manual", there)


def test_the_script_that_is_wished_for_goes_first() -> None:
    info = {"subtitles": manual("zh-Hant", "zh-Hans")}
    assert chosen(info, "zh-CN") == ("captions_manual", "zh-Hans")
    assert chosen(info, "zh-TW") == ("captions_manual", "zh-Hant")


def test_every_track_of_the_language_is_a_candidate_the_best_first() -> None:
    info = {
        "subtitles": {"en": forms("lang=en", "json3"), "en-by hand": forms("lang=en&name=by+hand", "json3")},
        "automatic_captions": automatic("en", "de"),
    }
    choice = choose(info)
    assert choice is not None
    assert [track.name for track in choice.tracks] == ["en, manual", "en, manual", "en, automatic"]


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
