"""A body of an older version is brought up to date, one version at a time."""

import json
from typing import Any, ClassVar

import pytest

from streams.events.catalogue import CATALOGUE, Catalogue, unchanged
from streams.events.envelope import BrokenBodyError, Message, decode, encode
from streams.events.event import Event
from tests.builders.examples import AT


class Renamed(Event):
    """A third version: v1 had `name`, v2 `title`, v3 says how loud."""

    version: ClassVar[int] = 3

    title: str
    loud: bool

    @property
    def key(self) -> str:
        return self.title

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.title,)


def _name_to_title(body: dict[str, Any]) -> dict[str, Any]:
    return {"title": body["name"]}


def _title_to_loud(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "loud": body["title"].isupper()}


TEST_CATALOGUE = Catalogue(
    {"Renamed": Renamed}, {("Renamed", 1): _name_to_title, ("Renamed", 2): _title_to_loud}
)


def message(version: int, body: dict[str, Any]) -> Message:
    now = encode(Renamed(at=AT, title="any", loud=False))
    headers = dict(now.headers) | {"ce_dataschema": f"urn:earmark:Renamed:{version}".encode()}
    return Message(now.key, tuple(headers.items()), json.dumps(body).encode())


@pytest.mark.parametrize(
    ("version", "body"),
    [(1, {"name": "HI"}), (2, {"title": "HI"}), (3, {"title": "HI", "loud": True})],
)
def test_every_older_body_becomes_the_newest(version: int, body: dict[str, Any]) -> None:
    old = message(version, body)
    assert decode(old.headers, old.value, TEST_CATALOGUE) == Renamed(at=AT, title="HI", loud=True)


@pytest.mark.parametrize("body", [{}, {"name": 7}])
def test_an_old_body_that_its_upcaster_cannot_read_is_broken(body: dict[str, Any]) -> None:
    old = message(1, body)
    with pytest.raises(BrokenBodyError, match="Renamed"):
        decode(old.headers, old.value, TEST_CATALOGUE)


def test_a_body_that_reads_the_same_in_the_next_version_stays_as_it_is() -> None:
    upcasters = {("Renamed", 1): _name_to_title, **unchanged(2, Renamed)}
    old = message(2, {"title": "HI", "loud": False})
    read = decode(old.headers, old.value, Catalogue({"Renamed": Renamed}, upcasters))
    assert read == Renamed(at=AT, title="HI", loud=False)


def test_a_version_that_nothing_reads_is_no_language() -> None:
    """No process starts that would take an old log's signals for broken ones."""
    with pytest.raises(
        ValueError, match=r"Renamed is of version 3 .* unchanged\(2, Renamed\), into UPCASTERS"
    ):
        Catalogue({"Renamed": Renamed}, {("Renamed", 1): _name_to_title})


def test_the_language_can_read_every_version_it_ever_had() -> None:
    needed = {
        (name, version)
        for name, event_type in CATALOGUE.types.items()
        for version in range(1, event_type.version)
    }
    assert set(CATALOGUE.upcasters) == needed
