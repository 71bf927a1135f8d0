"""prompts → analyses: an activation as a marker in every partition, so that each partition can be folded alone."""

from collections.abc import Sequence

from streams.events.event import Event, Position
from streams.events.prompts import PromptActivated
from streams.log.topics import ANALYSES


async def place_markers(event: Event, position: Position) -> Sequence[Event]:
    """The activation at `position` in `prompts` as a marker for each partition of `analyses`.

    A redelivery gives the same bytes: the number is the position's offset, the time the activation's.
    """
    match event:
        case PromptActivated():
            return [
                event.model_copy(update={"activation": position.offset, "partition": partition})
                for partition in range(ANALYSES.partitions)
            ]
        case _:
            return []
