"""Which call that was heard is which gold call: pure. Needed where one call has several things right or wrong."""

from collections.abc import Iterator
from dataclasses import dataclass

from streams.evaluation.gold import GoldCall, GoldVideo
from streams.evaluation.heard import Answer, HeardCall


@dataclass(frozen=True)
class Pair:
    """A gold call and the call that was heard for it; None: it was missed, or nobody made it."""

    gold: GoldCall | None
    heard: HeardCall | None


def pairs_of(video: GoldVideo, answer: Answer) -> Iterator[Pair]:
    """Every call of a video, gold or heard, in exactly one pair.

    Only calls of one symbol pair. Those that agree on the action go first, then those that are nearest in time, then
    those that stand first.
    """
    left, heard = dict(enumerate(video.calls)), dict(enumerate(answer.calls))
    candidates = sorted(
        (call.action != said.action, _apart(call, said), number, place)
        for number, call in left.items()
        for place, said in heard.items()
        if call.symbol == said.symbol
    )
    for *_, number, place in candidates:
        if number in left and place in heard:
            yield Pair(left.pop(number), heard.pop(place))
    yield from (Pair(call, None) for call in left.values())
    yield from (Pair(None, said) for said in heard.values())


def _apart(call: GoldCall, said: HeardCall) -> float:
    return 0.0 if call.second is None else abs(said.second - call.second)
