"""English numbers as prices are said: "one twenty", "a buck fifty", "the low one-twenties"."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

from streams.errors import EarmarkError

_Value = TypeVar("_Value")


def _numbered(first: int, words: str, step: int = 1) -> dict[str, int]:
    return {word: first + step * at for at, word in enumerate(words.split())}


ONES = _numbered(1, "one two three four five six seven eight nine")
TEENS = _numbered(10, "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
TENS = _numbered(20, "twenty thirty forty fifty sixty seventy eighty ninety", step=10)
DECADES = {"teens": 10} | {word[:-1] + "ies": number for word, number in TENS.items()}
ZEROS = dict.fromkeys(("oh", "o", "zero"), 0)
SCALES = {"thousand": 10**3, "grand": 10**3, "k": 10**3, "million": 10**6, "billion": 10**9}
FRACTIONS = {"half": Decimal("0.5"), "quarter": Decimal("0.25")}
MONEY = dict.fromkeys(("dollar", "dollars", "buck", "bucks", "euro", "euros"), True)
CENT = Decimal("0.01")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PLAIN = re.compile(r"\d+(?:[.,]\d+)?")


class UnreadNumberError(EarmarkError):
    """Words in which no single number can be read."""


class Range(NamedTuple):
    """From `low` to `high`; equal where the words name one number."""

    low: Decimal
    high: Decimal


class _Group(NamedTuple):
    """What is said of a number without a pause. `span`: how far apart the numbers are that a decade's name covers, else 0.

    `is_pair`: two digits, as those behind a pause are said.
    """

    value: Decimal
    is_pair: bool = False
    span: int = 0
    is_written: bool = False


class Reader:
    """Reads numbers off `tokens`, words in lower case, from `at` on."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def is_done(self) -> bool:
        """Whether every token was passed."""
        return self.at >= len(self.tokens)

    def take(self, *words: str) -> bool:
        """Pass over `words` if they are the next ones."""
        if tuple(self.tokens[self.at : self.at + len(words)]) != words:
            return False
        self.at += len(words)
        return True

    def take_one(self, table: Mapping[str, _Value]) -> _Value | None:
        """Pass over the next word if it stands in `table`, and return what it means there."""
        if self.is_done or self.tokens[self.at] not in table:
            return None
        self.at += 1
        return table[self.tokens[self.at - 1]]

    def number(self) -> tuple[Range, ...] | None:
        """What the number that begins here may mean, the likeliest first; None, and nothing passed, where none does.

        Raises UnreadNumberError where words for numbers follow each other as no number is said.
        """
        begun = self.at
        if self.take("half", "a"):
            return _exactly([FRACTIONS["half"]])
        groups = []
        while (group := self._group()) is not None:
            groups.append(group)
        extra = self._decimals() or (self._fraction() if groups else None)
        if extra is not None:
            return self._scaled([_whole(groups) + extra])
        if not groups:
            self.at = begun
            return None
        if len(groups) == 1 and (money := self._money(groups[0].value)) is not None:
            return _exactly([money])
        if any(group.span for group in groups):
            return _decade(groups)
        return self._scaled(_together(groups, self.tokens[begun : self.at]))

    def _money(self, number: Decimal) -> Decimal | None:
        """What `number` is as cents, or as dollars and the cents behind; None where it is neither."""
        if self.take("cent") or self.take("cents"):
            return number * CENT
        return number + self._cents() if self.take_one(MONEY) else None

    def _scaled(self, values: Iterable[Decimal]) -> tuple[Range, ...]:
        """`values`, by a thousand or more where the next word says so: "two and a half thousand"."""
        scale = self.take_one(SCALES) or 1
        return _exactly([value * scale for value in values])

    def _cents(self) -> Decimal:
        """The cents behind dollars: "a buck fifty", "twelve dollars and fifty cents"; 0 where there are none."""
        begun = self.at
        self.take("and")
        cents = self._small()
        if cents is None or not cents.is_pair or self.take("percent") or self.take("%"):
            self.at = begun
            return Decimal(0)
        self.take("cents")
        return cents.value * CENT

    def _fraction(self) -> Decimal | None:
        begun = self.at
        if self.take("and", "three", "quarters"):
            return Decimal("0.75")
        found = self.take_one(FRACTIONS) if self.take("and", "a") else None
        self.at = self.at if found else begun
        return found

    def _decimals(self) -> Decimal | None:
        """What is said from "point" on: five, oh five, two five, twenty five."""
        begun = self.at
        if not self.take("point"):
            return None
        digits = ""
        while (digit := self.take_one(ZEROS | ONES)) is not None:
            digits += str(digit)
        if not digits and (pair := self._small()) is not None and pair.is_pair:
            digits = f"{pair.value}"
        if not digits:
            self.at = begun
            return None
        return Decimal(f"0.{digits}")

    def _group(self) -> _Group | None:
        if self._next_is("a"):
            if "".join(self.tokens[self.at + 1 : self.at + 2]) not in {"hundred", *SCALES, *MONEY}:
                return None
            self.at += 1
            return self._grown(_Group(Decimal(1)))
        small = self._small()
        return small if small is None or small.span else self._grown(small)

    def _grown(self, group: _Group) -> _Group:
        """The group that begins with `group`: two hundred [and] five; two thousand five hundred; 10 k."""
        if self.take("hundreds"):
            return _Group(group.value * 100, span=10)
        if self.take("hundred"):
            group = self._with_rest(group.value * 100, self._small)
        scale = None if group.span else self.take_one(SCALES)
        if scale is None:
            return group
        scaled = group.value * scale
        # Of millions nobody says the rest as one number.
        return _Group(scaled) if group.is_written or scale > 1000 else self._with_rest(scaled, self._group)

    def _with_rest(self, base: Decimal, read: Callable[[], _Group | None]) -> _Group:
        begun = self.at
        self.take("and")
        # Behind a pause: "two hundred oh five" are dollars and cents.
        rest = None if self._next_is(*ZEROS) else read()
        if rest is None or rest.is_written or rest.value >= 1000:
            self.at = begun
            return _Group(base)
        return _Group(base + rest.value, span=rest.span)

    def _small(self) -> _Group | None:
        """A number below a hundred in words, or one in digits."""
        if not self.is_done and self.tokens[self.at][0].isdecimal():
            self.at += 1
            return _written(self.tokens[self.at - 1])
        if (decade := self.take_one(DECADES)) is not None:
            return _Group(Decimal(decade), is_pair=True, span=1)
        if (tens := self.take_one(TENS)) is not None:
            return _Group(Decimal(tens + (self.take_one(ONES) or 0)), is_pair=True)
        if (teen := self.take_one(TEENS)) is not None:
            return _Group(Decimal(teen), is_pair=True)
        begun = self.at
        zero = self.take_one(ZEROS)
        one = self.take_one(ONES)
        if one is None:
            self.at = begun
            return None
        return _Group(Decimal(one), is_pair=zero is not None)

    def _next_is(self, *words: str) -> bool:
        return not self.is_done and self.tokens[self.at] in words


