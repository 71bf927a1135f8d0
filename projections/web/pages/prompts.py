"""Prompts: which there are and which counts, and what sets two of them apart, in words, in calls and for subscribers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projections.activating import activation
from projections.web import forms
from projections.web.page import Asked, WrongFilterError
from projections.web.prompts_compared import compared
from projections.web.word_diff import Piece, word_diff

MOST = 200
AROUND = 40
"""Words that stay on each side of a change where the texts are the same for longer."""
AT_ONCE = 100_000
"""Mentions; where there are more, what an activation publishes is worked out for those who ask: it reads every word of both."""
_SETTINGS = {"model": "Model", "effort": "Effort", "max_tokens": "Max tokens", "schema_version": "Schema"}

_PROMPTS = """
SELECT
  p.name, p.prompt_id, p.model, p.effort, p.max_tokens, p.schema_version, p.happened_at AS registered_at,
  coalesce(a.analyses, 0) AS analyses, coalesce(a.usd, 0)::DECIMAL(18, 9) AS usd, a.last_at, strlen(p.words) AS bytes
FROM prompts p
LEFT JOIN (
  SELECT prompt_id, count(*) AS analyses, sum(usd) AS usd, max(happened_at) AS last_at FROM analyses GROUP BY prompt_id
) a USING (prompt_id)
ORDER BY p.happened_at, p.log_offset LIMIT $most
"""
_ACTIVATIONS = """
SELECT a.activation, coalesce(p.name, a.prompt_id) AS name, a.prompt_id, a.happened_at
FROM activations a LEFT JOIN prompts p USING (prompt_id)
ORDER BY a.activation DESC LIMIT $most
"""
# The marker of an activation stands in each partition of `analyses`, or the activation does not count there yet.
_MARKED = "SELECT count(DISTINCT log_partition) AS partitions FROM _markers WHERE activation = $activation"


@dataclass(frozen=True)
class Shown:
    """A piece of a diff; `left_out`: how many words are not shown between `text` and `end`; `blank`: what stands behind it."""

    kind: str
    text: str
    left_out: int = 0
    end: str = ""
    blank: str = ""


def show(asked: Asked) -> Mapping[str, Any]:
    """The prompts, their activations, and of two that are named what sets them apart. Raises WrongFilterError."""
    prompts = asked.once("prompts", lambda: asked.rows(_PROMPTS, most=MOST))
    activations = asked.rows(_ACTIVATIONS, most=MOST)
    active = activations[0] if activations else None
    names = [prompt["name"] for prompt in prompts]
    a, b = (_name(asked, side, names) for side in ("a", "b"))
    others = [name for name in names if active is None or name != active["name"]]
    return {
        "prompts": prompts,
        "activations": activations,
        "active": active,
        "marked": asked.rows(_MARKED, activation=active["activation"])[0]["partitions"] if active else 0,
        # Whoever comes here wants to see the newest beside the one that counts.
        "a": a or (active["name"] if active else ""),
        "b": b or (others[-1] if others else ""),
        "pair": _pair(asked, a, b, active) if a and b else None,
    }


def _name(asked: Asked, side: str, names: list[str]) -> str:
    name = forms.text(asked.query, side)
    if name and name not in names:
        there_are = f"choose one of {', '.join(names)}" if names else "none is registered"
        raise WrongFilterError(f"{side} is {name!r}, and no prompt of this name is registered: {there_are}")
    return name


def _pair(asked: Asked, a: str, b: str, active: dict[str, Any] | None) -> dict[str, Any]:
    rows = asked.rows("FROM prompts WHERE name IN ($a, $b) ORDER BY log_offset", a=a, b=b)
    before, after = (next(row for row in rows if row["name"] == name) for name in (a, b))
    is_active = active is not None and active["prompt_id"] == after["prompt_id"]
    [size] = asked.rows("SELECT count(*) AS mentions FROM all_mentions")
    is_asked = forms.choice(asked.query, "publishes", ("1",)) == "1"
    publishes = None
    if not is_active and (is_asked or size["mentions"] <= AT_ONCE):
        prompt_id = after["prompt_id"]
        publishes = asked.once(f"activation {prompt_id}", lambda: activation(asked.database, prompt_id))
    return {
        "settings": [
            {"title": title, "a": before[name], "b": after[name], "differs": before[name] != after[name]}
            for name, title in _SETTINGS.items()
        ],
        "words": shown(word_diff(before["words"], after["words"])),
        "same_words": before["words"] == after["words"],
        "compared": asked.once(
            f"compared {before['prompt_id']} {after['prompt_id']}", lambda: compared(asked, a, b)
        ),
        "b_is_active": is_active,
        "publishes": publishes,
    }


def shown(pieces: Sequence[Piece]) -> list[Shown]:
    """The pieces as they are shown: a long stretch that is the same loses its middle, and no sign begins a line."""
    return [_shown(piece, behind) for piece, behind in zip(pieces, (*pieces[1:], None), strict=True)]


def _shown(piece: Piece, behind: Piece | None) -> Shown:
    if piece.kind == "same":
        words = piece.text.split(" ")
        if len(words) <= 3 * AROUND:
            return Shown(piece.kind, piece.text)
        start, end = " ".join(words[:AROUND]), " ".join(words[-AROUND:])
        return Shown(piece.kind, start, len(words) - 2 * AROUND, end)
    text = piece.text.rstrip()
    # What takes the place of something stands beside it.
    is_replaced = piece.kind == "removed" and behind is not None and behind.kind == "added"
    return Shown(piece.kind, text, blank=" " if is_replaced else piece.text[len(text) :])
