from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from projections.ingest import Place, apply
from streams.events.event import Event
from streams.events.record import Record
from tests.builders.empty_model import empty_model
from tests.builders.read_model_world import START_MS, record


class Told:
    """A read model in memory that is told events."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self.database = database
        self._ends: Counter[Place] = Counter()

    def tell(self, *events: Event, at_s: float = 0) -> list[Record]:
        """Append events, `at_s` seconds into the story by the broker's clock, and let the model read them."""
        records = []
        for event in events:
            appended = record(event, 0, START_MS + round(at_s * 1000))
            place = Place(appended.topic, appended.partition)
            records.append(replace(appended, offset=self._ends[place]))
            self._ends[place] += 1
        apply(self.database, records)
        return records

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """The result of a query."""
        return self.database.execute(query).fetchall()


@pytest.fixture
def told() -> Iterator[Told]:
    """An empty read model."""
    with empty_model() as database:
        yield Told(database)
