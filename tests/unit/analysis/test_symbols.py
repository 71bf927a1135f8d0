"""One spelling for each symbol, and the list of those that are known."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.analysis.symbols import normalise, read_symbols
from streams.errors import EarmarkError


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ("PLTR", "PLTR"),
        (" pltr\n", "PLTR"),
        ("$pltr", "PLTR"),
        ("$ pltr", "PLTR"),
        ("$$brk b", "BRK.B"),
        ("brk/b", "BRK.B"),
        ("BRK.B", "BRK.B"),
        ("brk \t b", "BRK.B"),
        ("btc-usd", "BTC-USD"),
        ("0700.hk", "0700.HK"),
        ("TWELVELETTER", "TWELVELETTER"),
    ],
)
def test_a_symbol_has_one_spelling(said: str, spelled: str) -> None:
    assert normalise(said) == spelled


@pytest.mark.parametrize(
    "said",
    [
        "",
        "$",
        "   ",
        "THIRTEENCHARS",
        "S&P 500",
        "NASDAQ:AAPL",
        "Rheinmetall AG",
        "ÖMV",
        "^GSPC",
        "N/A/N/A/N/A/N",
    ],
)
def test_what_is_no_symbol_is_none(said: str) -> None:
    assert normalise(said) is None


@settings(deadline=None)
@given(st.text(max_size=14))
def test_a_spelling_is_its_own_spelling_and_case_does_not_matter(said: str) -> None:
    spelled = normalise(said)
    if spelled is not None:
        assert normalise(spelled) == spelled
        assert normalise(spelled.lower()) == spelled
        assert not {*spelled} & {*" $/\n"}


def test_a_list_is_the_first_word_of_each_line(tmp_path: Path) -> None:
    file = tmp_path / "symbols.txt"
    file.write_text(
        "# our list\npltr\n\n  $nvda  Nvidia, chips\nBRK/B Berkshire\n# TSLA\n  # AMD\nnot-a-symbol-at-all x\n"
    )
    assert read_symbols(file) == {"PLTR", "NVDA", "BRK.B"}


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_list_that_cannot_be_read_is_named_with_its_setting(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "symbols.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EarmarkError, match=r"EARMARK_SYMBOLS: .*symbols\.txt cannot be read"):
        read_symbols(file)
