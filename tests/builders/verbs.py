"""Every verb that talks to Kafka, as typed against a log that was prepared and is empty, and the exit code it has there."""

from collections.abc import Iterator

import click

from streams.cli.main import earmark
from streams.prompts.files import BUNDLED, read_prompt

_NAME = read_prompt(BUNDLED).name
_CHANNEL = "UC0123456789abcdefghijkl"
# Where nothing answers: what comes behind Kafka then fails, and says so.
NOBODY = {
    "ANTHROPIC_API_KEY": "key",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    "EARMARK_YOUTUBE_URL": "http://127.0.0.1:9",
}
VERBS = {
    "topics plan": 0,
    "topics apply": 0,
    f"follow {_CHANNEL} --yes": 1,
    f"unfollow {_CHANNEL}": 1,
    "channels": 0,
    "add abcdefghijk": 0,
    "retry abcdefghijl": 1,
    "budget": 0,
    "rebuild": 0,
    f"replay plan {_NAME}": 1,
    f"replay run {_NAME} --max-usd 1": 1,
    "replay status": 0,
    "replay cancel abc": 1,
    f"replay compare {_NAME} {_NAME}": 1,
    "prompts list": 0,
    f"prompts show {_NAME}": 0,
    f"prompts diff {_NAME} {_NAME}": 0,
    f"prompts activate {_NAME}": 0,
    f"prompts register {BUNDLED}": 0,
    f"evaluate demo --prompt {_NAME} --max-usd 0": 3,
    "dead-letters list": 0,
    "dead-letters show 0": 3,
    "dead-letters retry 0": 3,
    "explain abcdefghijm": 0,
    "backup archive": 0,
}
PROCESSES = ("watch", "worker", "analyst", "projector")
TAIL = "signals tail"
# `up` does what `prepare` does and starts the processes.
# They say in a table what does not answer, and go on.
LOOKS = ("status", "doctor")
# `restore` looks at its folder first, and then does what `prepare` does.
OTHERS = {*PROCESSES, *LOOKS, TAIL, "prepare", "restore", "up"}
# The dashboard goes on, too, and says on a page what does not answer.
WITHOUT_KAFKA = {
    "broker run",
    "broker start",
    "broker status",
    "broker stop",
    "dashboard",
    "demo",
    "export",
    "report",
    "settings",
    "signals contract",
    "sql",
}


def every_verb(group: click.Group = earmark, before: str = "") -> Iterator[str]:
    """Every command that can be typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_verb(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"
