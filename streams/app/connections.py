"""Settings become the things that processes and verbs talk to; light to import, for every verb needs it."""

from streams.broker import local
from streams.errors import EarmarkError
from streams.log.connection import Connection
from streams.settings import LOOPBACK, Settings
from streams.ytdlp.process import Options

_EVERYWHERE = {"0.0.0.0", "[::]"}  # noqa: S104  whoever sets it may choose that


def connection_of(settings: Settings) -> Connection:
    """How to reach the log: EARMARK_KAFKA, or else the local broker, which must be running.

    Raises EarmarkError where there is neither.
    """
    bootstrap = settings.kafka or local.find(settings.home)
    if bootstrap is None:
        raise EarmarkError(
            f"no broker runs in {settings.home}: start everything with `earmark up`, only the broker with"
            " `earmark broker start`, or name your own in EARMARK_KAFKA"
        )
    return Connection(
        bootstrap=bootstrap,
        prefix=settings.topic_prefix,
        security_protocol=settings.kafka_security_protocol,
        sasl_mechanism=settings.kafka_sasl_mechanism,
        username=settings.kafka_username,
        password=None if settings.kafka_password is None else settings.kafka_password.get_secret_value(),
        ca_file=settings.kafka_ca_file,
    )


def pages_at(listens: str) -> str:
    """What to type into a browser on this machine where the dashboard listens at `listens`, an address:port."""
    host, _, port = listens.rpartition(":")
    return f"http://{LOOPBACK if host in _EVERYWHERE else host}:{port}/"


def ytdlp_options(settings: Settings) -> Options:
    """How yt-dlp goes about its work."""
    return Options(youtube_url=settings.youtube_url, clients=settings.ytdlp_clients, cookies=settings.cookies)
