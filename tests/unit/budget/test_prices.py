"""List prices: exact, never guessed, and a worst case that no bill can exceed."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.budget.prices import NANO, UnknownPriceError, bill, price, worst_case
from streams.errors import RefusedError
from streams.events.ledger import Usage

HAIKU = "claude-haiku-5-5"
models = st.sampled_from([HAIKU, "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5"])
tokens = st.integers(0, 250_000)


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        (HAIKU, Usage(input_tokens=10_000, output_tokens=1500), "0.00175"),
        (HAIKU, Usage(input_tokens=100_000, output_tokens=0), "0.01"),
        (HAIKU, Usage(input_tokens=100_001, output_tokens=0), "0.0500005"),
        (HAIKU, Usage(input_tokens=0, output_tokens=0, cache_creation_input_tokens=1000), "0.000125"),
        (HAIKU, Usage(input_tokens=0, output_tokens=0, cache_read_input_tokens=1000), "0.00001"),
        ("claude-sonnet-5-5", Usage(input_tokens=10_000, output_tokens=1500), "0.035"),
        ("claude-opus-5-5", Usage(input_tokens=10_000, output_tokens=1500), "0.07"),
        ("claude-haiku-4-5", Usage(input_tokens=10_000, output_tokens=1500), "0.0175"),
    ],
)
def test_a_usage_costs_what_the_list_says(model: str, usage: Usage, usd: str) -> None:
    assert price(model, usage) == Decimal(usd)


def test_the_dearer_tier_counts_the_whole_prompt_cached_or_not() -> None:
    """A prompt past 100,000 tokens is dear in every part, also where most of it is read from the cache."""
    half_cached = Usage(input_tokens=50_001, output_tokens=0, cache_read_input_tokens=50_000)
    assert price(HAIKU, half_cached) == Decimal("0.0275005")


@pytest.mark.parametrize(
    ("asked", "served", "geo", "usd"),
    [
        (HAIKU, None, None, "0.00175"),
        (HAIKU, "claude-sonnet-5-5", None, "0.035"),
        ("claude-sonnet-5-5", HAIKU, None, "0.035"),
        (HAIKU, HAIKU, "us", "0.001925"),
        (HAIKU, HAIKU, "global", "0.00175"),
        (HAIKU, "claude-sonnet-5-5", "us", "0.0385"),
    ],
)
def test_a_response_is_billed_at_the_dearer_of_two_models_and_at_its_place(
    asked: str, served: str | None, geo: str | None, usd: str
) -> None:
    assert bill(asked, served, geo, Usage(input_tokens=10_000, output_tokens=1500)) == Decimal(usd)


@pytest.mark.parametrize("model", ["claude-unheard-of", "", "gpt-4o"])
def test_a_model_without_a_price_is_refused_by_name(model: str) -> None:
    """Also one of another provider: the name alone must not find a price elsewhere."""
    with pytest.raises(UnknownPriceError, match="no list price is known") as refused:
        price(model, Usage(input_tokens=1, output_tokens=1))
    assert repr(model) in str(refused.value)
    with pytest.raises(UnknownPriceError):
        worst_case(model, 1, 1)
    with pytest.raises(UnknownPriceError):
        bill(HAIKU, model or "-", None, Usage(input_tokens=1, output_tokens=1))
    assert issubclass(UnknownPriceError, RefusedError)
    assert UnknownPriceError.exit_code == 3


@settings(deadline=None)
@given(model=models, one=tokens, two=tokens, three=tokens, output=tokens)
def test_prices_fit_an_event_and_no_token_is_ever_free_of_charge_for_being_many(
    model: str, one: int, two: int, three: int, output: int
) -> None:
    usage = Usage(
        input_tokens=one,
        output_tokens=output,
        cache_creation_input_tokens=two,
        cache_read_input_tokens=three,
    )
    usd = price(model, usage)
    assert usd == usd.quantize(NANO)
    for name in Usage.model_fields:
        assert price(model, usage.model_copy(update={name: getattr(usage, name) + 1})) > usd


@settings(deadline=None)
@given(
    model=models,
    counted=tokens,
    max_tokens=st.integers(1, 64_000),
    excess=st.floats(0, 0.02),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
)
def test_no_bill_exceeds_the_worst_case(
    model: str, counted: int, max_tokens: int, excess: float, shares: tuple[float, float, float]
) -> None:
    """However the prompt is split over the cache, with the count 2 % and 500 tokens too low, and every answer."""
    prompt = int(counted * (1 + excess)) + 500
    created = int(prompt * shares[0])
    read = int((prompt - created) * shares[1])
    usage = Usage(
        input_tokens=prompt - created - read,
        output_tokens=int(max_tokens * shares[2]),
        cache_creation_input_tokens=created,
        cache_read_input_tokens=read,
    )
    assert price(model, usage) <= worst_case(model, counted, max_tokens)


@given(model=models, counted=tokens, more=tokens, max_tokens=st.integers(1, 64_000))
def test_more_tokens_never_reserve_less(model: str, counted: int, more: int, max_tokens: int) -> None:
    assert worst_case(model, counted, max_tokens) <= worst_case(model, counted + more, max_tokens)


def test_the_worst_case_reaches_into_the_dearer_tier_before_the_count_does() -> None:
    assert worst_case(HAIKU, 99_000, 1) > Decimal("0.06")
    assert worst_case(HAIKU, 97_000, 1) < Decimal("0.013")


def test_the_worst_case_is_the_count_and_two_percent_and_500_tokens_written_to_the_cache_and_the_longest_answer() -> (
    None
):
    assert worst_case(HAIKU, 10_000, 4000) == Decimal("0.0033375")
