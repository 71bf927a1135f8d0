"""captions → analysis.ledger: a request for every transcript, under the prompt that is active when it is claimed."""

from collections.abc import Sequence

from streams.events.captions import CaptionsExtracted
from streams.events.event import Event, Lane, Position
from streams.events.ledger import AnalysisRequested, request_id
from streams.events.videos import Origin

_LANES: dict[Origin, Lane] = {"poll": "live", "backfill": "backfill", "asked": "backfill"}


async def request_analysis(event: Event, position: Position) -> Sequence[Event]:
    """Request the analysis of the captions at `position`; a redelivery gives the same request."""
    match event:
        case CaptionsExtracted():
            return [
                AnalysisRequested(
                    at=event.at,
                    request_id=request_id(event.captions_id, None, None),
                    video_id=event.video.video_id,
                    captions_id=event.captions_id,
                    captions_at=position,
                    lane=_LANES[event.video.origin],
                    prompt_id=None,
                    replay_id=None,
                )
            ]
        case _:
            return []
