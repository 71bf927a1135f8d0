"""The analyst's state at its start: as it was kept beside the log, or blank, to be folded from the first record."""

import logging
from collections.abc import Callable

import msgspec

from streams.analysis.state import AnalystState
from streams.log.checkpoint import trusted
from streams.log.fetch import Fetcher
from streams.log.follow import Ends
from streams.log.keeper import Keeper, Shelf, keeper, keeps_nothing
from streams.log.topics import ANALYSES, LEDGER

log = logging.getLogger(__name__)


async def take_up(
    blank: Callable[[], AnalystState], fetch: Fetcher, shelf: Shelf | None
) -> tuple[AnalystState, Keeper, Ends]:
    """The state as it was kept, or a blank one; who keeps it; and where to go on reading."""
    state = blank()
    if shelf is None:
        return state, keeps_nothing(), {}
    topics = (LEDGER, ANALYSES)
    settings = {
        "day_start_ms": str(state.ledger.day_start_ms),
        "probe_delays_s": f"{state.breaker.first_s} {state.breaker.longest_s}",
    }
    found = await trusted(shelf.path, settings, fetch, topics)
    if found is not None:
        try:
            state.thaw(found.parts)
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            log.warning("the checkpoint is not used: %r", error)
            state, found = blank(), None
    keeping = await keeper(shelf, settings, state.freeze, fetch, topics)
    if found is None:
        log.info("no checkpoint stands: the ledger and every answer are read from the first record")
        return state, keeping, {}
    keeping.begin_at(found)
    log.info("taken up from the checkpoint at offset %d of the ledger", found.position(LEDGER, 0))
    return state, keeping, found.positions
