"""Packages that some test reads with and that Earmark must not have around: pyarrow, for one, loads NumPy where it finds it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def environment_with(*packages: str) -> Mapping[str, str]:
    """The environment of a process that finds these, each `name==version`, before what is installed here.

    They are in a folder beside it, in the same virtual environment; the first run downloads them.
    """
    folder = Path(sys.prefix) / "beside" / "+".join(packages)
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.unfinished")
        uv = Path(sys.executable).with_name("uv")
        ours = [uv, "pip", "install", "--python", sys.executable]
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
        subprocess.run(
            [
                *(ours if uv.exists() else pip),
                *("--quiet", "--only-binary", ":all:", "--target", unfinished, *packages),
            ],
            check=True,
        )
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return {**os.environ, "PYTHONPATH": str(folder)}
