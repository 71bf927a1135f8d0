"""A Connection as Faust wants it."""

from pathlib import Path

import faust
import pytest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from streams.log.connection import Connection, WrongSettingsError
from streams.worker.worker import credentials, settings

PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_faust_logs_in_and_encrypts_as_every_other_client_does(protocol: str, mechanism: str) -> None:
    connection = Connection(
        "b1:9092",
        security_protocol=protocol,
        sasl_mechanism=mechanism,
        username="u",
        password="p",  # noqa: S106
    )
    theirs = credentials_to_aiokafka_auth(credentials(connection))
    ours = connection._client
    assert theirs["security_protocol"] == protocol
    assert (theirs.get("ssl_context") is None) == (connection.ssl_context is None)
    if protocol.startswith("SASL"):
        names = ("sasl_mechanism", "sasl_plain_username", "sasl_plain_password")
        assert {name: theirs[name] for name in names} == {name: ours[name] for name in names}


def test_a_certificate_of_ones_own_must_be_readable() -> None:
    connection = Connection("b1:9092", security_protocol="SSL", ca_file=Path("/no/such/ca.pem"))
    with pytest.raises(WrongSettingsError, match=r"EARMARK_KAFKA_CA_FILE: /no/such/ca\.pem"):
        credentials(connection)


def test_faust_knows_every_setting_and_every_server() -> None:
    app = faust.App("earmark.worker", **settings(Connection("b1:9092, b2:9093"), "w7", 240.0))
    assert [url.authority for url in app.conf.broker] == ["b1:9092", "b2:9093"]
    assert app.conf.consumer_group_instance_id == "w7"
    assert app.conf.broker_rebalance_timeout > 240.0
    assert app.conf.broker_session_timeout <= app.conf.broker_request_timeout
    assert app.conf.id == "earmark.worker"


def test_what_one_answer_brings_fits_into_a_buffer_that_was_not_yet_called_full() -> None:
    """Faust's own measure of full; a put that has to wait holds up every partition."""
    app = faust.App("earmark.worker", **settings(Connection("b1:9092"), "w7", 240.0))
    buffer = app.FlowControlQueue(maxsize=app.conf.stream_buffer_maxsize)
    assert 0 < app.conf.broker_max_poll_records <= buffer.maxsize - buffer.pressure_high_size
