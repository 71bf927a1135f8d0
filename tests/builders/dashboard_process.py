"""`earmark dashboard` as a process, and what it answers."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

LIMIT_S = 60.0


@contextmanager
def dashboard(home: Path, folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of the pages on `home`, by a process in `folder`; SIGTERM ends it, and well."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("EARMARK_", "ANTHROPIC_"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "streams", "dashboard", "--port", "0"],
        cwd=folder,
        env={**inherited, "EARMARK_HOME": str(home), **(variables or {})},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"the pages are at (http://127\.0\.0\.1:\d+)/$", said.rstrip())
        assert found is not None, said + process.stderr.read()
        yield found[1]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=LIMIT_S)
        assert (process.returncode, said) == (0, "")
    finally:
        process.kill()
        process.communicate()


def get(address: str) -> tuple[int, str]:
    """The status and the page."""
    try:
        with urlopen(address, timeout=LIMIT_S) as answer:  # noqa: S310  our own
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
