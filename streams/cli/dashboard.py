"""`earmark dashboard`: what Earmark knows, as pages for a browser on this machine."""

import click

from streams.app import dashboard as app
from streams.settings import load


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="Instead of that in EARMARK_DASHBOARD_PORT; 0: one that is free.",
)
def dashboard(port: int | None) -> None:
    """Serve the pages on the read model to browsers on this machine, until SIGTERM or Ctrl-C.

    It only reads, and needs neither Kafka nor `earmark up`, which starts one by itself.
    """
    settings = load()
    if port is not None:
        host = settings.dashboard_port.rpartition(":")[0]
        settings = settings.model_copy(update={"dashboard_port": f"{host}:{port}"})
    app.dashboard(settings)
