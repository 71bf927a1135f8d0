"""What the columns say that hold what stands beside a call."""

from collections.abc import Mapping

from streams.events import meanings
from streams.events.meanings import listed

COLUMNS: Mapping[str, str] = {
    "match": f"how the quote stands in the transcript: {listed(meanings.MATCHES)}; null: rejected, or from before there was another way",
    "condition": meanings.CONDITION,
    "levels": "the numbers that the call names, as the words near the quote say them: "
    f"kind ({listed(meanings.LEVEL_KINDS)}), value or from value to value_to, unit ({listed(meanings.UNITS)}), words",
    "speaker": f"whose call it is: {listed(meanings.SPEAKERS)}",
    "position": f"whether they are in it: {listed(meanings.POSITIONS)}; null: the prompt does not ask",
    "paid": f"{meanings.PAID}; null: the prompt does not ask",
    "expires": meanings.EXPIRES,
    "dropped": "what the model gave beside the call and the transcript does not say near the quote: part, reason, words",
    "series": "first: no side was taken within thirty days before; repeat: the same side; reversal: the other one",
}
