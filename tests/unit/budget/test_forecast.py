"""What videos will cost: rates that explain what was billed, and money that follows from them."""

from decimal import Decimal

import orjson
import pytest
from anthropic import transform_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.analysis.answer import Answer
from streams.budget.forecast import FRAME_BYTES, GUESS, Forecast, Rates, Sample, learn, transcript_bytes
from streams.budget.prices import UnknownPriceError, price
from streams.events.ledger import Usage
from streams.events.prompts import Prompt

PROMPT = Prompt(
    name="p", model="claude-haiku-5-5", max_tokens=4000, effort="low", words="w" * 2900, schema_version=1
)
SENT = len(PROMPT.words) + FRAME_BYTES


def sample(spoken: int, seconds: float, tokens: int, answer: int) -> Sample:
    return Sample(len(PROMPT.words), spoken, seconds, Usage(input_tokens=tokens, output_tokens=answer))


samples = st.lists(
    st.builds(
        sample,
        st.integers(1, 10**6),
        st.floats(1, 40_000),
        st.integers(1, 10**6),
        st.integers(0, 4000),
    ),
    min_size=1,
    max_size=9,
)


def test_without_an_analysis_it_is_a_guess() -> None:
    assert learn([]) == GUESS
    assert GUESS.analyses == 0


def test_rates_are_sums_over_sums() -> None:
    learnt = learn([sample(6000, 400, 4000, 1000), sample(14_000, 600, 4800, 500)])
    assert learnt == Rates(
        tokens_a_byte=8800 / (20_000 + 2 * SENT),
        bytes_a_second=20.0,
        seconds_a_video=500.0,
        output_tokens=750.0,
        analyses=2,
    )


def test_the_whole_prompt_counts_however_much_of_it_came_from_the_cache() -> None:
    cached = Sample(0, 1000, 1, Usage(input_tokens=10, output_tokens=1, cache_read_input_tokens=90))
    plain = Sample(0, 1000, 1, Usage(input_tokens=100, output_tokens=1))
    assert learn([cached]) == learn([plain])


def test_captions_without_times_leave_the_guess_of_how_fast_people_speak() -> None:
    learnt = learn([sample(6000, 0, 4000, 1000)])
    assert (learnt.bytes_a_second, learnt.seconds_a_video) == (GUESS.bytes_a_second, GUESS.seconds_a_video)


@settings(deadline=None)
@given(samples)
def test_a_forecast_of_what_was_learnt_from_is_what_was_billed(known: list[Sample]) -> None:
    """Over videos alike, the forecast of their total length is their bill at list price, to the rounding of tokens."""
    rates = learn(known)
    videos, seconds = len(known), sum(one.seconds for one in known)
    tokens = sum(one.usage.prompt_tokens for one in known) / videos
    answer = sum(one.usage.output_tokens for one in known) / videos
    low, high = (
        videos
        * price(
            PROMPT.model,
            Usage(input_tokens=max(0, round(tokens) + off), output_tokens=max(0, round(answer) + off)),
        )
        for off in (-1, 1)
    )
    assert low <= Forecast(PROMPT, rates).of_videos(videos, seconds) <= high
    assert low <= Forecast(PROMPT, rates).of_videos(videos) <= high


@settings(deadline=None)
@given(videos=st.integers(1, 5000), seconds=st.floats(1, 10**7))
def test_more_and_longer_videos_never_cost_less(videos: int, seconds: float) -> None:
    forecast = Forecast(PROMPT, GUESS)
    usd = forecast.of_videos(videos, seconds)
    assert usd <= forecast.of_videos(videos, seconds * 1.5)
    assert forecast.of_videos(videos) < forecast.of_videos(videos + 1)


def test_many_short_videos_are_not_priced_as_one_long_prompt() -> None:
    """Above 100,000 tokens a call the model costs five times as much; a thousand videos are no such call."""
    forecast = Forecast(PROMPT, GUESS)
    assert forecast.of_videos(1000, 1000 * 600.0) == 1000 * forecast.of_videos(1, 600.0)
    assert Decimal("1.0") < forecast.of_videos(1000, 1000 * 600.0) < Decimal("1.5")


def test_an_answer_is_never_longer_than_the_prompt_allows() -> None:
    short = PROMPT.model_copy(update={"max_tokens": 100})
    assert Forecast(short, GUESS).of_videos(1) < Forecast(PROMPT, GUESS).of_videos(1)


def test_no_video_costs_nothing_but_a_model_without_a_price_is_refused_all_the_same() -> None:
    assert Forecast(PROMPT, GUESS).of_videos(0, 0.0) == 0
    unheard = PROMPT.model_copy(update={"model": "claude-unheard-of"})
    with pytest.raises(UnknownPriceError, match="claude-unheard-of"):
        Forecast(unheard, GUESS).of_videos(0, 0.0)


def test_a_transcript_is_as_many_bytes_as_its_segments_and_what_parts_them() -> None:
    assert transcript_bytes(("täglich", "up")) == 8 + 1 + 2 + 1


def test_the_frame_is_about_as_long_as_what_goes_with_every_request() -> None:
    assert pytest.approx(len(orjson.dumps(transform_schema(Answer))), rel=0.2) == FRAME_BYTES
