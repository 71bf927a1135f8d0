"""Mentions in a model's words, for tests of what becomes of them."""

from typing import Any

from streams.analysis.answer import AnsweredMention


def said(
    quote: str, symbol: str = "PLTR", line: int = 1, conviction: float = 0.5, **beside: Any
) -> AnsweredMention:
    """A mention of `symbol` with this quote; `beside`: what the second schema asks for more."""
    return AnsweredMention(
        symbol=symbol,
        said_as=symbol.lower(),
        action="buy",
        conviction=conviction,
        time_horizon="days",
        quote=quote,
        line=line,
        **{
            "condition": None,
            "levels": (),
            "speaker": "unknown",
            "position": None,
            "paid": None,
            "expires": None,
            **beside,
        },
    )
