import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from click.testing import CliRunner

from streams.cli.topics import topics
from streams.errors import RefusedError
from streams.log.connection import Connection
from streams.log.layout import Layout, apply, existing_layouts, plan
from streams.log.topics import KEPT_FOR_EVER, LEDGER, TOPICS, VIDEOS

pytestmark = pytest.mark.kafka


@pytest.fixture
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = Connection(bootstrap).admin()
    await client.start()
    yield client
    await client.close()


async def layouts_once(
    admin: AIOKafkaAdminClient, prefix: str, seen: str, setting: str
) -> Mapping[str, Layout]:
    """The layouts as soon as the broker shows `setting` with the value `seen`."""
    while True:
        layouts = await existing_layouts(admin, prefix)
        if any(layout.config[setting] == seen for layout in layouts.values()):
            return layouts


async def test_nothing_is_left_to_do_after_apply(admin: AIOKafkaAdminClient, connection: Connection) -> None:
    layouts = await existing_layouts(admin, connection.prefix)
    assert layouts.keys() == {connection.name(topic) for topic in TOPICS}
    assert plan(layouts, connection.prefix).is_empty
    assert (await apply(admin, connection.prefix)).is_empty


async def test_a_changed_setting_is_put_back_and_one_the_code_does_not_name_stays(
    admin: AIOKafkaAdminClient, connection: Connection
) -> None:
    changed = {**KEPT_FOR_EVER, **LEDGER.config, "retention.ms": "1000", "segment.bytes": "2000000"}
    await admin.alter_configs(
        [ConfigResource(ConfigResourceType.TOPIC, connection.name(LEDGER), configs=changed)]
    )
    await layouts_once(admin, connection.prefix, "1000", "retention.ms")

    done = await apply(admin, connection.prefix)

    assert done.lines(connection.prefix) == [f"alter {connection.name(LEDGER)}: retention.ms 1000 → -1"]
    after = await existing_layouts(admin, connection.prefix)
    assert plan(after, connection.prefix).is_empty
    assert after[connection.name(LEDGER)].own["segment.bytes"] == "2000000"


async def test_a_changed_partition_count_is_refused_and_nothing_else_is_done(
    admin: AIOKafkaAdminClient,
) -> None:
    prefix = "recounted."
    await admin.create_topics([NewTopic(f"{prefix}{VIDEOS.name}", 3, 1)])
    before = await layouts_once(admin, prefix, "delete", "cleanup.policy")

    with pytest.raises(RefusedError, match=r"recounted\.videos: 3 partitions where 12 belong"):
        await apply(admin, prefix)

    assert await existing_layouts(admin, prefix) == before


def test_the_verbs_plan_apply_and_then_find_nothing_to_do(
    bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no .env here
    run = partial(
        CliRunner().invoke, topics, env={"EARMARK_KAFKA": bootstrap, "EARMARK_TOPIC_PREFIX": "verbs."}
    )
    planned = run(["plan"])
    assert "create verbs.videos: 12 partitions" in planned.output.splitlines()
    assert len(planned.output.splitlines()) == len(TOPICS)
    assert run(["plan"]).output == planned.output, "a plan changes nothing"

    assert run(["apply"]).output == planned.output
    assert run(["plan"]).output == "nothing to do: the topics are as the code needs them\n"


def test_the_verbs_refuse_a_changed_partition_count(
    bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make_it() -> None:
        client = Connection(bootstrap).admin()
        await client.start()
        await client.create_topics([NewTopic("refused.videos", 3, 1)])
        await layouts_once(client, "refused.", "delete", "cleanup.policy")
        await client.close()

    asyncio.run(make_it())
    monkeypatch.chdir(tmp_path)
    run = partial(
        CliRunner().invoke, topics, env={"EARMARK_KAFKA": bootstrap, "EARMARK_TOPIC_PREFIX": "refused."}
    )
    planned = run(["plan"])
    assert any(
        line.startswith("refused refused.videos: 3 partitions") for line in planned.output.splitlines()
    )
    assert isinstance(planned.exception, RefusedError)
    assert isinstance(run(["apply"]).exception, RefusedError)
