"""US dollars for people."""

from decimal import Decimal

_LEAST = Decimal("0.0001")


def usd(amount: Decimal | float | str) -> str:
    """Two digits from a dollar up, four below; the exact amount is in csv, json and parquet. Raises InvalidOperation."""
    exact = Decimal(str(amount))
    if not exact.is_finite():
        return str(amount)
    if exact == 0 or abs(exact) >= 1:
        return f"{exact:.2f}"
    return f"{exact:.4f}" if abs(exact) >= _LEAST else f"{'<' if exact > 0 else '>-'}{_LEAST}"
