"""What a process says on stderr while it runs: one line an event, for people or as JSON, without any secret."""

import json
import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from structlog.contextvars import merge_contextvars
from structlog.processors import JSONRenderer, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict

from streams.events.text import printable
from streams.secrets import Secrets

CHATTY = "aiokafka"
WINDOW_S = 10.0
LINES_A_WINDOW = 5

Form = Literal["text", "json"]


class RateLimit(logging.Filter):
    """Lets `LINES_A_WINDOW` lines of aiokafka through every `WINDOW_S` seconds: a broker that is away makes it shout.

    The first line after a silence says how many were left out. None is an error: aiokafka tries again by itself, and
    whether Kafka is away the pulse says.
    """

    def __init__(self) -> None:
        super().__init__()
        self._window_began = float("-inf")
        self._passed = self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is written; time is the record's own."""
        if record.name.partition(".")[0] != CHATTY:
            return True
        record.levelno, record.levelname = logging.INFO, "INFO"
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


class Lines(ProcessorFormatter):
    """Lines of `process` with all their facts, without control characters (a stranger's words are in them) and secrets."""

    def __init__(self, process: str, form: Form = "text", secrets: Iterable[str] = ()) -> None:
        self._process = process
        self._hide = Secrets(secrets).hide
        render = _for_people if form == "text" else JSONRenderer(ensure_ascii=False, default=str)
        super().__init__(
            foreign_pre_chain=[merge_contextvars, ExtraAdder()],
            processors=[
                self._with_origin,
                ProcessorFormatter.remove_processors_meta,
                format_exc_info,
                self._without_secrets,
                render,
            ],
        )

    def _with_origin(self, _logger: Any, _method: str, line: EventDict) -> EventDict:
        record: logging.LogRecord = line["_record"]
        at = datetime.fromtimestamp(record.created, UTC)
        return {
            "time": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
            "level": record.levelname,
            "process": self._process,
            "pid": os.getpid(),
            "logger": record.name,
            "event": line["event"],
            **{name: line[name] for name in _FIRST if name in line},
            **line,
        }

    def _without_secrets(self, _logger: Any, _method: str, line: EventDict) -> EventDict:
        # Here, too: what is rendered may be quoted twice, and then no form of a secret is found in it.
        return {name: self._hide_in(fact) for name, fact in line.items()}

    def _hide_in(self, fact: Any) -> Any:
        match fact:
            case str():
                return self._hide(fact)
            case dict():
                return {name: self._hide_in(value) for name, value in fact.items()}
            case list() | tuple():
                return [self._hide_in(value) for value in fact]
            case _:
                return fact

    def format(self, record: logging.LogRecord) -> str:
        """The line; for people with the traceback below it, if there is one."""
        return self._hide(printable(super().format(record), "\n\t"))


def _for_people(_logger: Any, _method: str, line: EventDict) -> str:
    origin = "{time} {level} {process}[{pid}] {logger}: ".format_map(line)
    traceback = line.pop("exception", None)
    said = printable(line["event"])
    facts = [f"{name}={_shown(fact)}" for name, fact in line.items() if name not in _ORIGIN]
    below = "" if traceback is None else f"\n{traceback}"
    return " ".join([origin + said, *facts]) + below


_FIRST = ("video", "attempt", "lane")
_ORIGIN = {"time", "level", "process", "pid", "logger", "event"}


def _shown(fact: object) -> str:
    """A fact as it can be told from the next one."""
    text = f"{fact:f}".rstrip("0").rstrip(".") if isinstance(fact, float) else str(fact)
    return (
        text
        if text and text.isprintable() and not set(text) & set(' "=')
        else json.dumps(text, ensure_ascii=False)
    )


def configure(
    process: str, form: Form = "text", level: Literal["info", "debug"] = "info", secrets: Iterable[str] = ()
) -> None:
    """Send every log line to stderr, without `secrets`; chatty libraries speak from warnings on, unless all do."""
    handler = logging.StreamHandler()
    handler.addFilter(RateLimit())
    handler.setFormatter(Lines(process, form, secrets))
    logging.root.handlers = [handler]
    logging.root.setLevel(level.upper())
    for name in ("faust", "mode", "httpx2", CHATTY):
        logging.getLogger(name).setLevel(logging.WARNING if level == "info" else logging.DEBUG)
