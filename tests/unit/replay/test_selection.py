from pathlib import Path
from uuid import uuid4

import pytest

from projections import model
from projections.ingest import apply
from projections.snapshots import Snapshots
from streams.events.event import Event
from streams.events.ledger import ReplayFilter
from streams.replay.selection import select
from tests.builders.read_model_world import PROMPTS, completed, extracted, failed, record, video

FIRST, SECOND = PROMPTS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return tmp_path


def publish(home: Path, *events: Event) -> None:
    """A read model that has read these, for readers."""
    path = home / "model" / "rm-1.duckdb"
    database = model.create(path)
    for offset, event in enumerate(events):
        apply(database, [record(event, offset)])
    Snapshots(home).publish(database, path)
    database.close()


def test_what_failed_for_good_under_the_candidate_is_not_to_do(home: Path) -> None:
    """Whoever claimed it. An attempt that may be made again, another prompt's failure and older captions' say nothing."""
    retried, other, older, live, replayed, both = (video(number) for number in range(6))
    publish(
        home,
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
    found = select(home, SECOND, ReplayFilter(), seed=0)
    assert {chosen.video_id for chosen in found.to_do} == {of.video_id for of in (retried, other, older)}
    assert {chosen.video_id for chosen in found.chosen if chosen.has_failed} == {"video-3", "video-4"}
    assert [chosen.video_id for chosen in found.chosen if chosen.is_done] == ["video-5"]
