"""What was published of a video: every switch of its analysis, and what it changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from projections.web.page import Asked
from projections.web.worded import field_name, worded
from streams.events import meanings

MOST = 5_000
"""Signals of a video that are looked at, the latest."""
# The address follows from the start.
_UNTOLD = frozenset({"url"})
_KINDS = {"Added": "added", "Changed": "changed", "Retracted": "retracted"}
_SIGNALS = """
SELECT
  type, subject_id, revision, cause, activation, happened_at, prompt, model, symbol, said_as, listed, action, conviction,
  time_horizon, quote, start_ms, end_ms, url, match, condition, levels, speaker, position, paid, expires, dropped,
  direction, reasoning, themes, risks, summary, changed, reason
FROM signals
WHERE video_id = $video
ORDER BY revision DESC, topic DESC, log_partition, log_offset
LIMIT $most
"""


class Changed(NamedTuple):
    """A field before and after; `was` None: the revision before it is not on record here."""

    name: str
    was: str | None
    now: str


@dataclass(frozen=True)
class Revision:
    """What was published of a mention or of the outlook. `kind`: added, changed or retracted; `why`: of a retraction."""

    kind: str
    is_outlook: bool
    signal: Mapping[str, Any]
    changes: Sequence[Changed]
    why: str


@dataclass
class Switch:
    """What one switch of the video's current analysis published."""

    revision: int
    cause: str
    meaning: str
    at: datetime
    prompt: str
    model: str
    revisions: list[Revision] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind, of those that there are."""
        kinds = [revision.kind for revision in self.revisions]
        return {kind: kinds.count(kind) for kind in _KINDS.values() if kind in kinds}


def switches(asked: Asked, video_id: str) -> tuple[list[Switch], bool]:
    """All switches of a video, the latest first; and whether earlier ones are left out."""
    signals = asked.rows(_SIGNALS, video=video_id, most=MOST + 1)
    return _grouped(signals[:MOST]), len(signals) > MOST


def _grouped(signals: Sequence[Mapping[str, Any]]) -> list[Switch]:
    before = _before(signals)
    found: dict[tuple[Any, ...], Switch] = {}
    for at, signal in enumerate(signals):
        key = tuple(signal[name] for name in ("revision", "cause", "activation", "happened_at"))
        switch = found.setdefault(
            key,
            Switch(
                signal["revision"],
                signal["cause"],
                meanings.CAUSES.get(signal["cause"], ""),
                signal["happened_at"],
                signal["prompt"],
                signal["model"],
            ),
        )
        kind = next(kind for suffix, kind in _KINDS.items() if signal["type"].endswith(suffix))
        is_outlook = signal["type"].startswith("Outlook")
        changes = [
            Changed(field_name(name), was, worded(name, signal[name]))
            for name in signal["changed"] or ()
            if name in signal and name not in _UNTOLD
            for was in [None if before[at] is None else worded(name, before[at][name])]
        ]
        why = "" if signal["reason"] is None else meanings.REASONS.get(signal["reason"], signal["reason"])
        switch.revisions.append(Revision(kind, is_outlook, signal, changes, why))
    return list(found.values())


def _before(signals: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Of each signal, the one before it of the same subject; they come with the latest first."""
    found: list[Any] = []
    waiting: dict[Any, int] = {}
    for at, signal in enumerate(signals):
        found.append(None)
        if (later := waiting.get(signal["subject_id"])) is not None:
            found[later] = signal
        waiting[signal["subject_id"]] = at
    return found
