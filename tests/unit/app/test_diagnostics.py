"""What reaches stderr."""

import logging

from streams.app.diagnostics import LINES_A_WINDOW, RateLimit


def line(name: str, created: float) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, "", 0, "broker %s is away", ("b1",), None)
    record.created = created
    return record


def test_aiokafka_is_held_to_a_few_lines_a_window_and_the_rest_are_counted() -> None:
    limit = RateLimit()
    passed = [limit.filter(line("aiokafka.conn", 100 + i / 100)) for i in range(100)]
    assert passed.count(True) == LINES_A_WINDOW
    later = line("aiokafka", 200)
    assert limit.filter(later)
    assert later.getMessage() == f"broker b1 is away ({100 - LINES_A_WINDOW} lines left out)"


def test_nobody_else_is_held_back() -> None:
    limit = RateLimit()
    assert all(limit.filter(line("streams.worker.wrapper", 0)) for _ in range(100))
