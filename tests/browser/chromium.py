"""The browser that the tests drive: `python -m tests.browser.chromium` installs one where it can, and says so where not."""

import os
import shutil
import subprocess

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
INSTALL = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
MISSING = (
    "there is no Chromium here, and the pages are tested in a real one: apt-get install -y chromium"
    " (on macOS: brew install --cask chromium)"
)


class NoChromiumError(Exception):
    """There is no browser to test with."""


def chromium() -> str:
    """The browser's path. Raises NoChromiumError."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise NoChromiumError(MISSING)
    return found


def install() -> None:
    """Have a browser: root of a Debian gets its own. Raises NoChromiumError."""
    if not any(map(shutil.which, NAMES)) and os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing chromium …", flush=True)
        for command in (["apt-get", "update", "-qq"], INSTALL):
            subprocess.run(
                command,
                env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                capture_output=True,
                check=False,
            )
    chromium()


if __name__ == "__main__":
    try:
        install()
    except NoChromiumError as missing:
        # The other tests are run; those in the browser fail with the same sentence.
        print(missing)
