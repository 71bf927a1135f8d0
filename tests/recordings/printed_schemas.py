"""The JSON schemas of what verbs print with --json. `python -m tests.recordings.printed_schemas` writes them."""

import json
from pathlib import Path
from typing import Any

from streams.cli.explain import FORM as EXPLANATION
from streams.cli.report import FORM as REPORT

WRITE = "python -m tests.recordings.printed_schemas"
FOLDER = Path(__file__).parent / "printed"
FORMS = {"explain": EXPLANATION, "report": REPORT}


def kept(verb: str) -> dict[str, Any]:
    """The schema as it is kept; scripts rely on it."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{verb}.json").read_text())
    return schema


def generated(verb: str) -> dict[str, Any]:
    """The schema that the code gives now."""
    return FORMS[verb].json_schema(mode="serialization")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for verb in FORMS:
        (FOLDER / f"{verb}.json").write_text(json.dumps(generated(verb), indent=2) + "\n")
