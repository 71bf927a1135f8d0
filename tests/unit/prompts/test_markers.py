from streams.events.envelope import encode
from streams.events.event import Position
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.log.topics import ANALYSES, destination
from streams.prompts.place_markers import place_markers
from tests.builders.histories import moment

ACTIVATED = PromptActivated(at=moment(3), prompt_id="p1", previous=None)
POSITION = Position(partition=0, offset=41)


async def test_an_activation_goes_to_every_partition_under_its_offset_as_its_number() -> None:
    markers = await place_markers(ACTIVATED, POSITION)
    assert [destination(marker) for marker in markers] == [(ANALYSES, partition) for partition in range(12)]
    assert {marker.activation for marker in markers} == {41}
    assert {(marker.prompt_id, marker.at) for marker in markers} == {("p1", moment(3))}
    assert len({marker.event_id for marker in markers}) == 12


async def test_a_marker_told_again_has_the_same_bytes() -> None:
    again = [await place_markers(ACTIVATED, POSITION) for _ in range(2)]
    assert [encode(marker) for marker in again[0]] == [encode(marker) for marker in again[1]]


async def test_a_registration_places_nothing() -> None:
    prompt = Prompt(name="p", model="m", max_tokens=1, effort="low", words="Listen.", schema_version=1)
    registered = PromptRegistered(at=moment(0), prompt_id=prompt.prompt_id, prompt=prompt)
    assert await place_markers(registered, POSITION) == []
