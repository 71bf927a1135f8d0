"""How soon one snapshot may follow another: a function of what the last ones took, wrote and keep."""

import math
from typing import NamedTuple

from projections.snapshots import RECENT, apart

WAIT_S = 0.2
# What snapshots may write in the long run; the checkpoints before them write about half as much again.
BYTES_A_SECOND = 12e9 / 3600
# So much time without writing may be made up for; of a large model, what its first copies take.
CREDIT_S = 1200.0
# Readers wait no longer than this for the sake of the disk, but where every snapshot is a whole copy of a large model.
PATIENCE_S = 0.7
COPIED_A_SECOND = 100e6


class Pace(NamedTuple):
    """When the next snapshot may begin, and until when all that was written is paid for, in seconds by one clock."""

    due: float = -math.inf
    paid: float = -math.inf

    def after(self, ended: float, seconds: float, written: int, size: int) -> "Pace":
        """The pace after a snapshot of `size` bytes that took `seconds`, and for which so many bytes were written.

        Publishing gets half of the time at most, and keeps no more snapshots than there is room for. It writes 12 GB an
        hour; where that would keep readers waiting, as under a load that changes many blocks, it writes more, but whole
        copies of a large model no more than 100 MB a second.
        """
        longest = ended + PATIENCE_S + written / COPIED_A_SECOND
        credit = max(CREDIT_S, (RECENT + 1) * size / BYTES_A_SECOND)
        paid = min(max(self.paid, ended - credit) + written / BYTES_A_SECOND, longest)
        return Pace(max(paid, ended + max(WAIT_S, seconds, apart(size))), paid)
