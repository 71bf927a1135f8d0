"""The one spelling that a symbol is published under."""

import re
import unicodedata

SYMBOL = re.compile(r"[A-Z0-9.&-]{1,20}")
"""The shape of a symbol that can be published; it only ever widens, or logs would lose their signals."""

# By an exchange's name, as Google and TradingView put it before a symbol, the suffix that Yahoo puts behind; none for
# the United States. TSE is missing: it is Toronto to one and Tokyo to the other.
_SUFFIXES = {
    prefix: suffix
    for suffix, prefixes in {
        "": "NASDAQ NYSE NYSEARCA NYSEAMERICAN NYSEMKT ARCA AMEX BATS CBOE OTC OTCMKTS OTCQB OTCQX PINK",
        "AS": "AMS",
        "AX": "ASX",
        "BO": "BSE BOM",
        "BR": "EBR",
        "CO": "CPH",
        "DE": "ETR XETR XETRA",
        "F": "FRA",
        "HE": "HEL",
        "HK": "HKG HKEX",
        "JO": "JSE",
        "KQ": "KOSDAQ",
        "KS": "KRX",
        "L": "LON LSE",
        "MC": "BME",
        "MI": "BIT",
        "MX": "BMV",
        "NS": "NSE",
        "OL": "OSL",
        "PA": "EPA",
        "SA": "BVMF BMFBOVESPA",
        "SI": "SGX",
        "SS": "SHA SSE",
        "ST": "STO",
        "SW": "SWX",
        "SZ": "SHE SZSE",
        "T": "TYO",
        "TA": "TLV TASE",
        "TO": "TSX",
        "TW": "TPE TWSE",
        "V": "TSXV CVE",
        "VI": "VIE",
    }.items()
    for prefix in prefixes.split()
}
_PREFIXED = re.compile(r"([A-Z ]+?)\s*:\s*(.+)")
_ABROAD = re.compile(rf"(.+)\.({'|'.join(sorted({*_SUFFIXES.values()} - {''}))})")
_CLASS = re.compile(r"([A-Z0-9&]{1,6})(?:\s*[./-]\s*|\s+)([A-Z])")
_PAIR = re.compile(r"([A-Z0-9]{2,})\s*/\s*([A-Z]{3,4})")


def normalise(symbol: str) -> str | None:
    """A symbol as the record spells it, or None where it is none; a spelling is its own spelling.

    - `$`, outer blanks and an exchange of the United States go: "$pltr", "NASDAQ: PLTR" → "PLTR".
    - Another exchange becomes its suffix: "TSX:SHOP" → "SHOP.TO", "HKG:700" → "0700.HK". An unknown one makes it None.
    - A class of shares stands behind a dot: "BRK B", "BRK-B", "BRK/B" → "BRK.B"; before a suffix, behind a dash:
      "VOLV-B.ST".
    - A pair is parted by a dash: "BTC/USD" → "BTC-USD".
    """
    code = _bare(unicodedata.normalize("NFKC", symbol).upper())
    suffix = ""
    if prefixed := _PREFIXED.fullmatch(code):
        exchange = prefixed[1].replace(" ", "")
        if exchange not in _SUFFIXES:
            return None
        code, suffix = _bare(prefixed[2]), _SUFFIXES[exchange]
    if (abroad := _ABROAD.fullmatch(code)) and suffix in {"", abroad[2]}:
        code, suffix = abroad[1], abroad[2]
    spelled = _abroad(code, suffix) if suffix else _at_home(code)
    return spelled if spelled[:1].isalnum() and SYMBOL.fullmatch(spelled) else None


def _bare(code: str) -> str:
    return code.strip(" \t\r\n$").rstrip(".")


def _at_home(code: str) -> str:
    # "Not available" would be class A of N.
    return "" if code == "N/A" else _whole(_PAIR, "-", _whole(_CLASS, ".", code))


def _abroad(code: str, suffix: str) -> str:
    code = _whole(_CLASS, "-", code)
    if suffix == "HK" and code.isdecimal():
        # Four digits, where the exchange writes five and people three.
        code = code.lstrip("0").zfill(4)
    # With a dot more it would name two exchanges.
    return "" if "." in code else f"{code}.{suffix}"


def _whole(form: re.Pattern[str], sign: str, code: str) -> str:
    parts = form.fullmatch(code)
    return f"{parts[1]}{sign}{parts[2]}" if parts else code
