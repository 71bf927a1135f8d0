"""Kafka is asked once before anything uses it: whether we get through, and if not, which setting it is.

The clients themselves try for ever, a line each time, and say neither.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from streams.errors import EarmarkError, TransientError
from streams.log.connection import Connection, WrongSettingsError

PATIENCE_S = 5.0
ANSWER_LIMIT_S = 4.0
_PAUSE_S = 0.5
_NO_MECHANISM = "none"  # the answer to a mechanism that nobody has names those that there are

Server = tuple[str, int]
"""(host, port)."""


class AwayError(TransientError):
    """No Kafka answers there now: it may come, or the address is wrong."""


async def check_access(connection: Connection, patience_s: float = PATIENCE_S) -> None:
    """Log in to Kafka once, and reach one of the brokers that it names.

    Raises WrongSettingsError at once where a setting is wrong, and AwayError where nobody has answered for `patience_s`
    seconds (and ANSWER_LIMIT_S more, where an address swallows what is sent to it).
    """
    servers = _servers(connection)
    _check_login(connection)
    until = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return await _reach(connection, servers)
        except AwayError:
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(_PAUSE_S)


def _servers(connection: Connection) -> list[Server]:
    try:
        found = [(host, port) for host, port, _family in collect_hosts(connection.bootstrap, randomize=False)]
    except ValueError:
        found = []
    if not found or not all(host.strip() for host, _port in found):
        raise WrongSettingsError(
            f"EARMARK_KAFKA: {connection.bootstrap!r} is no list of servers: write it like kafka.example.org:9092"
        )
    return [(host.strip(), port) for host, port in found]


def _check_login(connection: Connection) -> None:
    if not connection.security_protocol.startswith("SASL"):
        return
    for name, value in (
        ("EARMARK_KAFKA_USERNAME", connection.username),
        ("EARMARK_KAFKA_PASSWORD", connection.password),
    ):
        if value is None:
            raise WrongSettingsError(
                f"{name} is not set, and EARMARK_KAFKA_SECURITY_PROTOCOL is {connection.security_protocol}:"
                " set it, or use a protocol without a login"
            )


async def _reach(connection: Connection, servers: Sequence[Server]) -> None:
    """Log in at any of `servers`, and at any broker that it names."""
    brokers = await _first(connection, servers, f"EARMARK_KAFKA: no Kafka answers at {connection.bootstrap}")
    if not set(brokers).intersection(servers):
        names = ", ".join(f"{host}:{port}" for host, port in brokers)
        await _first(
            connection,
            brokers,
            f"EARMARK_KAFKA: Kafka at {connection.bootstrap} says that its brokers are {names} (its"
            " advertised.listeners), and none of them answers",
        )


async def _first(connection: Connection, servers: Sequence[Server], trouble: str) -> list[Server]:
    """What the first of `servers` that lets us in says are the cluster's brokers."""
    attempts = [asyncio.create_task(_brokers(connection, server)) for server in servers]
    try:
        wrong: EarmarkError | None = None
        away: Exception | None = None
        for attempt in asyncio.as_completed(attempts):
            try:
                return await attempt
            except WrongSettingsError as error:
                wrong = error
            except (OSError, KafkaError) as error:
                away = error
        raise wrong or AwayError(f"{trouble} ({_words(away)}): is it up, and is the address right?")
    finally:
        for attempt in attempts:
            attempt.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)


def _words(error: Exception | None) -> str:
    match error:
        case socket.gaierror():
            return "the name does not resolve"
        case TimeoutError():
            return f"not within {ANSWER_LIMIT_S:g} s"
        case ConnectionRefusedError():
            return "the connection is refused"
        case OSError(strerror=str() as words):
            return words
        case _:
            return str(error)


async def _brokers(connection: Connection, server: Server) -> list[Server]:
    """Log in at `server` and ask for the cluster's brokers. Raises WrongSettingsError, OSError or KafkaError."""
    try:
        async with _opened(connection, server) as opened:
            answer = await opened.send(MetadataRequest([]))
    except (OSError, KafkaError) as error:
        if wrong := await _wrong(connection, server, error):
            raise WrongSettingsError(wrong) from error
        raise
    return [(host, port) for _node, host, port, *_rack in answer.brokers] or [server]


