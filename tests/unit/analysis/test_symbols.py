"""The symbol that an answer means, by the operator's list and by companies' names."""

from pathlib import Path

import pytest

from streams.analysis.names import Listing, bundled, folded, names_of
from streams.analysis.symbols import Symbols, read_symbols
from streams.errors import EarmarkError

BUNDLED = bundled()


def listing(*named: tuple[str, str]) -> Listing:
    return Listing(frozenset(symbol for symbol, _ in named), names_of(named))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("NVIDIA Corporation", "nvidia"),
        ("nvidia", "nvidia"),
        ("Rheinmetall AG", "rheinmetall"),
        ("Arthur J. Gallagher & Co.", "arthur j gallagher"),
        ("L'Oréal S.A.", "loréal"),
        ("KSB SE & Co. KGaA", "ksb"),
        ("AT&T Inc.", "at and t"),
        ("Johnson & Johnson", "johnson and johnson"),
        ("Puma (brand)", "puma"),
        ("Co", "co"),
        ("Volkswagen Group", "volkswagen group"),
        ("रिलायंस", "रिलायंस"),
        ("—", ""),
    ],
)
def test_a_name_is_compared_without_case_punctuation_and_form_of_company(name: str, key: str) -> None:
    assert folded(name) == key


@pytest.mark.parametrize(
    ("said", "symbol"),
    [
        ("Nvidia", "NVDA"),
        ("NVIDIA Corp.", "NVDA"),
        ("APPLE", "AAPL"),
        ("Berkshire Hathaway", "BRK.B"),
        ("AT&T", "T"),
        ("Rheinmetall AG", "RHM.DE"),
        ("Toyota", "7203.T"),
        ("T", "T"),
        ("ON", "ON"),
        ("NASDAQ:AAPL", "AAPL"),
        # In no list and no name: published as it is spelled.
        ("ZZZZ", "ZZZZ"),
        ("the palantir company", None),
        ("FOO:BAR", None),
        ("Nvidea", "NVIDEA"),
        ("?", None),
    ],
)
def test_a_known_symbol_goes_before_a_name_and_a_name_before_an_unknown_symbol(
    said: str, symbol: str | None
) -> None:
    assert Symbols(bundled=BUNDLED).symbol_of(said) == symbol


@pytest.mark.parametrize(
    ("said", "symbol"),
    [
        ("Nvidia", "NVD.DE"),
        ("APPLE", "APPLE"),
        ("Rocket Lab", "RKLB"),
        ("rocket lab corp", "RKLB"),
        ("Fox Corp", None),
        ("Johnson & Johnson", "JNJ"),
    ],
)
def test_the_operators_list_goes_before_the_bundled_one(said: str, symbol: str | None) -> None:
    own = listing(
        ("NVD.DE", "Nvidia"), ("APPLE", ""), ("RKLB", "Rocket Lab"), ("FOX", "Fox Corp"), ("FOXA", "Fox Corp")
    )
    assert Symbols(own, BUNDLED).symbol_of(said) == symbol


def test_a_name_with_two_symbols_is_not_found() -> None:
    two = listing(("GOOG", "Alphabet Inc. (Class C)"), ("GOOGL", "Alphabet Inc. (Class A)"), ("ON", "onsemi"))
    assert two.names == {"alphabet": None, "onsemi": "ON"}
    assert Symbols(bundled=two).symbol_of("Alphabet, Inc.") is None
    assert Symbols(bundled=two).symbol_of("alphabet") == "ALPHABET"
    assert names_of([("ON", "onsemi"), ("ON", "Onsemi")]) == {"onsemi": "ON"}


def test_a_name_with_two_symbols_in_the_operators_list_is_not_looked_up_in_another() -> None:
    own = listing(("A", "The Thing Ltd"), ("B", "The Thing Ltd"))
    assert Symbols(own, listing(("C", "The Thing Ltd"))).symbol_of("The Thing Ltd") is None


def test_listed_means_the_operators_list() -> None:
    assert Symbols(bundled=BUNDLED).is_listed("AAPL") is None
    assert Symbols(Listing(), BUNDLED).is_listed("AAPL") is False
    assert Symbols(listing(("AAPL", "")), BUNDLED).is_listed("AAPL") is True


def test_the_bundled_list_has_symbols_in_the_records_spelling_and_none_without_its_exchange() -> None:
    assert {"AAPL", "BRK.B", "7203.T", "MC.PA", "VOLV-B.ST"} <= BUNDLED.symbols
    assert "1U1" not in BUNDLED.symbols
    assert BUNDLED.names["1 and 1"] == "1U1.DE"


def test_a_list_has_a_symbol_and_perhaps_a_name_on_each_line(tmp_path: Path) -> None:
    file = tmp_path / "symbols.txt"
    file.write_text(
        "\ufeff# our list\npltr\n\n  $nvda  Nvidia, chips\nBRK/B\tBerkshire Hathaway\nNSE:M&M,Mahindra  # cars\n"
        "# TSLA\n  # AMD\nRKLB, Rocket Lab\n",
        encoding="utf-8",
    )
    assert read_symbols(file) == listing(
        ("PLTR", ""),
        ("NVDA", "Nvidia chips"),
        ("BRK.B", "Berkshire Hathaway"),
        ("M&M.NS", "Mahindra"),
        ("RKLB", "Rocket Lab"),
    )


@pytest.mark.parametrize("line", ["^GSPC the index", "FOO:BAR", "ÖMV Öl", ",Apple"])
def test_a_line_that_cannot_be_read_is_named_and_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "symbols.txt"
    file.write_text(f"PLTR\n# a comment\n{line}\n", encoding="utf-8")
    with pytest.raises(EarmarkError) as refused:
        read_symbols(file)
    assert f"EARMARK_SYMBOLS: {file}, line 3: {line!r} " in str(refused.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_list_that_cannot_be_read_is_named_with_its_setting(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "symbols.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EarmarkError, match=r"EARMARK_SYMBOLS: .*symbols\.txt cannot be read"):
        read_symbols(file)
