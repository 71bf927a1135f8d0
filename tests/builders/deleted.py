"""What a cluster's owner, or a retention, does to the beginning of a topic."""

from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from streams.log.connection import Connection
from streams.log.topics import Topic


async def delete_before(connection: Connection, topic: Topic, partition: int, offset: int) -> str:
    """Delete a partition's records before `offset`, and return the words in which a reader says so."""
    tp = TopicPartition(connection.name(topic), partition)
    admin = connection.admin()
    await admin.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(offset)})
    finally:
        await admin.close()
    return f"{tp.topic}[{partition}] begins at offset {offset}"
