"""What a process is doing, for other processes of the same EARMARK_HOME to show. Nothing depends on it."""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


def put_up(path: Path, form: TypeAdapter[T], value: T) -> None:
    """Write it, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}")
    new.write_bytes(form.dump_json(value))
    new.replace(path)


def read(path: Path, form: TypeAdapter[T]) -> T | None:
    """What was last written, or None where there is nothing that can be read."""
    try:
        return form.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
