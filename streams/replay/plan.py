"""What a replay would cost, before anybody pays: pure."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from streams.analysis.prices import price, worst_case
from streams.events.ledger import Usage
from streams.events.prompts import Prompt
from streams.replay.selection import Selection


@dataclass(frozen=True)
class Plan:
    """A replay in numbers: videos, how many the candidate has analysed already, tokens, US dollars, days."""

    videos: int
    already: int
    prompt_tokens: int
    answer_tokens: int
    expected_usd: Decimal
    worst_usd: Decimal
    days: int | None


def plan(selection: Selection, prompt: Prompt, cap_usd: Decimal, share: Decimal) -> Plan:
    """The plan for the videos of `selection` that are not done under `prompt`.

    Expected: each transcript's tokens as once billed (or by its words), an answer of the usual length. Worst: every
    first attempt at its claim's full reservation. `days`: at `share` of the daily cap; None where that is nothing.
    Raises UnknownPriceError.
    """
    to_do = selection.to_do
    answer = min(selection.answer_tokens, prompt.max_tokens)
    expected = sum(
        (price(prompt.model, Usage(input_tokens=c.prompt_tokens, output_tokens=answer)) for c in to_do),
        Decimal(0),
    )
    daily = cap_usd * share
    return Plan(
        videos=len(selection.chosen),
        already=len(selection.chosen) - len(to_do),
        prompt_tokens=sum(chosen.prompt_tokens for chosen in to_do),
        answer_tokens=answer * len(to_do),
        expected_usd=expected,
        worst_usd=sum(
            (worst_case(prompt.model, c.prompt_tokens, prompt.max_tokens) for c in to_do), Decimal(0)
        ),
        days=int((expected / daily).to_integral_value(ROUND_CEILING)) if daily else None,
    )
