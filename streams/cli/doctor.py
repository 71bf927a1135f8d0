"""`earmark doctor`: what may be wrong, and the fix."""

import asyncio
import os
import sys
from functools import partial

import click

from streams.app.connections import connection_of
from streams.cli.status import quiet, say_beside
from streams.clock import utc_now
from streams.doctor.examine import checks, examine
from streams.doctor.finding import Finding, is_broken
from streams.errors import EarmarkError
from streams.settings import Settings, load


@click.command()
def doctor() -> None:
    """Look for what may be wrong: a line each check (ok, look or broken), with the fix. Exit 1 when something is broken.

    It takes some seconds, 20 at most, costs nothing, changes nothing, and needs nothing to run.
    """
    quiet()
    asyncio.run(_doctor())


async def _doctor() -> None:
    settings, found = _settings()
    connect = partial(connection_of, settings or Settings.model_construct())
    for finding in found:
        _show(finding)
    async for findings in examine(checks(settings, connect, utc_now)):
        for finding in findings:
            _show(finding)
        found += findings
    code = 1 if is_broken(found) else 0
    # A look-up that hangs in a thread would hold up the end, which waits for threads: this does not.
    sys.stdout.flush()
    os._exit(code)


def _settings() -> tuple[Settings | None, list[Finding]]:
    try:
        return load(), []
    except EarmarkError as error:
        wrong = [Finding("settings", "broken", line) for line in str(error).splitlines()]
        rest = "disk, ports, Kafka, Claude and YouTube are not looked at"
        return None, [*wrong, Finding("settings", "look", rest, "mend the settings, and try again")]


def _show(finding: Finding) -> None:
    fix = f" → {finding.fix}" if finding.fix else ""
    say_beside(f"{finding.verdict:<7} {finding.check:<15} ", finding.found + fix)
