"""The contracts that subscribers were given, a file a version: what may not break, whatever is generated and kept.

No code writes these files. At a release copy the kept contract here by hand,
`cp streams/signals/asyncapi.json tests/contract/released-N.json` with N its version: then what the release added may not
break either. Do it only where the tests pass against the file that stands here before, so never together with a change
of the models. A change that must break raises VERSION in streams/events/signals.py: until that version is released it
has no file here, and promises nothing; what the versions before promised stays beside it.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def file_of(version: int) -> Path:
    """Where the contract of a version stands once it is released."""
    return FOLDER / f"released-{version}.json"


def released(version: int) -> dict[str, Any]:
    """The document of a version that is released."""
    document: dict[str, Any] = json.loads(file_of(version).read_text(encoding="utf-8"))
    return document


def versions() -> list[int]:
    """The versions that are released."""
    return sorted(int(file.stem.removeprefix("released-")) for file in FOLDER.glob("released-*.json"))
