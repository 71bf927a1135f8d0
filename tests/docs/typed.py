"""Who runs what the pages say to type."""

from collections.abc import Iterator

from tests.docs.pages import README, VERBS, Page

UP = "earmark up"
FOLLOW = "earmark follow @SomeChannel --since 30d"
BOXES: tuple[tuple[Page, str], ...] = (
    (README, "For a bot"),
    (README, "For a shell"),
    (README, "For an analyst"),
    (README, "For the operator"),
    (VERBS, "For another prompt"),
)
"""Typed by `test_readme.py`, while everything runs."""
COLLECTED = ".venv/bin/pytest "
"""Collected by `test_pages.py`: the tests themselves are run with all others."""
ELSEWHERE = {
    "make demo": "tests/docs/test_demo.py runs what it runs",
    "make test": "this is one of its tests",
    "make lint": "comes before the tests in `make test`",
    "make setup": "comes before every other target",
    "source .venv/bin/activate": "the PATH of the shell in tests/docs/test_readme.py",
    "export ANTHROPIC_API_KEY=…": "the environment of the shell in tests/docs/test_readme.py",
    "make bench": "takes long; tests/benchmarks/test_quick.py runs all of them at their smallest",
    ".venv/bin/python -m tests.benchmarks live activation": "likewise",
    ".venv/bin/python -m tests.benchmarks --full --write": "likewise; tests/docs/test_pages.py writes the page",
    ".venv/bin/python -m tests.chaos.cap --analysts 4 --kills 200 --stops 50 --videos 2000 --cap 0.50": (
        "an hour at most; tests/chaos/test_cap.py is its short form"
    ),
    ".venv/bin/python -m tests.chaos.cluster --kills 6": (
        "a quarter of an hour; tests/chaos/test_cluster.py is its short form"
    ),
    "make chaos": "an hour at most; the short forms are in tests/chaos",
    ".venv/bin/python -m tests.chaos.whole --videos 80 --seconds 300": (
        "ten minutes; tests/chaos/test_whole.py is its short form"
    ),
    ".venv/bin/python -m tests.chaos.readers --kills 200": (
        "ten minutes; tests/chaos/test_readers.py is its short form"
    ),
    ".venv/bin/python -m tests.chaos.night": "ten minutes of waiting; each of its parts has a test",
    ".venv/bin/python -m tests.chaos.outage": "two minutes; tests/chaos/test_outage.py is its short form",
    ".venv/bin/python -m tests.week": "five minutes; tests/week/test_week.py is its short form",
    ".venv/bin/python -m tests.fuzz": "three minutes; tests/fuzz/test_fuzz.py is its short form",
    "make screenshots": "tests/docs/test_pages.py looks at what it took",
    ".venv/bin/python -m tests.docs.readme": "tests/docs/test_pages.py compares what it writes",
}
"""What is not typed, and why that is no gap."""


def typed() -> Iterator[str]:
    """Every command that `test_readme.py` types."""
    yield UP
    yield FOLLOW
    for page, heading in BOXES:
        yield from page.commands(heading)
