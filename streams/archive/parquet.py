"""A stretch of one partition as a Parquet file: any reader of Parquet reads it, in whatever year."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from streams.errors import EarmarkError
from streams.events.record import Record

# So much is compressed at a time, and as much is in memory; a larger record stands alone.
GROUP_BYTES = 4 * 2**20
GROUP_RECORDS = 5_000
_LEVEL = 6
_SCHEMA = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp_ms", pa.int64(), nullable=False),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field(
            "headers",
            pa.list_(pa.struct([pa.field("name", pa.string(), nullable=False), ("value", pa.binary())])),
            nullable=False,
        ),
    ]
)


class DamagedError(EarmarkError):
    """A file of an archive is not as it was written."""


def plain_bytes(record: Record) -> int:
    """What a record's key, value and headers take, in bytes."""
    headers = sum(len(name) + len(content or b"") for name, content in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


class Writer:
    """Writes records of one partition into `sink`, group by group; without `close` what is written cannot be read."""

    def __init__(self, sink: BinaryIO) -> None:
        self._parquet = pq.ParquetWriter(
            sink,
            _SCHEMA,
            compression="zstd",
            compression_level=_LEVEL,
            # Names of headers are few. Nothing else is found twice word for word, and zstd sees a whole group at once.
            use_dictionary=["headers.list.element.name"],
            data_page_size=2 * GROUP_BYTES,
            write_statistics=False,
            write_page_checksum=True,
        )
        self._group: list[Record] = []
        self._group_bytes = 0

    def add(self, record: Record) -> None:
        """Write a record."""
        self._group.append(record)
        self._group_bytes += plain_bytes(record)
        if self._group_bytes >= GROUP_BYTES or len(self._group) >= GROUP_RECORDS:
            self._flush()

    def close(self) -> None:
        """Write what is left and the footer. `sink` stays open."""
        self._flush()
        self._parquet.close()

    def _flush(self) -> None:
        if not self._group:
            return
        rows = [
            {
                "offset": record.offset,
                "timestamp_ms": record.timestamp_ms,
                "key": record.key,
                "value": record.value,
                "headers": [{"name": name, "value": content} for name, content in record.headers],
            }
            for record in self._group
        ]
        self._parquet.write_batch(pa.RecordBatch.from_pylist(rows, schema=_SCHEMA))
        self._group, self._group_bytes = [], 0


def read(source: BinaryIO, topic: str, partition: int) -> Iterator[Record]:
    """The records in `source`, a group in memory at a time. Raises DamagedError where they are not as written."""
    try:
        parquet = pq.ParquetFile(source, page_checksum_verification=True)
        for group in range(parquet.num_row_groups):
            for row in parquet.read_row_group(group, use_threads=False).to_pylist():
                yield Record(
                    topic,
                    partition,
                    row["offset"],
                    row["timestamp_ms"],
                    row["key"],
                    tuple((header["name"], header["value"]) for header in row["headers"]),
                    row["value"],
                )
    # An unknown column, a cut footer, a page whose checksum differs: Arrow has a class for each.
    except (pa.ArrowException, OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise DamagedError(f"it cannot be read ({error})") from error
