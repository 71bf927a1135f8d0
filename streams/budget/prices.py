"""What a call costs at list price, from `genai-prices`; what it does not know is never guessed."""

from decimal import ROUND_CEILING, Decimal

from streams.errors import RefusedError
from streams.events.ledger import Usage

NANO = Decimal("1e-9")
# Of every price, where the inference is kept in one place; `genai-prices` does not know it.
_GEOS: dict[str | None, Decimal] = {"us": Decimal("1.1")}


class UnknownPriceError(RefusedError):
    """A model without a list price: Earmark does not spend what it cannot count."""


def price(model: str, usage: Usage) -> Decimal:
    """US dollars for `usage` at list price, rounded up to the billionth. Raises UnknownPriceError."""
    from genai_prices import Usage as PricedUsage  # noqa: PLC0415  it brings an HTTP client
    from genai_prices import calc_price  # noqa: PLC0415  likewise

    # genai-prices counts the whole prompt as input and subtracts what was written to or read from the cache.
    priced = PricedUsage(
        input_tokens=usage.prompt_tokens,
        cache_write_tokens=usage.cache_creation_input_tokens,
        cache_read_tokens=usage.cache_read_input_tokens,
        output_tokens=usage.output_tokens,
    )
    try:
        cost = calc_price(priced, model, provider_id="anthropic")
    except LookupError as error:
        raise UnknownPriceError(
            f"no list price is known for model {model!r}: name another model in the prompt, or upgrade genai-prices"
        ) from error
    return cost.total_price.quantize(NANO, rounding=ROUND_CEILING)


def bill(asked: str, served: str | None, inference_geo: str | None, usage: Usage) -> Decimal:
    """US dollars that a response's `usage` costs: of the model asked for and the one that served it, the dearer.

    Raises UnknownPriceError.
    """
    dearer = max(price(asked, usage), price(served or asked, usage))
    return (dearer * _GEOS.get(inference_geo, 1)).quantize(NANO, rounding=ROUND_CEILING)


def worst_case(model: str, counted_tokens: int, max_tokens: int) -> Decimal:
    """US dollars that one call may cost at most: `counted_tokens` as the provider counted the prompt.

    The count is an estimate: 2 % and 500 tokens are added. The prompt may be read, written to the cache or neither;
    the dearest of them is taken.
    """
    tokens = counted_tokens + counted_tokens // 50 + 500
    return max(
        price(model, Usage(input_tokens=tokens, output_tokens=max_tokens)),
        price(model, Usage(input_tokens=0, cache_creation_input_tokens=tokens, output_tokens=max_tokens)),
    )
