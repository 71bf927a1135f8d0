"""The command line: every verb, and the one place that turns an error into a sentence and an exit code."""

import gc
import os
from importlib import import_module
from typing import NamedTuple, NoReturn

import click

from streams.cli.terminal import say
from streams.errors import EarmarkError


class Verb(NamedTuple):
    """Where a verb's command is, and the first sentence of its help, so that a list of verbs imports none of them."""

    place: str
    meaning: str


VERBS = {
    "demo": Verb(
        "streams.cli.demo:demo",
        "Run the whole pipeline on a sample channel, without key or network, with scripted answers; exit 1 if a check fails",
    ),
    "up": Verb(
        "streams.cli.up:up",
        "Run broker, watch, worker, analyst, projector and dashboard on this machine, until Ctrl-C",
    ),
    "watch": Verb(
        "streams.cli.processes:watch",
        "Poll the followed channels and publish new videos and due retries, until SIGTERM or Ctrl-C",
    ),
    "worker": Verb(
        "streams.cli.processes:worker",
        "Run the four Faust agents as EARMARK_WORKER_SLOT, until SIGTERM or Ctrl-C",
    ),
    "analyst": Verb(
        "streams.cli.processes:analyst",
        "Take analysis requests, call Claude within the budget and record the answers, until SIGTERM or Ctrl-C",
    ),
    "projector": Verb(
        "streams.cli.projector:projector",
        "Keep the read model up to date with the log, until SIGTERM or Ctrl-C",
    ),
    "dashboard": Verb(
        "streams.cli.dashboard:dashboard",
        "Serve the pages on the read model to browsers on this machine, until SIGTERM or Ctrl-C",
    ),
    "prepare": Verb("streams.cli.processes:prepare", "Create the topics and register the bundled prompt"),
    "follow": Verb(
        "streams.cli.channels:follow",
        "Follow each CHANNEL (id, @handle or address): take its new videos from now on",
    ),
    "unfollow": Verb("streams.cli.channels:unfollow", "Stop following each CHANNEL (id, @handle or address)"),
    "channels": Verb(
        "streams.cli.channels:channels",
        "List the followed channels: how far back, when they were looked at, and what pauses or fails",
    ),
    "add": Verb("streams.cli.channels:add", "Take each VIDEO (id or address) once, of any channel"),
    "retry": Verb(
        "streams.cli.retry:retry",
        "Request again what failed for good, captions and analyses alike: each VIDEO (id or address), or all with --failed",
    ),
    "status": Verb(
        "streams.cli.status:status", "Print what Earmark is doing: stages, lanes, money, processes, lag, disk"
    ),
    "doctor": Verb(
        "streams.cli.doctor:doctor",
        "Look for what may be wrong: a line each check (ok, look or broken), with the fix",
    ),
    "explain": Verb(
        "streams.cli.explain:explain",
        "Say what became of VIDEO (id or address): every record of it in order, what it waits for and until when",
    ),
    "report": Verb(
        "streams.cli.report:report", "Report what happened on a UTC day, in Markdown, from the read model"
    ),
    "budget": Verb(
        "streams.cli.budget:budget",
        "Print a UTC day's budget in US dollars, from the ledger: billed, unknown, open and left",
    ),
    "sql": Verb("streams.cli.sql:sql", "Query the read model in DuckDB's SQL, while the pipeline runs"),
    "export": Verb(
        "streams.cli.export:export_",
        "Write the read model's tables and views as files into the new folder DIR, for notebooks and other engines",
    ),
    "rebuild": Verb("streams.cli.projector:rebuild", "Rebuild the read model from the whole log"),
    "replay": Verb("streams.cli.replay:replay", "Replay history under another prompt: plan, run, compare"),
    "evaluate": Verb(
        "streams.cli.evaluate:evaluate",
        "Say how well a prompt hears the calls of GOLD: a folder, a CSV of VideoConviction, or `demo`",
    ),
    "prompts": Verb("streams.cli.prompts:prompts", "Prompts for Claude"),
    "signals": Verb(
        "streams.cli.signals:signals", "Stock calls and market views as they are added, changed and retracted"
    ),
    "dead-letters": Verb(
        "streams.cli.dead_letters:dead_letters",
        "Messages that no retry of the worker helped: which, why, and handling them again",
    ),
    "settings": Verb(
        "streams.cli.settings:settings",
        "Print each setting with its value and where it comes from: the environment, the .env file, or the default",
    ),
    "backup": Verb(
        "streams.cli.archive:backup_",
        "Copy the whole log into the folder TO: each record with its offset, time, key and headers",
    ),
    "restore": Verb(
        "streams.cli.archive:restore_",
        "Bring the log that was copied into the folder FROM into an empty one: this cluster's, or another's",
    ),
    "topics": Verb("streams.cli.topics:topics", "The topics of the log: the broker's against the code's"),
    "broker": Verb("streams.cli.broker:broker", "The local Kafka"),
}


class _Verbs(click.Group):
    """Imports a verb's module when it is asked for: `earmark sql` must not wait for Faust and the SDK."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module, _, attribute = VERBS[name].place.partition(":")
        # What modules make stays until the end: to look through it again and again is a tenth of a verb's start.
        gc.disable()
        command: click.Command = getattr(import_module(module), attribute)
        gc.enable()
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        room = formatter.width - 6 - max(map(len, VERBS))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=f"{verb.meaning}.").get_short_help_str(room))
                    for name, verb in VERBS.items()
                ]
            )


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="earmark", prog_name="earmark")
def earmark() -> None:
    """Listen to finance videos and put every stock call on the record."""


def main() -> None:
    """Run `earmark` and end its process. A foreseen error is one sentence on stderr and an exit code."""
    try:
        earmark(standalone_mode=True)
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        _end(end.code)
    except EarmarkError as error:
        say(f"earmark: {error}", err=True)
        _end(error.exit_code)
    except Exception as error:
        from aiokafka.errors import KafkaError  # noqa: PLC0415  not every verb needs Kafka

        if not isinstance(error, KafkaError):
            raise
        say(f"earmark: Kafka failed: {error!r}; see `earmark broker status`, or EARMARK_KAFKA", err=True)
        _end(1)


def _end(code: int) -> NoReturn:
    """End the process without taking apart what it holds, as mypy does: that is a third of what a short verb takes.

    Raises OSError where stdout does not take what was said.
    """
    try:
        print(end="", flush=True)
    except BrokenPipeError:  # nobody reads any more, which click says by a code, too
        code = 1
    os._exit(code)
