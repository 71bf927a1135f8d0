"""The contract that subscribers were given, a file a version: what may not break, whatever is generated and kept.

No code writes these files. At a release copy the kept contract here by hand,
`cp streams/signals/asyncapi.json tests/contract/released-N.json` with N its version: then what the release added may not
break either. Do it only where the tests pass against the file that stands here before, so never together with a change
of the models. A change that must break raises `contract.VERSION`; the new version's file then comes beside the old one.
"""

import json
from pathlib import Path
from typing import Any

from streams.signals import contract


def released() -> dict[str, Any]:
    """The document of the version that the code says it keeps."""
    file = Path(__file__).with_name(f"released-{contract.VERSION}.json")
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document
