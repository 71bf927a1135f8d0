"""Log lines with facts: `journal(__name__).info("what happened", video=…, usd=…)`.

They go through the standard library's logging like everybody else's, so a process that configures nothing shows none
below a warning. What no line may be called: `name`, `msg`, `args`, `process` and whatever else a LogRecord has.
"""

import logging
from contextlib import AbstractContextManager
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars
from structlog.stdlib import BoundLogger, filter_by_level, render_to_log_args_and_kwargs

Journal = BoundLogger


def journal(name: str) -> Journal:
    """The logger of a module."""
    logger: Journal = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[filter_by_level, render_to_log_args_and_kwargs],
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=True,
    )
    return logger


def about(**facts: Any) -> AbstractContextManager[None]:
    """Put `facts` into every line of this task for as long as the block lasts; those that are null stay out."""
    return bound_contextvars(**{name: fact for name, fact in facts.items() if fact is not None})
