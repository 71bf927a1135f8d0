"""Whether Claude answers at all: a fold of the ledger's settlements, in their order, so every analyst sees the same.

- A call without an answer says nothing of its video while nobody else is answered either. From OPENS_AFTER such calls in a
  row on, of two analyses at least, the breaker is open: one call probes when its pause ends, each pause twice as long, and
  the first answer closes it. Where one analysis alone gets no answer, it alone waits, longer each time.
- Such a call uses no attempt of its request; what it may have cost stays charged. One that got no answer before, and gets
  none again although others were answered since, has failed by itself: that attempt counts.
"""

from dataclasses import dataclass, field
from uuid import UUID

OPENS_AFTER = 3
# So many times longer than the longest pause: each of its calls may cost a whole call, and it may be at fault itself.
ALONE = 24
JITTER = 0.2


@dataclass
class Breaker:
    """`first_s` and `longest_s`: the pauses, in seconds.

    `until_ms`: when the next probe may go (ms since 1970), 0 where the breaker is closed; `since_ms`: since when it is open.
    """

    first_s: float = 30.0
    longest_s: float = 900.0
    since_ms: int = 0
    until_ms: int = 0
    _row: list[UUID] = field(default_factory=list)
    _pauses: int = 0
    _suspects: set[UUID] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether calls go one at a time."""
        return self.until_ms > 0

    def counts(self, analysis_id: UUID) -> bool:
        """Whether a call on this analysis that gets no answer now is its own failure."""
        return analysis_id in self._suspects and not self._row

    def retry_s(self, analysis_id: UUID) -> float:
        """After how many seconds an analysis that gets no answer now is asked for again, as far as it goes by itself."""
        if any(other != analysis_id for other in self._row):
            return self.first_s
        return min(self.first_s * 2.0 ** min(len(self._row), 20), self.longest_s * ALONE)

    def unanswered(self, analysis_id: UUID, at_ms: int) -> None:
        """A call got no answer, by its settlement at a time (ms since 1970)."""
        self._row.append(analysis_id)
        if len(self._row) < OPENS_AFTER or len(set(self._row)) == 1 or at_ms < self.until_ms:
            return  # the last: a call that was under way when the breaker opened
        if not self.is_open:
            self.since_ms = at_ms
        pause_s = min(self.first_s * 2 ** min(self._pauses, 20), self.longest_s)
        # From the analysis and the count, so that every analyst comes to the same.
        jitter = 1 + JITTER * ((analysis_id.int + self._pauses) % 1000) / 1000
        self.until_ms = at_ms + int(pause_s * jitter * 1000)
        self._pauses += 1

    def answered(self, analysis_id: UUID) -> None:
        """Claude answered, whatever the answer was."""
        self._suspects.update(self._row)
        self._suspects.discard(analysis_id)
        self._row.clear()
        self.since_ms = self.until_ms = self._pauses = 0

    def forget(self, analysis_id: UUID) -> None:
        """The analysis is done."""
        self._suspects.discard(analysis_id)
