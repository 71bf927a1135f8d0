import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from projections.sql import SqlError
from streams.cli.replay import replay
from streams.errors import EarmarkError
from streams.events.prompts import PromptRegistered
from streams.log.topics import CAPTIONS
from streams.replay.catch_up import catch_up, is_behind, up_to
from tests.builders.read_model_world import PROMPTS, at, extracted, record, video
from tests.builders.snapshot import publish

CAPTIONED = [extracted(video(number)) for number in range(3)]
REGISTERED = [PromptRegistered(at=at(0), prompt_id=prompt.prompt_id, prompt=prompt) for prompt in PROMPTS]


def ends(beyond: int = 0) -> tuple[int, ...]:
    """Where the captions end, and so many records behind that."""
    places = [record(event, offset) for offset, event in enumerate(CAPTIONED)]
    reached = {place.partition: place.offset + 1 + beyond for place in places}
    return tuple(reached.get(partition, 0) for partition in range(CAPTIONS.partitions))


async def test_it_goes_on_once_the_read_model_has_read_everything(tmp_path: Path) -> None:
    publish(tmp_path, *CAPTIONED[:2])
    assert is_behind(tmp_path, up_to(ends()))
    waiting = asyncio.create_task(catch_up(tmp_path, up_to(ends())))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    publish(tmp_path, *CAPTIONED)
    await asyncio.wait_for(waiting, 10)
    assert not is_behind(tmp_path, up_to(ends()))


async def test_it_waits_for_a_time_and_says_what_may_be_wrong(tmp_path: Path) -> None:
    publish(tmp_path, *CAPTIONED)
    await catch_up(tmp_path, up_to(ends()), 0.1)
    with pytest.raises(EarmarkError, match=r"within 0.1 s: is the projector running"):
        await catch_up(tmp_path, up_to(ends(beyond=1)), 0.1)


async def test_it_waits_for_no_read_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SqlError, match="there is no read model"):
        await catch_up(tmp_path, up_to(ends()))


@pytest.mark.parametrize(
    ("kafka", "why"),
    [(None, "no broker runs in "), ("127.0.0.1:1", "EARMARK_KAFKA: no Kafka answers at 127.0.0.1:1")],
)
def test_without_a_broker_what_the_read_model_has_is_compared(
    tmp_path: Path, kafka: str | None, why: str
) -> None:
    publish(tmp_path, *REGISTERED)
    environment = {"EARMARK_HOME": str(tmp_path), "EARMARK_KAFKA": kafka}
    compared = CliRunner().invoke(replay, ["compare", "first", "second", "--format", "csv"], env=environment)
    assert compared.exit_code == 0, compared.exception
    assert f"the comparison covers only what the read model has read so far: {why}" in compared.stderr
    assert compared.stdout.startswith("channel_id,channel,videos,")
