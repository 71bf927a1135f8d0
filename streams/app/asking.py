"""Asking about a gold set, with the real things it needs."""

from collections.abc import Sequence
from decimal import Decimal

from streams.app.processes import limits_of
from streams.claude.client import Claude, client
from streams.clock import utc_now
from streams.evaluation.ask import ask
from streams.evaluation.questions import Question
from streams.log.connection import Connection
from streams.log.publish import publisher
from streams.settings import Settings


async def ask_claude(
    settings: Settings, connection: Connection, questions: Sequence[Question], max_usd: Decimal | None
) -> str | None:
    """Ask what the log does not answer; why some of it was not asked, or None. Raises as `ask` does."""
    key = settings.anthropic_api_key
    named = None if key is None else key.get_secret_value()
    async with (
        client(named, settings.anthropic_base_url, settings.calls_in_flight) as sdk,
        publisher(connection) as appender,
    ):
        return await ask(
            connection, appender, Claude(sdk, utc_now), limits_of(settings), questions, utc_now, max_usd
        )
