"""The command line: every verb, and the one place that turns an error into a sentence and an exit code."""

import sys
from importlib import import_module

import click

from streams.cli.terminal import say
from streams.errors import EarmarkError

VERBS = {
    "demo": "streams.cli.demo:demo",
    "up": "streams.cli.up:up",
    "watch": "streams.cli.processes:watch",
    "worker": "streams.cli.processes:worker",
    "analyst": "streams.cli.processes:analyst",
    "projector": "streams.cli.projector:projector",
    "prepare": "streams.cli.processes:prepare",
    "follow": "streams.cli.channels:follow",
    "unfollow": "streams.cli.channels:unfollow",
    "channels": "streams.cli.channels:channels",
    "add": "streams.cli.channels:add",
    "retry": "streams.cli.retry:retry",
    "status": "streams.cli.status:status",
    "doctor": "streams.cli.doctor:doctor",
    "explain": "streams.cli.explain:explain",
    "report": "streams.cli.report:report",
    "budget": "streams.cli.budget:budget",
    "sql": "streams.cli.sql:sql",
    "rebuild": "streams.cli.projector:rebuild",
    "replay": "streams.cli.replay:replay",
    "prompts": "streams.cli.prompts:prompts",
    "signals": "streams.cli.signals:signals",
    "dead-letters": "streams.cli.dead_letters:dead_letters",
    "settings": "streams.cli.settings:settings",
    "backup": "streams.cli.archive:backup_",
    "restore": "streams.cli.archive:restore_",
    "topics": "streams.cli.topics:topics",
    "broker": "streams.cli.broker:broker",
}


class _Verbs(click.Group):
    """Imports a verb's module when it is asked for: `earmark sql` must not wait for Faust and the SDK."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module, _, attribute = VERBS[name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="earmark", prog_name="earmark")
def earmark() -> None:
    """Listen to finance videos and put every stock call on the record."""


def main() -> None:
    """Run `earmark`. A foreseen error is one sentence on stderr and an exit code."""
    try:
        earmark(standalone_mode=True)
    except EarmarkError as error:
        _end(str(error), error.exit_code)
    except Exception as error:
        from aiokafka.errors import KafkaError  # noqa: PLC0415  not every verb needs Kafka

        if not isinstance(error, KafkaError):
            raise
        _end(f"Kafka failed: {error!r}; see `earmark broker status`, or EARMARK_KAFKA", 1)


def _end(sentence: str, code: int) -> None:
    say(f"earmark: {sentence}", err=True)
    sys.exit(code)
