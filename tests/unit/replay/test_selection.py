from pathlib import Path
from uuid import uuid4

from streams.events.ledger import ReplayFilter
from streams.replay.selection import select
from tests.builders.read_model_world import PROMPTS, completed, extracted, failed, video
from tests.builders.snapshot import publish

FIRST, SECOND = PROMPTS


def test_what_failed_for_good_under_the_candidate_is_not_to_do(tmp_path: Path) -> None:
    """Whoever claimed it. An attempt that may be made again, another prompt's failure and older captions' say nothing."""
    retried, other, older, live, replayed, both = (video(number) for number in range(6))
    publish(
        tmp_path,
        *(extracted(of) for of in (retried, other, older, live, replayed, both)),
        extracted(older, 2),
        failed(retried, SECOND, uuid4(), final=False),
        failed(other, FIRST, uuid4(), final=True),
        failed(older, SECOND, uuid4(), final=True),
        failed(live, SECOND, None, final=True),
        failed(replayed, SECOND, uuid4(), final=True, lane="replay"),
        failed(both, SECOND, uuid4(), final=True),
        completed(both, SECOND, uuid4()),
    )
    found = select(tmp_path, SECOND, ReplayFilter(), seed=0)
    assert {chosen.video_id for chosen in found.to_do} == {of.video_id for of in (retried, other, older)}
    assert (found.videos, found.done, found.failed) == (6, 1, 2)
