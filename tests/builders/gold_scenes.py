"""Gold videos, and answers to them with errors that are planted by chance, by a seed."""

import random
from decimal import Decimal

from streams.evaluation.gold import GoldCall, GoldVideo
from streams.evaluation.heard import Answer, Cost, HeardCall, RejectedCall
from streams.evaluation.score import ACTIONS, Asked

SYMBOLS = ("NVDA", "AMD", "BRK.B", "ON", "T")


def gold_video(video_id: str, *calls: GoldCall) -> GoldVideo:
    return GoldVideo(video_id, None, None, None, ("so it goes",), (0,), (1000,), calls)


def heard_call(call: GoldCall, **others: object) -> HeardCall:
    """The call, heard as it was made but for `others`."""
    said = {
        "symbol": call.symbol,
        "said_as": call.symbol,
        "action": call.action,
        "conviction": call.conviction,
        "quote": call.quote or "",
        "second": call.second or 0.0,
    }
    return HeardCall(**{**said, **others})  # type: ignore[arg-type]


def scene(seed: int, videos: int = 8) -> Asked:
    """Videos with none to four calls each, and answers that hear most of them."""
    chance = random.Random(seed)

    def gold() -> GoldCall:
        return GoldCall(
            chance.choice(SYMBOLS),
            chance.choice(ACTIONS),
            chance.randrange(21) / 20,
            "we bought it",
            chance.choice([None, float(chance.randrange(600))]),
        )

    def heard(call: GoldCall) -> HeardCall:
        return heard_call(
            call,
            symbol=call.symbol if chance.random() < 0.8 else chance.choice(SYMBOLS),
            action=call.action if chance.random() < 0.7 else chance.choice(ACTIONS),
            conviction=min(1.0, max(0.0, round(call.conviction * 20 + chance.choice([-4, 0, 0, 5])) / 20)),
            second=max(0.0, (call.second or 50.0) + chance.choice([-30.0, -2.5, 0.0, 1.0, 12.0])),
        )

    def answer(video: GoldVideo) -> Answer:
        state = chance.choices(["answered", "cut", "refused", "failed"], [8, 1, 1, 1])[0]
        cost = Cost(Decimal(chance.randrange(1000)) / 1000, chance.randrange(9000), chance.randrange(900))
        if state in {"refused", "failed"}:
            return Answer(state, cost=cost)  # type: ignore[arg-type]
        calls = [heard(call) for call in video.calls if chance.random() < 0.9]
        invented = [heard(gold()) for _ in range(chance.choice([0, 0, 1, 2]))]
        rejected = [RejectedCall("T", "quote_too_short") for _ in range(chance.choice([0, 0, 1]))]
        return Answer(state, (*calls, *invented), tuple(rejected), cost)  # type: ignore[arg-type]

    found = [
        gold_video(f"v{number}", *(gold() for _ in range(chance.randrange(5)))) for number in range(videos)
    ]
    return [(video, answer(video)) for video in found]


def answered_again(asked: Asked, seed: int) -> Asked:
    """The same videos with the answers of another scene."""
    others = scene(seed, len(asked))
    return [(video, answer) for (video, _), (_, answer) in zip(asked, others, strict=True)]
