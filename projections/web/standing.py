"""Whether there is a read model to look at."""

from enum import Enum
from pathlib import Path

from projections import model
from projections.snapshots import LINK


class Standing(Enum):
    """`MADE`: it is being made anew beside the one that is shown; `FIRST`: there is none yet, and one is being made."""

    NONE = "none"
    FIRST = "first"
    MADE = "made"
    THERE = "there"


def standing(home: Path) -> Standing:
    """How the read model in `home` stands."""
    is_made = (model.folder(home) / model.REBUILT).exists()
    if (home / LINK).exists():
        return Standing.MADE if is_made else Standing.THERE
    return Standing.FIRST if is_made else Standing.NONE
