"""What a replay would cost, before anybody pays: pure."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from streams.budget.prices import price, worst_case
from streams.events.ledger import Usage
from streams.events.prompts import Prompt
from streams.replay.selection import Selection


@dataclass(frozen=True)
class Plan:
    """A replay in numbers: videos, how many the candidate has analysed already, tokens, US dollars, days.

    `failed`: on how many it failed for good before; they are not analysed again. `first_usd`: what the first attempts at all of them reserve, at most. An attempt that fails is charged and made
    again, up to twice, after a cut answer with twice the room: only a replay's own limit bounds that.
    """

    videos: int
    already: int
    failed: int
    prompt_tokens: int
    answer_tokens: int
    expected_usd: Decimal
    first_usd: Decimal
    days: int | None


def plan(selection: Selection, prompt: Prompt, cap_usd: Decimal, share: Decimal) -> Plan:
    """The plan for the videos of `selection` that are to do under `prompt`.

    Expected: a prompt as long as selection reckons, an answer of the usual length, nothing off for caching. `days`: at
    `share` of the daily cap; None where that is nothing. Raises UnknownPriceError.
    """
    to_do = selection.to_do
    answer = min(selection.answer_tokens, prompt.max_tokens)

    def usual(tokens: int) -> Decimal:
        return price(prompt.model, Usage(input_tokens=tokens, output_tokens=answer))

    expected = _total(usual, (chosen.prompt_tokens for chosen in to_do))
    daily = cap_usd * share
    return Plan(
        videos=selection.videos,
        already=selection.done,
        failed=selection.failed,
        prompt_tokens=sum(chosen.prompt_tokens for chosen in to_do),
        answer_tokens=answer * len(to_do),
        expected_usd=expected,
        first_usd=_total(first_claim(prompt), (chosen.most_tokens for chosen in to_do)),
        days=int((expected / daily).to_integral_value(ROUND_CEILING)) if daily else None,
    )


def first_claim(prompt: Prompt) -> Callable[[int], Decimal]:
    """US dollars that the first attempt at a request of at most so many tokens reserves; more for more tokens.

    What is returned raises UnknownPriceError.
    """
    return lambda most_tokens: worst_case(prompt.model, most_tokens, prompt.max_tokens)


def _total(usd: Callable[[int], Decimal], tokens: Iterable[int]) -> Decimal:
    # A price is looked up in a tenth of a millisecond, and many videos have as many tokens.
    return sum((times * usd(each) for each, times in Counter(tokens).items()), Decimal(0))
