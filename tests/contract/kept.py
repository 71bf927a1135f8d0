"""The contract as the repository keeps it. `python -m tests.contract.kept` writes it anew, unless subscribers would break."""

import json
import sys
from pathlib import Path
from typing import Any

from streams.log.connection import Connection
from streams.signals import contract
from tests.contract.additive import breaks
from tests.contract.released import released

FILE = Path(contract.__file__).with_name("asyncapi.json")


def kept() -> dict[str, Any]:
    """The document in the file."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document


def generated() -> dict[str, Any]:
    """The document that the models give now, for the default prefix."""
    return contract.contract(Connection.prefix)


def broken(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What `new` breaks under the version of `old`; a version that rises may break everything."""
    risen = int(new["info"]["version"]) > int(old["info"]["version"])
    return [] if risen else breaks(old, new)


if __name__ == "__main__":
    if found := breaks(released(), generated()) + (broken(kept(), generated()) if FILE.exists() else []):
        sys.exit("\n".join(["subscribers would break, so VERSION must rise:", *found]))
    FILE.write_text(contract.render(generated()), encoding="utf-8")
