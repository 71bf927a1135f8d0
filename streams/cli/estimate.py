"""The price of many videos, before they are taken."""

from streams.budget.forecast import Forecast
from streams.cli.confirm import confirm
from streams.cli.terminal import say
from streams.discovery import backfill
from streams.discovery.estimate import read_forecast
from streams.log.connection import Connection
from streams.prompts.files import BUNDLED, read_prompt
from streams.prompts.registry import read_prompts
from streams.settings import Settings

ASK_ABOVE = 10
"""More videos than these, named one by one, are asked about."""


async def forecast_of(connection: Connection) -> Forecast:
    """What an analysis under the prompt that counts costs. Raises UnknownPriceError."""
    prompts = await read_prompts(connection)
    return await read_forecast(connection, prompts, prompts.active or read_prompt(BUNDLED))


def is_worth_it(
    what: str, videos: int, seconds: float | None, forecast: Forecast, settings: Settings, *, yes: bool
) -> bool:
    """Say what `videos` would cost, `seconds` long together where that is known, and ask unless `yes`."""
    usd = forecast.of_videos(videos, seconds)
    days = backfill.days(usd, settings.daily_cap_usd, settings.backfill_share)
    say(
        f"{what}: about {usd:.2f} US dollars at list price, "
        + ("never at a daily cap of 0" if days is None else f"{days} day{'' if days == 1 else 's'}")
        + f" at {settings.backfill_share:.0%} of a daily cap of {settings.daily_cap_usd} US dollars"
        + f" ({basis(forecast)})",
        folds=True,
    )
    return yes or confirm("Take them?")


def basis(forecast: Forecast) -> str:
    """What a forecast goes by."""
    analyses = forecast.rates.analyses
    return f"by the newest {analyses} analyses" if analyses else "a guess: the log has no analysis to go by"
