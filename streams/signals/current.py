"""Which analysis of a video is the current one: a fold of one partition of `analyses`.

The current one is the analysis with the latest (activation of its prompt, captions revision) among those that exist;
analyses under a prompt that was never activated wait. What became current before an offset depends on the partition
up to that offset and on nothing else.

Records are decoded although their headers hold all that is kept: an unreadable record must not count here, because the
read model rejects it, and only decoding shows it. That takes 0.07 ms an analysis when a partition is folded again.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import Literal, NamedTuple

from streams.events.analyses import AnalysisCompleted
from streams.events.envelope import UndecodableError
from streams.events.event import Event
from streams.events.prompts import PromptActivated
from streams.events.record import Record

Kind = Literal["first", "correction", "activation"]
"""Why the current analysis switched: the video had none, its words were corrected, or another prompt counts."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A video has another current analysis.

    `previous` and `current` are offsets in the partition; `revision` is how often this video switched, this time
    included; `activation` is that of the current analysis's prompt.
    """

    video_id: str
    previous: int | None
    current: int
    revision: int
    kind: Kind
    activation: int


class _Analysis(NamedTuple):
    offset: int
    prompt: int
    captions_revision: int


# A video is kept as bytes: its switches, then its analyses, the current one first (if it ever switched).
_SWITCHES = Struct("<I")
_ANALYSIS = Struct("<QII")


@dataclass(slots=True)
class Partition:
    """What the fold knows of a partition. Prompts are numbered as they come, to keep a video small."""

    prompts: dict[str, int] = field(default_factory=dict)
    activations: dict[int, int] = field(default_factory=dict)
    videos: dict[str, bytes] = field(default_factory=dict)

    def number(self, prompt_id: str) -> int:
        """This fold's number of a prompt."""
        return self.prompts.setdefault(prompt_id, len(self.prompts))


def evolve(partition: Partition, record: Record) -> list[Switch]:
    """Take the next record of the partition in, and say what it switched: nothing, if it cannot be read."""
    try:
        event = record.event()
    except UndecodableError:
        return []
    return happened(partition, record.offset, event)


def happened(partition: Partition, offset: int, event: Event) -> list[Switch]:
    """Take the event that stands at `offset` in, and say what it switched."""
    match event:
        case AnalysisCompleted():
            return completed(
                partition, offset, event.video.video_id, event.prompt_id, event.captions_revision
            )
        case PromptActivated(activation=int() as activation):
            return activated(partition, event.prompt_id, activation)
        case _:
            return []


def completed(
    partition: Partition, offset: int, video_id: str, prompt_id: str, captions_revision: int
) -> list[Switch]:
    """An analysis stands at `offset`: at most one switch, and none if it stood at an earlier offset already."""
    prompt = partition.number(prompt_id)
    switches, analyses = _unpack(partition.videos.get(video_id, _SWITCHES.pack(0)))
    # Captions are the video's by revision, so (prompt, revision) says in eight bytes what was analysed. Where a repetition
    # has an answer beside that of the request it repeats, the first stands, as it does in the read model.
    if any((prompt, captions_revision) == analysis[1:] for analysis in analyses):
        return []
    analyses.append(_Analysis(offset, prompt, captions_revision))
    return _settle(partition, video_id, switches, analyses, by_marker=False)


def activated(partition: Partition, prompt_id: str, activation: int) -> list[Switch]:
    """A prompt counts from here on: a switch for each video that has an analysis under it, in order of appearance."""
    prompt = partition.number(prompt_id)
    if activation <= partition.activations.get(prompt, -1):
        return []
    partition.activations[prompt] = activation
    return [
        switch
        for video_id, packed in partition.videos.items()
        for switch in _settle(partition, video_id, *_unpack(packed), by_marker=True)
    ]


def videos_by_prompt(partition: Partition) -> Counter[str]:
    """Prompt id → how many videos have their current analysis under it."""
    kept = Counter(
        analyses[0].prompt for switches, analyses in map(_unpack, partition.videos.values()) if switches
    )
    return Counter({prompt_id: kept[number] for prompt_id, number in partition.prompts.items()})


def _settle(
    partition: Partition, video_id: str, switches: int, analyses: list[_Analysis], *, by_marker: bool
) -> list[Switch]:
    """Keep the video with its current analysis in front; one switch, if that is another one than before."""
    activations = partition.activations
    previous = analyses[0] if switches else None
    current = max(
        (analysis for analysis in analyses if analysis.prompt in activations),
        key=lambda analysis: (activations[analysis.prompt], analysis.captions_revision),
        default=None,
    )
    if current is None or current == previous:
        partition.videos[video_id] = _pack(switches, analyses)
        return []
    others = [analysis for analysis in analyses if analysis is not current]
    partition.videos[video_id] = _pack(switches + 1, [current, *others])
    kind: Kind
    if by_marker or (previous is not None and previous.prompt != current.prompt):
        kind = "activation"
    else:
        kind = "first" if previous is None else "correction"
    before = None if previous is None else previous.offset
    return [Switch(video_id, before, current.offset, switches + 1, kind, activations[current.prompt])]


def _pack(switches: int, analyses: Iterable[_Analysis]) -> bytes:
    return _SWITCHES.pack(switches) + b"".join(_ANALYSIS.pack(*analysis) for analysis in analyses)


def _unpack(packed: bytes) -> tuple[int, list[_Analysis]]:
    (switches,) = _SWITCHES.unpack_from(packed)
    return switches, [_Analysis(*parts) for parts in _ANALYSIS.iter_unpack(packed[_SWITCHES.size :])]