@asynccontextmanager
async def _opened(
    connection: Connection, server: Server, protocol: str | None = None
) -> AsyncIterator[AIOKafkaConnection]:
    """A connection that is logged in, by `protocol` or else as `connection` says; all within ANSWER_LIMIT_S."""
    async with asyncio.timeout(ANSWER_LIMIT_S):
        opened = await create_conn(
            *server,
            security_protocol=protocol or connection.security_protocol,
            ssl_context=connection.ssl_context,
            sasl_mechanism=connection.sasl_mechanism,
            sasl_plain_username=connection.username,
            sasl_plain_password=connection.password,
        )
        try:
            yield opened
        finally:
            await opened.close()


async def _wrong(connection: Connection, server: Server, error: Exception) -> str | None:
    """Which setting is wrong, where one is: by what `server` said, or by what it answers to the other protocols."""
    place, protocol = f"Kafka at {server[0]}:{server[1]}", connection.security_protocol
    match error:
        case ConnectionRefusedError() | socket.gaierror():
            wrong = None
        case SaslAuthenticationFailed():
            wrong = (
                f"EARMARK_KAFKA_USERNAME or EARMARK_KAFKA_PASSWORD is wrong: {place} does not let"
                f" {connection.username} in by {connection.sasl_mechanism}"
            )
        case UnsupportedSaslMechanismError():
            known = ", ".join(await _mechanisms(connection, server))
            wrong = f"EARMARK_KAFKA_SASL_MECHANISM is {connection.sasl_mechanism}, and {place} takes {known}"
        case IllegalSaslStateError():
            wrong = (
                f"EARMARK_KAFKA_SECURITY_PROTOCOL is {protocol}, and {place} asks for no login: set it to"
                f" {protocol.removeprefix('SASL_')}"
            )
        case ssl.SSLCertVerificationError():
            wrong = _certificate(connection, place, error)
        case _:
            wrong = await _other_protocol(connection, server, place)
    return wrong


async def _other_protocol(connection: Connection, server: Server, place: str) -> str | None:
    """What is wrong with EARMARK_KAFKA_SECURITY_PROTOCOL, where `server` answers to another one."""
    protocol = connection.security_protocol
    bare = protocol.removeprefix("SASL_")
    encrypted = bare == "SSL"
    setting = f"EARMARK_KAFKA_SECURITY_PROTOCOL is {protocol}, and {place}"
    if await _speaks(connection, server, encrypted=not encrypted):
        other = "PLAINTEXT" if encrypted else "SSL"
        return f"{setting} speaks {'no ' if encrypted else ''}TLS: set it to {protocol.replace(bare, other)}"
    if protocol == bare and (mechanisms := await _mechanisms(connection, server)):
        return (
            f"{setting} asks for a login ({', '.join(mechanisms)}): set it to SASL_{protocol}, and"
            " EARMARK_KAFKA_USERNAME and EARMARK_KAFKA_PASSWORD"
        )
    return None


def _certificate(connection: Connection, place: str, error: ssl.SSLCertVerificationError) -> str:
    why = error.verify_message.rstrip(".")
    if "match" in why or "valid for" in why:
        return (
            f"EARMARK_KAFKA: the certificate of {place} is for another name ({why}): write the name it is for"
        )
    if connection.ca_file is None:
        return (
            f"EARMARK_KAFKA_CA_FILE is not set, and no CA of this machine signed the certificate of {place} ({why}):"
            " set it to that cluster's CA"
        )
    return f"EARMARK_KAFKA_CA_FILE: {connection.ca_file} does not verify the certificate of {place} ({why})"


async def _speaks(connection: Connection, server: Server, *, encrypted: bool) -> bool:
    """Whether `server` shakes hands with whatever certificate, or else answers without TLS."""
    try:
        if not encrypted:
            async with _opened(connection, server, "PLAINTEXT"):
                return True
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        async with asyncio.timeout(ANSWER_LIMIT_S):
            _reader, writer = await asyncio.open_connection(*server, ssl=anybody)
            writer.close()
    except (OSError, KafkaError):
        return False
    return True


async def _mechanisms(connection: Connection, server: Server) -> list[str]:
    """The ways to log in at `server`; none where it asks for no login."""
    try:
        async with _opened(connection, server, connection.security_protocol.removeprefix("SASL_")) as opened:
            answer = await opened.send(SaslHandShakeRequest(_NO_MECHANISM))
    except (OSError, KafkaError):
        return []
    return list(answer.enabled_mechanisms)
