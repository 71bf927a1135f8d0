"""A call's fields in words: the same where the call stands and where it is said how it changed."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from projections.web.shown import clock
from streams.events import meanings

_NAMES = {
    "said_as": "said as",
    "time_horizon": "horizon",
    "start_ms": "start",
    "end_ms": "end",
    "listed": "in the operator's list",
}


def field_name(field: str) -> str:
    """A field's name as a reader knows it."""
    return _NAMES.get(field, field)


def worded(field: str, value: Any) -> str:
    """The value of a field of a mention or of an outlook; "none" for what there is none of."""
    if value is None or value in ([], ""):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if (words := _WORDED.get(field)) is not None:
        return words(value)
    return "; ".join(value) if isinstance(value, list) else str(value)


def level(said: Mapping[str, Any]) -> str:
    """A level with the words it stands in: `entry 120 to 125 USD, “one twenty to one twenty five”`."""
    amounts = " to ".join(_amount(said[name]) for name in ("value", "value_to") if said[name] is not None)
    return f"{said['kind']} {amounts} {said['unit']}, “{said['words']}”"


def dropped(said: Mapping[str, str]) -> str:
    """What does not count of an answer, and why."""
    return f"{said['part']} “{said['words']}”: {meanings.DROPS.get(said['reason'], said['reason'])}"


GLOSSARY: Sequence[tuple[str, Mapping[Any, str]]] = (
    ("action", meanings.ACTIONS),
    ("horizon", meanings.HORIZONS),
    ("speaker", meanings.SPEAKERS),
    ("position", {value.replace("_", " "): meaning for value, meaning in meanings.POSITIONS.items()}),
    ("quote", meanings.MATCHES),
    ("level", meanings.LEVEL_KINDS),
)
"""What the values beside a call mean, by name."""


def notes(call: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """What stands beside a call, each with its name; what it does not say is left out, and a sponsor's stands apart."""
    found = [
        ("if", call["condition"] or ""),
        *(("level", level(said)) for said in call["levels"] or ()),
        ("until", call["expires"] or ""),
        ("speaker", call["speaker"] if call["speaker"] not in {None, "unknown"} else ""),
        ("position", (call["position"] or "").replace("_", " ")),
        ("quote", call["match"] or ""),
        *(("left out", dropped(said)) for said in call["dropped"] or ()),
    ]
    return [(name, words) for name, words in found if words]


def _amount(value: Decimal) -> str:
    return f"{value.normalize():,f}"


_WORDED: Mapping[str, Callable[[Any], str]] = {
    "conviction": "{:.2f}".format,
    "start_ms": clock,
    "end_ms": clock,
    "levels": lambda said: "; ".join(map(level, said)),
    "dropped": lambda said: "; ".join(map(dropped, said)),
}
