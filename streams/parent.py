"""A process that ends with the one that started it, however that one ends: also by kill -9."""

import os
import signal
import threading
import time

PARENT = "_EARMARK_PARENT"
"""The variable in which a supervisor gives its children its process number."""
LOOK_EVERY_S = 0.5


def end_with_parent(parent: int, *, grace_s: float) -> None:
    """Send SIGTERM to this process once `parent` (its parent's number) is gone, and end it `grace_s` seconds later.

    A thread looks: it also turns while the main thread is held up, and needs nothing of the operating system that
    only Linux has.
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_EVERY_S)
        if grace_s > 0:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(grace_s)
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=look, name="parent", daemon=True).start()
