"""The contract as the repository keeps it. `python -m tests.contract.kept` writes it anew, unless subscribers would break."""

import json
import sys
from pathlib import Path
from typing import Any

from streams.log.connection import Connection
from streams.signals import contract
from tests.contract.additive import breaks
from tests.contract.released import file_of, released, versions

FILE = Path(contract.__file__).with_name("asyncapi.json")
WRITE = "python -m tests.contract.kept"


def kept() -> dict[str, Any]:
    """The document in the file."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document


def generated() -> dict[str, Any]:
    """The document that the models give now, for the default prefix."""
    return contract.contract(Connection.prefix)


def broken(document: dict[str, Any]) -> list[str]:
    """Why `document` may not become the contract, and what to do; a version that is not released yet may break anything."""
    version = int(document["info"]["version"])
    gone = [
        f"what version {before} promised is not there: git checkout HEAD -- {file_of(before)},"
        f" or, if it was never released, set VERSION = {before} in streams/events/signals.py"
        for before in range(1, version)
        if before not in versions()
    ]
    found = breaks(released(version), document) if version in versions() else []
    advice = (
        f"subscribers would break: set VERSION = {version + 1} in streams/events/signals.py, say in UPCASTERS in"
        f" streams/events/catalogue.py how version {version} reads there, then: {WRITE}"
    )
    return [*gone, *found, *([advice] if found else [])]


if __name__ == "__main__":
    if found := broken(generated()):
        sys.exit("\n".join(found))
    FILE.write_text(contract.render(generated()), encoding="utf-8")
