"""The log as verbs open it."""

from streams.app.connections import connection_of
from streams.log.connection import Connection
from streams.log.ready import topics_answer
from streams.settings import Settings

ANSWER_LIMIT_S = 20.0


async def open_log(settings: Settings) -> Connection:
    """The connection to a log that answers. Raises EarmarkError where none does within ANSWER_LIMIT_S seconds."""
    connection = connection_of(settings)
    await topics_answer(connection, ANSWER_LIMIT_S)
    return connection
