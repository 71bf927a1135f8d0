"""From analyses to signals: what the current analysis of a video says anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from streams.events.analyses import AnalysisCompleted
from streams.events.event import Event, Position
from streams.events.prompts import PromptActivated
from streams.log.fold import Fetcher, Record
from streams.log.topics import ANALYSES
from streams.signals.current import Partition, Switch, activated, completed, evolve
from streams.signals.diff import signals


@dataclass(slots=True)
class _Folded:
    """A partition folded up to `end`, the offset after the last record, and what that last record switched."""

    partition: Partition = field(default_factory=Partition)
    end: int = 0
    switches: Sequence[Switch] = ()


class PublishSignals:
    """Tells, for each event of `analyses`, which signals it adds, changes or retracts.

    It keeps a fold of each partition it is given and never folds beyond the event it handles: the same event gives the
    same bytes whoever handles it, and however often.
    """

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._folded: dict[int, _Folded] = {}

    async def publish_signals(self, event: Event, position: Position) -> Sequence[Event]:
        """The signals of the event at `position` in `analyses`; none for an event that switches nothing.

        Raises EarmarkError where the log lacks a record that the fold needs.
        """
        return [
            signal
            for switch in await self._switches(event, position)
            for signal in await self._signals(switch, event, position.partition)
        ]

    async def _switches(self, event: Event, position: Position) -> Sequence[Switch]:
        folded = self._folded.get(position.partition)
        if folded is not None and folded.end == position.offset + 1:
            return folded.switches  # the last event once more, as when its signals could not be sent
        if folded is None or folded.end > position.offset:
            folded = self._folded[position.partition] = _Folded()
        await self._catch_up(folded, position)
        partition, offset = folded.partition, position.offset
        match event:
            case AnalysisCompleted():
                switches = completed(
                    partition, offset, event.video.video_id, event.prompt_id, event.captions_revision
                )
            case PromptActivated(activation=int() as activation):
                switches = activated(partition, event.prompt_id, activation)
            case _:
                switches = []
        folded.end, folded.switches = offset + 1, switches
        return switches

    async def _catch_up(self, folded: _Folded, position: Position) -> None:
        """Fold what stands between the fold and the event: passed over, handled elsewhere, or before this process."""

        def take(record: Record) -> None:
            folded.switches = evolve(folded.partition, record)
            folded.end = record.offset + 1

        await self._fetcher.read(ANALYSES, position.partition, folded.end, position.offset, take)

    async def _signals(self, switch: Switch, event: Event, partition: int) -> Sequence[Event]:
        previous = None if switch.previous is None else await self._analysis(partition, switch.previous)
        if isinstance(event, AnalysisCompleted):
            return signals(previous, event, switch, event.at)
        return signals(previous, await self._analysis(partition, switch.current), switch, event.at)

    async def _analysis(self, partition: int, offset: int) -> AnalysisCompleted:
        record = await self._fetcher.fetch(ANALYSES, partition, offset)
        return cast("AnalysisCompleted", record.event())  # the fold counts no other type