def _exactly(values: Iterable[Decimal]) -> tuple[Range, ...]:
    return tuple(Range(value, value) for value in values)


def _whole(groups: Sequence[_Group]) -> Decimal:
    """What a fraction is added to: the likelier of two meanings."""
    return _together(groups, ())[0] if groups else Decimal(0)


def _together(groups: Sequence[_Group], words: Sequence[str]) -> list[Decimal]:
    """What groups come to that were said one after another, the likeliest first: [1][25][50] is 125.50."""
    match groups:
        case [only]:
            return [only.value]
        case [first, second] if second.is_pair:
            cents = first.value + second.value * CENT
            return [first.value * 100 + second.value, cents] if first.value < 100 else [cents]
        case [first, second, third] if second.is_pair and third.is_pair and first.value < 100:
            return [first.value * 100 + second.value + third.value * CENT]
        case [_, _, *_] if len(groups) > 2 and all(
            group.value < 10 and not group.is_pair for group in groups
        ):
            return [Decimal("".join(f"{group.value}" for group in groups))]
    raise UnreadNumberError(f"these words are no number that is said so: {' '.join(words)}")


def _decade(groups: Sequence[_Group]) -> tuple[Range, ...]:
    """The one twenties: 120 to 129."""
    *before, last = groups
    if len(before) > 1 or any(group.span or group.value >= 100 for group in before):
        raise UnreadNumberError("these words name no decade")
    base = sum((group.value * 100 for group in before), Decimal(0))
    return (Range(base + last.value, base + last.value + last.span * 9),)


def _written(token: str) -> _Group:
    """A number in digits: 1,250.50; 12,50; 120s."""
    if token.endswith("s"):
        zeros = len(token) - 1 - len(token[:-1].rstrip("0"))
        if not zeros or not token[:-1].isdecimal():
            raise UnreadNumberError(f"{token} names no decade")
        return _Group(Decimal(token[:-1]), span=10 ** (zeros - 1), is_written=True)
    digits = token.rstrip(".,")
    if _GROUPED.fullmatch(digits):
        return _Group(Decimal(digits.replace(",", "")), is_written=True)
    if _PLAIN.fullmatch(digits):
        return _Group(Decimal(digits.replace(",", ".")), is_written=True)
    raise UnreadNumberError(f"{token} is no number")
