"""How to reach Kafka: one value, turned into what each client library wants."""

import asyncio
import logging
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.metadata import MetadataRequest

from streams.errors import EarmarkError
from streams.log.topics import MAX_MESSAGE_BYTES, MAX_PLAIN_DEAD_LETTER_BYTES, Topic

STOP_LIMIT_S = 10.0

# A broker with Kafka's own defaults makes each topic that a look-up names, with one partition, if the look-up lets it.
# aiokafka lets it and has no setting for that; all its clients, and so Faust's, look up with this one class.
MetadataRequest.__init__.__defaults__ = (None, False)


class _Once(logging.Filter):
    """aiokafka says at each connection that the password goes in the clear, and a process makes dozens: once will do."""

    said = False

    def filter(self, record: logging.LogRecord) -> bool:
        if "in the clear" not in str(record.msg):
            return True
        was, self.said = self.said, True
        return not was


logging.getLogger("aiokafka.conn").addFilter(_Once())


class WrongSettingsError(EarmarkError):
    """The settings do not fit Kafka: a person must change one, and waiting is of no use."""


@dataclass(frozen=True)
class Connection:
    """Bootstrap servers (host:port, comma-separated), how to log in there, and the topics' prefix."""

    bootstrap: str
    prefix: str = "earmark."
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "PLAIN"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None

    def name(self, topic: Topic) -> str:
        """A topic's full name."""
        return self.prefix + topic.name

    @property
    def worker_group(self) -> str:
        """The consumer group of the workers: Kafka keeps how far they are."""
        return f"{self.prefix}worker"

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """TLS as asked for, or None. Raises WrongSettingsError where the CA file holds no certificate."""
        if not self.security_protocol.endswith("SSL"):
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise WrongSettingsError(
                f"EARMARK_KAFKA_CA_FILE: {self.ca_file} holds no CA certificate ({error.strerror}): it must be a PEM file"
            ) from error

    @property
    def _client(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password,
            "ssl_context": self.ssl_context,
            # A client that met an empty cluster must not believe it for aiokafka's five minutes.
            "metadata_max_age_ms": 10_000,
        }

    def consumer(
        self, fetch_bytes: int = MAX_MESSAGE_BYTES, wait_ms: int = 500, group: str | None = None
    ) -> AIOKafkaConsumer:
        """A consumer whose reader keeps the position; a position that is gone is an error.

        It is no member of `group`, but may ask for what that has committed and, while it has no members, commit for it.
        It asks for `fetch_bytes` of a partition at a time, and is given the next record whole, however large. Where there
        is none, the broker answers after `wait_ms`, and whatever else is asked on that connection waits as long.
        """
        return AIOKafkaConsumer(
            **self._client,
            group_id=group,
            auto_offset_reset="none",
            enable_auto_commit=False,
            max_partition_fetch_bytes=fetch_bytes,
            fetch_max_wait_ms=wait_ms,
        )

    def producer(self, batch_bytes: int = 16 * 1024) -> AIOKafkaProducer:
        """A producer that repeats nothing and acknowledges only what every replica has.

        What waits for a partition goes out in batches of `batch_bytes` before they are compressed.
        """
        return AIOKafkaProducer(
            **self._client,
            max_batch_size=batch_bytes,
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            # The topics' own limits are narrower, and the broker holds them.
            max_request_size=MAX_PLAIN_DEAD_LETTER_BYTES,
            request_timeout_ms=30_000,
        )

    def admin(self) -> AIOKafkaAdminClient:
        """A client for topics and offsets."""
        return AIOKafkaAdminClient(**self._client)


async def look_up(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> None:
    """Let a consumer know of topics whose offsets it will be asked for.

    aiokafka has no other way than to read them: it meets them one by one, and waits a tenth of a second at each.
    """
    await consumer._client.set_topics(topics)  # noqa: SLF001


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Close a consumer. aiokafka may lose the cancellation of its own fetch and wait for ever: it is then left behind."""
    with suppress(TimeoutError):
        await asyncio.wait_for(consumer.stop(), STOP_LIMIT_S)
