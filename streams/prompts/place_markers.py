"""An activation, told to every partition of `analyses`, so that each can be folded alone."""

from collections.abc import Sequence

from streams.events.event import Event, Position
from streams.events.prompts import PromptActivated
from streams.log.topics import ANALYSES


async def place_markers(event: Event, position: Position) -> Sequence[Event]:
    """The activation at `position` in `prompts` as a marker for each partition of `analyses`.

    Told again it gives the same bytes: the number is the position's, the time the activation's.
    """
    match event:
        case PromptActivated():
            return [
                event.model_copy(update={"activation": position.offset, "partition": partition})
                for partition in range(ANALYSES.partitions)
            ]
        case _:
            return []
