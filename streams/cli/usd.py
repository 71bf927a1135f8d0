"""US dollars as an option takes them."""

from decimal import Decimal, InvalidOperation
from typing import Any

import click


class Usd(click.ParamType):
    """US dollars on the command line."""

    name = "usd"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """A Decimal of 0 or more with at most nine places."""
        try:
            usd = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no amount of US dollars: write it like 2.50", param, ctx)
        if not usd.is_finite() or usd < 0 or usd != round(usd, 9):
            self.fail(f"{value!r}: an amount of US dollars is 0 or more, to the billionth", param, ctx)
        return usd
