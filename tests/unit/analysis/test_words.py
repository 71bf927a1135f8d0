"""What a word is, in the scripts that videos are spoken in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.analysis.grounding import ground
from streams.analysis.symbols import Symbols
from streams.analysis.words import has_words, without_cues, words_of
from tests.builders.quotes import said
from tests.builders.transcripts import captions_of

# Said; a quote of it; the same with one word or mark wrong; two words of it.
SCRIPTS = {
    "Hindi": ("आज मैं एप्पल खरीद रहा हूँ", "एप्पल, खरीद रहा", "एप्पल, खरीदा रहा", "खरीद रहा"),
    "Bengali": ("আমি অ্যাপল কিনছি আজ", "অ্যাপল কিনছি আজ", "অ্যাপল কিনছে আজ", "কিনছি আজ"),
    "Tamil": ("நான் ஆப்பிள் பங்கு வாங்குகிறேன்", "ஆப்பிள் பங்கு வாங்குகிறேன்", "ஆப்பிள் பங்கை வாங்குகிறேன்", "ஆப்பிள் பங்கு"),
    "Arabic": ("اليَوْمَ أَشْتَرِي سَهْمَ أَبَل", "أشتري سهم أبل", "أبيع سهم أبل", "أَشْتَرِي سَهْمَ"),
    "Hebrew": ("היום אני קונה מניה", "אֲנִי קוֹנֶה מְנָיָה", "אני מוכר מניה", "קונה מניה"),
    "Thai": ("วันนี้ผมซื้อหุ้นแอปเปิลครับ", "ผมซื้อหุ้นแอปเปิล", "ผมซื้อหุ่นแอปเปิล", "ซื้อหุ้น"),
    "Khmer": ("ថ្ងៃនេះខ្ញុំទិញភាគហ៊ុនអាប់ផល", "ខ្ញុំទិញភាគហ៊ុន", "ខ្ញុំទិញភាគហុន", "ខ្ញុំទិញ"),
    "Lao": ("ມື້ນີ້ຂ້ອຍຊື້ຮຸ້ນແອັບເປິນ", "ຂ້ອຍຊື້ຮຸ້ນ", "ຂ້ອຍຊື້ຮຸນ", "ຊື້ຮຸ້ນ"),
    "Burmese": ("ယနေ့ကျွန်တော်ရှယ်ယာဝယ်တယ်", "ရှယ်ယာဝယ်တယ်", "ရှယ်ယာဝယ်တာ", "ရှယ်ယာဝယ်"),
    "Han": ("我们今天买苹果股票", "今天、买苹果", "今天、卖苹果", "苹果股票"),
    "Kana": ("きょうはトヨタをかいます", "トヨタをかいます", "ドヨタをかいます", "トヨタを"),
    "Hangul": ("나는 오늘 삼성전자를 샀다", "오늘 삼성전자를 샀다", "오늘 삼성전자 샀다", "삼성전자를 샀다"),
}


def rejection(quote: str, *texts: str) -> str | None:
    (mention,) = ground([said(quote)], captions_of(*texts), Symbols())
    return mention.rejected


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_right_quote_of_three_words_is_found_and_a_near_miss_is_not(script: str) -> None:
    spoken, right, near_miss, _ = SCRIPTS[script]
    assert rejection(right, spoken) is None
    assert rejection(near_miss, spoken) == "quote_not_in_transcript"


@pytest.mark.parametrize("script", SCRIPTS)
def test_two_words_are_too_few_however_many_letters_and_marks_they_have(script: str) -> None:
    spoken, _, _, two = SCRIPTS[script]
    assert has_words(two, 2)
    assert not has_words(two, 3)
    assert rejection(two, spoken) == "quote_too_short"


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_quote_is_found_wherever_its_segments_part_words(script: str) -> None:
    """A dictionary reads a row of letters by what stands beside it, and a quote stands beside nothing."""
    spoken, right, _, _ = SCRIPTS[script]
    words = words_of(spoken)
    for cut in range(1, len(words)):
        assert rejection(right, " ".join(words[:cut]), " ".join(words[cut:])) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'd sell at 3.5%", ["i", "d", "sell", "at", "3", "5"]),
        ("हूँ", ["हूँ"]),
        ("トヨタETFを", ["ト", "ヨ", "タ", "etf", "を"]),
        ("ｶﾞﾝ", ["ガ", "ン"]),
        ("ខ្ញុំ", ["ខ្ញុំ"]),
        ("क्\u200dष soft\u00adly", ["क्ष", "softly"]),
        ("ทั้ง\u200bหมด", ["ทั้", "ง", "ห", "ม", "ด"]),
        ("one\u200btwo", ["one", "two"]),
        ("آبــل", ["آبل"]),
        ("— … \u0301", []),
    ],
)
def test_words_are_compared_whole_and_letters_of_scripts_without_blanks_with_their_marks(
    text: str, words: list[str]
) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I'd sell", 2),
        ("3.5 percent", 2),
        ("don't", 1),
        ("ـ ـ ـ", 0),
        ("— … !", 0),
        ("", 0),
        ("AT&T rallied", 3),
    ],
)
def test_words_are_counted_as_readers_count_them(text: str, count: int) -> None:
    assert [has_words(text, least) for least in range(1, 5)] == [least <= count for least in range(1, 5)]


@pytest.mark.parametrize(
    "quote",
    [
        "i am buying",
        "[7] i am buying",
        "[Music] i am [8] buying",
        "\uff3b音楽\uff3di am buying",
        "i am buying [Applause]",
        "i [ __ ] am buying",
    ],
)
def test_cues_and_line_numbers_are_in_no_word_on_either_side(quote: str) -> None:
    for texts in (("i am buying",), ("i [Music] am", "[Applause] buying"), ("i am [upbeat", "music] buying")):
        assert rejection(quote, *texts) is None


@pytest.mark.parametrize(
    "quote", ["[7] am buying", "[Music] [Applause] [Laughter]", "buying [upbeat music playing]"]
)
def test_cues_and_line_numbers_make_no_quote_longer(quote: str) -> None:
    assert (
        rejection(quote, "i am buying [Music] [Applause] [Laughter] [upbeat music playing]")
        == "quote_too_short"
    )


def test_a_bracket_that_nobody_closes_hides_nothing() -> None:
    assert rejection("i am buying", "so [ i am buying", "and so on " * 30, "]") is None
    assert without_cues("a [b\nc] d") == "a  \n d"


@settings(deadline=None)
@given(st.text(max_size=30))
def test_words_are_their_own_words(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(words)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_what_counts_as_a_word_can_be_compared(text: str) -> None:
    assert has_words(text, 1) == bool(words_of(text))


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii"), max_size=30))
def test_what_is_plain_ascii_has_the_words_that_it_has_among_others(text: str) -> None:
    assert [*words_of(text), "é"] == words_of(f"{text} é")
