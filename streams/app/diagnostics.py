"""What a process says on stderr while it runs."""

import logging

from streams.events.text import printable

CHATTY = "aiokafka"
WINDOW_S = 10.0
LINES_A_WINDOW = 5


class RateLimit(logging.Filter):
    """Lets `LINES_A_WINDOW` lines of aiokafka through every `WINDOW_S` seconds: a broker that is away makes it shout.

    The first line after a silence says how many were left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._window_began = float("-inf")
        self._passed = self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is written; time is the record's own."""
        if record.name.partition(".")[0] != CHATTY:
            return True
        if record.created - self._window_began >= WINDOW_S:
            self._window_began, self._passed = record.created, 0
        self._passed += 1
        if self._passed > LINES_A_WINDOW:
            self._left_out += 1
            return False
        if self._left_out:
            record.msg, record.args = f"{record.getMessage()} ({self._left_out} lines left out)", ()
            self._left_out = 0
        return True


class Lines(logging.Formatter):
    """Lines without control characters: a stranger's words are in them."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and below it the traceback if there is one."""
        return printable(super().format(record), "\n\t")


def configure() -> None:
    """Send every log line to stderr with its time; Faust and aiokafka speak from warnings on."""
    handler = logging.StreamHandler()
    handler.addFilter(RateLimit())
    handler.setFormatter(Lines("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.INFO)
    for name in ("faust", "mode", CHATTY):
        logging.getLogger(name).setLevel(logging.WARNING)
