"""Every value has a meaning, and nothing else has one."""

from typing import Any, get_args

import pytest

from streams.events import meanings
from streams.events.analyses import (
    Action,
    Direction,
    DropReason,
    Holding,
    LevelKind,
    Match,
    Rejection,
    Speaker,
    TimeHorizon,
    Unit,
)
from streams.events.captions import FailureClass
from streams.events.signals import Cause, Reason
from streams.events.videos import Origin


@pytest.mark.parametrize(
    ("meant", "values"),
    [
        (meanings.ACTIONS, Action),
        (meanings.HORIZONS, TimeHorizon),
        (meanings.DIRECTIONS, Direction),
        (meanings.LEVEL_KINDS, LevelKind),
        (meanings.UNITS, Unit),
        (meanings.SPEAKERS, Speaker),
        (meanings.POSITIONS, Holding),
        (meanings.MATCHES, Match),
        (meanings.REJECTIONS, Rejection),
        (meanings.DROPS, DropReason),
        (meanings.ORIGINS, Origin),
        (meanings.CAPTION_FAILURES, FailureClass),
        (meanings.CAUSES, Cause),
        (meanings.REASONS, Reason),
    ],
)
def test_every_value_has_a_meaning(meant: dict[str, str], values: Any) -> None:
    assert tuple(meant) == get_args(values)
    assert all(meant.values())
