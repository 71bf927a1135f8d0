from collections.abc import AsyncIterator, Mapping

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.errors import RefusedError
from streams.log.connection import Connection
from streams.log.topics import KEPT_FOR_EVER, LEDGER, TOPICS, VIDEOS, Layout, apply, existing_layouts, plan

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
