"""What went wrong, told as a page: a sentence and what to do, never a path or a trace."""

import logging
from typing import NamedTuple

from projections.sql import SqlError
from projections.web.page import NothingThereError, WrongFilterError
from projections.web.reader import OtherVersionError, TooSlowError
from projections.web.standing import Standing

logger = logging.getLogger(__name__)


class Problem(NamedTuple):
    """What went wrong, in a sentence, and what to do; `again_s`: when the page looks again, 0: never."""

    status: int
    title: str
    what: str
    fix: str
    again_s: int = 0


NO_PAGE = Problem(404, "Not found", "there is no such page", "choose one above")
_FAILED = Problem(
    500, "This page failed", "the dashboard's log says why", "load it again, or choose another page"
)
_MADE_ANEW = Problem(
    503,
    "One moment",
    "the read model is being made from the log",
    "wait: this page looks again by itself",
    again_s=5,
)
_NONE_YET = Problem(
    503,
    "Nothing to show yet",
    "there is no read model",
    "type earmark up, which keeps one; EARMARK_HOME says where",
    again_s=5,
)
_OTHER_VERSION = Problem(
    503,
    "The read model is of another version",
    "this Earmark cannot read it",
    "type earmark rebuild; a running projector of this version does it by itself",
    again_s=5,
)
_REFUSED = Problem(
    503, "The read model cannot be asked", "the dashboard's log says why", "type earmark rebuild"
)


def problem_of(error: Exception, stands: Standing) -> Problem:
    """What to say of an error, where the read model stands so; what nobody expected is logged."""
    if isinstance(error, WrongFilterError):
        return Problem(
            400, "This filter is none", str(error), "change it in the address, or begin anew above"
        )
    if isinstance(error, NothingThereError):
        return Problem(404, "Not found", str(error), "look for it among the calls, or search for it")
    if isinstance(error, TooSlowError):
        return Problem(
            503,
            "This took too long",
            str(error),
            "narrow the filter: a channel, a symbol or a shorter window",
        )
    found = _FAILED
    if isinstance(error, SqlError | OtherVersionError):
        if stands in {Standing.FIRST, Standing.MADE}:
            return _MADE_ANEW
        if stands is Standing.NONE:
            return _NONE_YET
        found = _OTHER_VERSION if isinstance(error, OtherVersionError) else _REFUSED
    if found is not _OTHER_VERSION:
        logger.error("a page failed", exc_info=error)
    return found
