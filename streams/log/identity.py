"""Which log this is: the cluster's id and those of topics, which a topic that is made anew does not keep.

aiokafka asks for neither; this is Kafka's own metadata request in the first version that tells both by name (2.8 and later).
"""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from streams.errors import EarmarkError

_NOBODY = UUID(int=0)


class _Uuid(AbstractType[UUID]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_TEXT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)
_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("isr", CompactArray(Int32)),
    ("offline_replicas", CompactArray(Int32)),
    _TAGS,
)


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), _TAGS),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("topic", _TEXT),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                ("partitions", CompactArray(*_PARTITION)),
                ("authorized_operations", Int32),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _Question(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("topic", _TEXT), _TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        _TAGS,
    )


class _Ask(Request[_Question]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_Question]) -> _Question:
        make_them = tell_rights = False
        return request_struct_class(
            [(_NOBODY, topic, {}) for topic in self._topics], make_them, tell_rights, {}
        )


async def identity(client: AIOKafkaClient, topics: Iterable[str]) -> Mapping[str, str]:
    """The ids of topics by their full name, each with the cluster's before it.

    Raises EarmarkError where the cluster does not tell them, and KafkaError where it does not answer.
    """
    try:
        answer: Any = await client.send(client.get_random_node(), _Ask(topics))
    except NotImplementedError as error:
        raise EarmarkError(f"the cluster does not say which topics it has: {error}") from error
    found = {
        topic: f"{answer.cluster_id}/{topic_id}"
        for error, topic, topic_id, *_ in answer.topics
        if not error and topic_id != _NOBODY
    }
    if missing := set(topics) - found.keys():
        raise EarmarkError(f"the cluster does not say which {min(missing)} it has")
    return found
