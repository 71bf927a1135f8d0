"""The answer's JSON schema as Claude is asked for it. `python -m tests.recordings.answer_schema` writes the newest version."""

import json
import sys
from typing import Any

from anthropic import transform_schema

from streams.analysis.answer import Answer
from streams.analysis.question import schema_file
from streams.prompts.files import SCHEMA_VERSION

WRITE = "python -m tests.recordings.answer_schema"
FILE = schema_file(SCHEMA_VERSION)
NEXT = (
    f"registered prompts are asked with {FILE.name}, and answers have another shape now: set SCHEMA_VERSION ="
    f" {SCHEMA_VERSION + 1} in streams/prompts/files.py, then: {WRITE}"
    if FILE.exists()
    else WRITE
)


def kept() -> dict[str, Any]:
    """The newest schema as it is kept; empty where it is not written yet."""
    schema: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return schema


def generated() -> dict[str, Any]:
    """The schema that the models give now."""
    schema: dict[str, Any] = transform_schema(Answer)
    return schema


if __name__ == "__main__":
    if kept() not in ({}, generated()):
        sys.exit(NEXT)
    FILE.write_text(json.dumps(generated(), indent=2) + "\n")
