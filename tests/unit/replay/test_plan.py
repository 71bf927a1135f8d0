from decimal import Decimal
from uuid import UUID

import pytest

from streams.budget.prices import UnknownPriceError, price, worst_case
from streams.events.ledger import Usage
from streams.events.prompts import Prompt
from streams.replay.plan import first_claim, plan
from streams.replay.selection import Chosen, Selection

PROMPT = Prompt(
    name="p", model="claude-haiku-4-5", max_tokens=2000, effort="low", words="Listen.", schema_version=1
)


def to_do(*videos: tuple[int, int], answer_tokens: int, done: int = 0, failed: int = 0) -> Selection:
    """Videos of so many tokens, expected and at most, beside others on which nothing is to do."""
    chosen = tuple(
        Chosen(f"v{number}", UUID(int=number), 0, number, expected, at_most)
        for number, (expected, at_most) in enumerate(videos)
    )
    return Selection(len(videos) + done + failed, done, failed, chosen, answer_tokens)


def test_a_plan_is_of_what_is_to_do() -> None:
    """What the candidate has analysed, or failed on for good, costs nothing more; the rest as expected and as claimed."""
    videos = ((1000, 1100), (500, 600), (500, 1100))
    found = plan(to_do(*videos, answer_tokens=300, done=1, failed=2), PROMPT, Decimal(5), Decimal("0.5"))
    assert (found.videos, found.already, found.failed) == (6, 1, 2)
    assert (found.prompt_tokens, found.answer_tokens) == (2000, 900)
    assert found.expected_usd == sum(
        price(PROMPT.model, Usage(input_tokens=tokens, output_tokens=300)) for tokens in (1000, 500, 500)
    )
    assert found.first_usd == sum(worst_case(PROMPT.model, tokens, 2000) for tokens in (1100, 600, 1100))
    assert first_claim(PROMPT)(600) == worst_case(PROMPT.model, 600, 2000)


def test_an_answer_is_never_expected_to_be_longer_than_the_prompt_lets_it() -> None:
    assert plan(to_do((1, 1), answer_tokens=3000), PROMPT, Decimal(5), Decimal(1)).answer_tokens == 2000


@pytest.mark.parametrize(("cap", "days"), [("0", None), ("5", 1), ("0.01", 3)])
def test_days_are_whole_ones_at_the_replays_share_of_the_cap(cap: str, days: int | None) -> None:
    """10,000 tokens in and 1,000 out cost 1.5 cents; half of the cap is the replay's."""
    selection = to_do((10_000, 10_000), answer_tokens=1000)
    assert plan(selection, PROMPT, Decimal(cap), Decimal("0.5")).days == days


def test_a_model_without_a_price_has_no_plan() -> None:
    unpriced = PROMPT.model_copy(update={"model": "claude-nobody-knows"})
    with pytest.raises(UnknownPriceError):
        plan(to_do((1, 1), answer_tokens=1), unpriced, Decimal(5), Decimal(1))
