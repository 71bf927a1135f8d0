"""`earmark backup` and `earmark restore`: the log as files, and back."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from streams.app.connections import connection_of
from streams.archive.backup import Done, backup
from streams.archive.folder import to_read
from streams.archive.manifest import Manifest
from streams.archive.restore import restore
from streams.broker import local
from streams.cli.log import open_log
from streams.cli.terminal import say
from streams.cli.up import alone
from streams.clock import utc_now
from streams.errors import EarmarkError
from streams.settings import Settings, load


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="TO")
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Read the files in TO and compare, instead; no broker is asked.",
)
def backup_(folder: Path, *, only_check: bool) -> None:
    """Copy the whole log into the folder TO: each record with its offset, time, key and headers.

    It may run while everything works, and holds what was there at one moment.
    Run again, it adds what is new; killed, it goes on from where it stopped.
    Only the log is in it: keep the settings (.env) and the files they name yourself; `earmark rebuild` makes the rest.
    """
    with _disk():
        if not only_check:
            done = asyncio.run(_backup(load(), folder))
            say(f"{done.new} new records in {folder}: {_content(done.manifest)}")
            return
        with to_read(folder) as archive:
            archive.check()
            say(f"{folder} is whole: {_content(archive.whole())}")


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="FROM")
def restore_(folder: Path) -> None:
    """Bring the log that was copied into the folder FROM into an empty one: this cluster's, or another's.

    Stop everything but the broker first. Each record comes to its old offset with its old time, and is read back.
    How far the worker was comes back too, so nobody is asked for captions again.
    Killed, it goes on when it is run again; until then nothing else starts on that log.
    Exit 3 where the topics hold anything but the beginning of the archive.
    """
    settings = load()
    with _disk(), alone(settings.home), _own_broker(settings):
        manifest = asyncio.run(_restore(settings, folder))
    say(f"restored from {folder}: {_content(manifest)}")


async def _backup(settings: Settings, folder: Path) -> Done:
    return await backup(await open_log(settings), folder, utc_now, say)


async def _restore(settings: Settings, folder: Path) -> Manifest:
    done = await restore(connection_of(settings), folder, settings.kafka_replication_factor, say)
    return done.manifest


@contextmanager
def _disk() -> Iterator[None]:
    """Say in a sentence what the disk says: it is full, or a folder is somebody else's."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise EarmarkError(f"{error.filename}: {error.strerror}; run it again once that is mended") from error


def _content(manifest: Manifest) -> str:
    records = sum(part.records for part in manifest.partitions)
    size = sum(file.size for file in manifest.files)
    return f"{records} records of {manifest.prefix}*, {size / 1e6:.1f} MB, as of {manifest.moment:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def _own_broker(settings: Settings) -> Iterator[None]:
    """The local broker for as long as the block lasts, unless another is named or it runs already."""
    if settings.kafka is not None or local.find(settings.home) is not None:
        yield
        return
    say("starting Kafka …")
    try:
        say(f"Kafka serves at {local.start(settings.home)}")
        yield
    finally:
        if local.stop(settings.home):
            say("Kafka stopped")
