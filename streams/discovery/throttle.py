"""Whether YouTube refuses us, since when, and when it may be asked again: a function of its answers, in any order.

- A refusal says nothing of who asked. From the first on, all of watch pauses; one asker probes when the pause allows, at
  growing intervals, and the first that gets what it asked for ends the pause.
- The same unknown sentence to three different askers, with none served in between, is a refusal, too: the client's fault
  and not theirs. Their tries are excused.
- One asker that is refused again although others were served since its last refusal pauses nobody: it waits alone.
"""

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from math import inf
from typing import NamedTuple

FIRST_PROBE, LAST_PROBE = timedelta(minutes=5), timedelta(hours=6)
JITTER = 0.2
SAME_SENTENCE = 3
# An asker that is refused alone is asked for again after the longest pause.
ALONE = LAST_PROBE
MEMORY = timedelta(days=1)


class Refusal(NamedTuple):
    """An answer that brought nothing. `unknown`: in a sentence that nobody knows. `attempt`: which of the asker's tries."""

    at: datetime
    asker: str
    attempt: tuple[int, int]
    sentence: str
    unknown: bool


Attempt = tuple[str, tuple[int, int]]
"""An asker and which of its tries."""


@dataclass(frozen=True)
class Pause:
    """YouTube refuses since `since`; the next probe may go at `until`. `client`: in one unknown sentence to everybody."""

    since: datetime
    until: datetime
    sentence: str
    client: bool


@dataclass(frozen=True)
class Verdict:
    """`excused`: tries that say nothing of their video. `alone`: who is refused while others are served."""

    pause: Pause | None = None
    excused: frozenset[Attempt] = frozenset()
    alone: frozenset[str] = frozenset()


@dataclass
class Throttle:
    """YouTube's answers so far. A repeated answer changes nothing."""

    _refusals: set[Refusal] = field(default_factory=set)
    # Seconds since 1970: one for every video that was ever taken.
    _served: "array[float]" = field(default_factory=lambda: array("d"))
    _verdict: Verdict | None = None

    def refused(self, refusal: Refusal) -> None:
        """Somebody got nothing."""
        self._refusals.add(refusal)
        self._verdict = None

    def served(self, at: datetime) -> None:
        """Somebody got what it asked for."""
        self._served.append(at.timestamp())
        self._verdict = None

    def forget(self, before: datetime) -> None:
        """Drop the refusals that are too old to matter, and what was served before those that are left: it parts none.

        Only where answers come in the order of their times.
        """
        self._refusals = {refusal for refusal in self._refusals if refusal.at >= before}
        first = min((refusal.at.timestamp() for refusal in self._refusals), default=inf)
        self._served = array("d", (at for at in self._served if at >= first))

    def verdict(self) -> Verdict:
        """What all answers so far come to."""
        if self._verdict is None:
            self._served = array("d", sorted(self._served))
            self._verdict = judge(sorted(self._refusals), self._served)
        return self._verdict


def judge(refusals: Sequence[Refusal], served: Sequence[float]) -> Verdict:
    """What refusals and the times (seconds since 1970) of answers that brought something come to, both in order."""
    excused: set[Attempt] = set()
    alone: dict[str, bool] = {}
    refused_at: dict[str, datetime] = {}
    pause: Pause | None = None
    for row, answers in groupby(refusals, lambda refusal: bisect_right(served, refusal.at.timestamp())):
        counted = list(_counted(list(answers), excused))
        askers = {refusal.asker for refusal in counted}
        first = counted[0] if counted else None
        is_alone = (
            first is not None
            and len(askers) == 1
            and first.at - refused_at.get(first.asker, _NEVER) <= MEMORY
        )
        alone.update(dict.fromkeys(askers, is_alone))
        refused_at.update((refusal.asker, refusal.at) for refusal in counted)
        pause = _pause(counted) if counted and not is_alone and row == len(served) else None
    return Verdict(
        pause, frozenset(excused), frozenset(asker for asker, is_alone in alone.items() if is_alone)
    )


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _counted(answers: Sequence[Refusal], excused: set[Attempt]) -> Iterator[Refusal]:
    """The refusals in a row without anybody served: those that say so, and from the third on those that all say the same."""
    said: dict[str, list[Refusal]] = {}
    for answer in answers:
        if not answer.unknown:
            yield answer
            continue
        same = said.setdefault(_fixed(answer.sentence), [])
        same.append(answer)
        if len({refusal.asker for refusal in same}) >= SAME_SENTENCE:
            excused.update((refusal.asker, refusal.attempt) for refusal in same)
            yield answer


def _pause(counted: Sequence[Refusal]) -> Pause:
    step, until = 0, _NEVER
    for refusal in counted:
        if refusal.at >= until:  # else it was under way already
            until = refusal.at + _interval(step, refusal)
            step += 1
    last = counted[-1]
    return Pause(counted[0].at, until, last.sentence, last.unknown)


def fraction(asker: str, at: datetime) -> float:
    """A number from 0 to 1 for jitter, from who asks and when: every process comes to the same one, and a restart, too."""
    digest = blake2b(f"{asker} {at.isoformat()}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32


def _interval(step: int, refusal: Refusal) -> timedelta:
    jitter = 1 + JITTER * fraction(refusal.asker, refusal.at)
    return timedelta(seconds=jitter * min(FIRST_PROBE * 2.0 ** min(step, 16), LAST_PROBE).total_seconds())


def _fixed(sentence: str) -> str:
    """A sentence without what differs from video to video: numbers, ids and what stands in quotes."""
    return " ".join(_VARIES.sub("…", sentence.lower()).split())[:200]


_VARIES = re.compile(r"\"[^\"]*\"|'[^']*'|\b[\w-]*\d[\w-]*\b")
