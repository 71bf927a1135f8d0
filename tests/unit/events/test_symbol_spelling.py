"""One spelling for each symbol."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events.symbols import SYMBOL, normalise


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ("PLTR", "PLTR"),
        (" pltr\n", "PLTR"),
        ("$pltr", "PLTR"),
        ("$ pltr", "PLTR"),
        ("\uff30\uff2c\uff34\uff32", "PLTR"),
        ("NVDA.", "NVDA"),
        ("TWENTY-LETTERS-LONG1", "TWENTY-LETTERS-LONG1"),
        ("NASDAQ:NVDA", "NVDA"),
        ("nasdaq: $nvda", "NVDA"),
        ("NYSE:BRK-B", "BRK.B"),
        ("NYSE ARCA:SPY", "SPY"),
        ("AMEX:GLD", "GLD"),
        ("NYSEARCA:GLD", "GLD"),
        ("OTC:TCEHY", "TCEHY"),
        ("NSE:TATAMOTORS", "TATAMOTORS.NS"),
        ("NSE:M&M", "M&M.NS"),
        ("m&m.ns", "M&M.NS"),
        ("BSE:500570", "500570.BO"),
        ("LSE:VOD", "VOD.L"),
        ("LON:BP.", "BP.L"),
        ("LON:BT.A", "BT-A.L"),
        ("TSX:SHOP", "SHOP.TO"),
        ("TSX:SHOP.TO", "SHOP.TO"),
        ("TSXV:NDA", "NDA.V"),
        ("TYO:7203", "7203.T"),
        ("HKG:0700", "0700.HK"),
        ("HKEX:09988", "9988.HK"),
        ("700.hk", "0700.HK"),
        ("ASX:BHP", "BHP.AX"),
        ("FRA:NVD", "NVD.F"),
        ("ETR:SAP", "SAP.DE"),
        ("XETR:SAP", "SAP.DE"),
        ("EPA:MC", "MC.PA"),
        ("STO:VOLV B", "VOLV-B.ST"),
        ("volv-b.st", "VOLV-B.ST"),
        ("KRX:005930", "005930.KS"),
        ("SHA:600519", "600519.SS"),
        ("SZSE:000858", "000858.SZ"),
        ("TWSE:2330", "2330.TW"),
        ("BMFBOVESPA:PETR4", "PETR4.SA"),
        ("$$brk b", "BRK.B"),
        ("brk \t b", "BRK.B"),
        ("brk/b", "BRK.B"),
        ("BRK-B", "BRK.B"),
        ("BRK.B", "BRK.B"),
        ("RDS.A", "RDS.A"),
        ("btc-usd", "BTC-USD"),
        ("BTC/USD", "BTC-USD"),
        ("eth / usdt", "ETH-USDT"),
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
        "...",
        "-",
        "N/A",
        "TWENTY-ONE-LETTERS-XX",
        "S&P 500",
        "Berkshire Hathaway",
        "Rheinmetall AG",
        "ÖMV",
        "^GSPC",
        "FOO:BAR",
        "TSE:7203",
        "NASDAQ:",
        "HKG:",
        "NYSE:NASDAQ:NVDA",
        "FRA:BMW.DE",
        "AIR.PA.DE",
    ],
)
def test_what_is_no_symbol_is_none(said: str) -> None:
    assert normalise(said) is None


def joined(*parts: list[str]) -> st.SearchStrategy[str]:
    return st.builds("".join, st.tuples(*(st.sampled_from(part) for part in parts)))


# Spellings as models give them, and any text at all.
spellings = st.one_of(
    joined(
        ["", "$", "NASDAQ:", "HKG:", "lon: ", "TSX:", "FOO:", "Hkg:$"],
        ["brk", "700", "0", "00700", "M&M", "A", "\uff21", "bt.a", "ß"],
        ["", ".", "-", "/", " ", " / ", ".."],
        ["", "b", "L", "USD", "NS", "HK", "to", "F"],
        ["", ".", ".L", ".HK", ".ST", " ", "-x"],
    ),
    st.text(max_size=22),
)


@settings(deadline=None)
@given(spellings)
def test_a_spelling_is_its_own_spelling_and_case_does_not_matter(said: str) -> None:
    spelled = normalise(said)
    assert normalise(said.upper()) == spelled
    if spelled is not None:
        assert normalise(spelled) == spelled
        assert normalise(spelled.lower()) == spelled
        assert SYMBOL.fullmatch(spelled)


@pytest.mark.parametrize("once", ["PLTR", "BRK-B", "0700.HK", "TWELVELETTER", "A.", "."])
def test_what_could_once_be_published_still_can(once: str) -> None:
    """Logs hold it, and a fold of them publishes it again."""
    assert SYMBOL.fullmatch(once)
