"""A read model as readers find it."""

from pathlib import Path

from projections import model
from projections.ingest import apply
from projections.snapshots import Snapshots
from streams.events.event import Event
from tests.builders.read_model_world import record


def publish(home: Path, *events: Event) -> None:
    """A snapshot of a read model that has read these, each at the offset of its place among them."""
    file = model.generation_file(home, 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    database = model.create(file)
    for offset, event in enumerate(events):
        apply(database, [record(event, offset)])
    Snapshots(home).publish(database, file)
    database.close()
