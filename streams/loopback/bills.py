"""What the loopback Claude bills, by an arithmetic of its own."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from genai_prices import extract_usage


def list_price(message: Mapping[str, Any]) -> Decimal:
    """US dollars for a message at its model's list price. Raises LookupError where there is none."""
    return extract_usage(message, provider_id="anthropic").calc_price().total_price


def bill(made: Mapping[str, Any], sent: Mapping[str, Any]) -> Decimal:
    """The price of the message that was made, as the model and in the place that the one that is sent names."""
    usage = sent["usage"]
    geo = usage.get("inference_geo") if isinstance(usage, dict) else None
    return list_price({**made, "model": sent["model"] or made["model"]}) * (
        Decimal("1.1") if geo == "us" else 1
    )
