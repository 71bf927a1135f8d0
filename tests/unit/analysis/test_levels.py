"""Every way in which a price, a percentage or points are said: the number, the two it may be, or why it is none."""

from decimal import Decimal

import pytest

from streams.analysis.levels import heard
from streams.analysis.spoken_numbers import Range, UnreadNumberError

ONE_NUMBER = {
    # digits, as captions write them
    "120": "120",
    "$120": "120",
    "at 120.50": "120.50",
    "$1,250": "1250",
    "1,250.75 dollars": "1250.75",
    "12,50 euros": "12.50",
    "around 95, maybe": "95",
    "20%": "20",
    "20 percent": "20",
    "3.5 per cent": "3.5",
    "1.5 million": "1500000",
    "10k": "10000",
    "15 points": "15",
    # one number in words
    "seven": "7",
    "fifteen bucks": "15",
    "forty two": "42",
    "forty-two": "42",
    "a hundred": "100",
    "one hundred": "100",
    "a hundred and five": "105",
    "two hundred twenty": "220",
    "two hundred and twenty-five": "225",
    "fifteen hundred": "1500",
    "twenty one hundred": "2100",
    "a thousand": "1000",
    "two thousand five hundred": "2500",
    "three thousand and fifty": "3050",
    "forty grand": "40000",
    "two and a half thousand": "2500",
    "thirty-five per cent": "35",
    # fractions
    "twelve and a half": "12.5",
    "five and a quarter": "5.25",
    "nine and three quarters": "9.75",
    "half a percent": "0.5",
    "one point five": "1.5",
    "one point two five": "1.25",
    "one point oh five": "1.05",
    "four point twenty five": "4.25",
    "point five percent": "0.5",
    # dollars and cents
    "twelve dollars and fifty cents": "12.50",
    "twelve dollars fifty": "12.50",
    "a buck fifty": "1.50",
    "a dollar twenty": "1.20",
    "fifty cents": "0.50",
    "a hundred and five fifty": "105.50",
    "one twenty five fifty": "125.50",
    "one hundred twenty five fifty": "125.50",
    "two hundred oh five": "200.05",
    # digit by digit
    "one two five": "125",
    # words around it that are numbers of something else
    "buy that one at ninety": "90",
    "the 200 day line at 150": "150",
    "a 52-week low of 31": "31",
    "100 shares at 45": "45",
}
TWO_MEANINGS = {
    "one twenty": ("120", "1.20"),
    "one-twenty": ("120", "1.20"),
    "four fifty": ("450", "4.50"),
    "twelve fifty": ("1250", "12.50"),
    "thirty five fifty": ("3550", "35.50"),
    "one oh five": ("105", "1.05"),
    "two twenty five": ("225", "2.25"),
    "nineteen ten": ("1910", "19.10"),
}
RANGES = {
    "the low one-twenties": [("120", "123")],
    "low one twenties": [("120", "123")],
    "the mid-eighties": [("84", "86")],
    "high nineties": [("97", "99")],
    "the one twenties": [("120", "129")],
    "the twenties": [("20", "29")],
    "low to mid one-twenties": [("120", "126")],
    "a hundred and twenties": [("120", "129")],
    "mid teens": [("14", "16")],
    "the 120s": [("120", "129")],
    "low 200s": [("200", "230")],
    "between 120 and 125": [("120", "125")],
    "120 to 125": [("120", "125")],
    "110-115": [("110", "115")],
    "$110 \u2013 $115": [("110", "115")],
    "one twenty to one twenty five": [("120", "125"), ("1.20", "1.25")],
    "one twenty to twenty five": [("120", "125")],
    "between ninety and a hundred": [("90", "100")],
    "ten to fifteen percent": [("10", "15")],
    "high one-teens to low one-twenties": [("117", "123")],
}
NONE = {
    "with both hands": "no number",
    "": "no number",
    "one of them": "",
    "between ninety and the gap": "",
    "target 120, stop 90": "more than one number",
    "sell half at fifty and the rest at sixty": "more than one number",
    "twelve five": "no number that is said so",
    "one twenty thirty forty fifty": "no number that is said so",
    "125 to 120": "ends below its beginning",
    "123s": "names no decade",
    "1.2.3": "is no number",
    "20 percent or 5 dollars": "two units",
    "the 200 day line": "no number",
}


@pytest.mark.parametrize(("words", "number"), ONE_NUMBER.items())
def test_a_number_is_read(words: str, number: str) -> None:
    assert heard(words).readings == (Range(Decimal(number), Decimal(number)),)


@pytest.mark.parametrize(("words", "numbers"), TWO_MEANINGS.items())
def test_what_may_be_two_numbers_is_both(words: str, numbers: tuple[str, str]) -> None:
    assert heard(words).readings == tuple(Range(Decimal(number), Decimal(number)) for number in numbers)


@pytest.mark.parametrize(("words", "ranges"), RANGES.items())
def test_a_range_is_read(words: str, ranges: list[tuple[str, str]]) -> None:
    assert heard(words).readings == tuple(Range(Decimal(low), Decimal(high)) for low, high in ranges)


@pytest.mark.parametrize(("words", "why"), [(words, why) for words, why in NONE.items() if why])
def test_what_is_no_number_says_why(words: str, why: str) -> None:
    with pytest.raises(UnreadNumberError, match=why):
        heard(words)
