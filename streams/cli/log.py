"""The log as verbs open it."""

import click

from streams.app.connections import connection_of
from streams.log.connection import Connection
from streams.log.ready import topics_answer
from streams.settings import Settings

ANSWER_LIMIT_S = 20.0

from_log_option = click.option(
    "--from-log",
    is_flag=True,
    help="Read all of the ledger, whatever is kept beside it; slow where it is long.",
)


async def open_log(settings: Settings, limit_s: float = ANSWER_LIMIT_S) -> Connection:
    """The connection to a log that answers. Raises EarmarkError if none does within `limit_s` seconds."""
    connection = connection_of(settings)
    await topics_answer(connection, limit_s)
    return connection
