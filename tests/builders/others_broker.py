"""A broker that keeps every default of Kafka, auto-creation among them, with a listener for each way to log in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from streams.log.connection import Connection
from tests.builders.kafka_nodes import CLUSTER_ID, ONE_NODE, Node, ports, running, serving

USER, PASSWORD = "earmark", "correct-horse"
UNREACHABLE = "127.0.0.1:9"
LISTENERS = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL")
PLAIN = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


@dataclass(frozen=True)
class OthersBroker:
    """`address`: security protocol → host:port. `ca_file` signed it, `other_ca_file` did not.

    At `misnamed` it answers as well, and says of itself that it is at UNREACHABLE.
    """

    address: dict[str, str]
    misnamed: str
    ca_file: Path
    other_ca_file: Path

    def environment(self, protocol: str = "PLAINTEXT", mechanism: str = "PLAIN") -> dict[str, str]:
        """The settings that get through."""
        settings = {"EARMARK_KAFKA": self.address[protocol], "EARMARK_KAFKA_SECURITY_PROTOCOL": protocol}
        if protocol.startswith("SASL"):
            settings |= {
                "EARMARK_KAFKA_SASL_MECHANISM": mechanism,
                "EARMARK_KAFKA_USERNAME": USER,
                "EARMARK_KAFKA_PASSWORD": PASSWORD,
            }
        if protocol.endswith("SSL"):
            settings["EARMARK_KAFKA_CA_FILE"] = str(self.ca_file)
        return settings

    def connection(self, prefix: str) -> Connection:
        """By the listener that asks for nothing."""
        return Connection(self.address["PLAINTEXT"], prefix)


@contextmanager
def others_broker(folder: Path) -> Iterator[OthersBroker]:
    """The broker, for as long as the block lasts."""
    folder.mkdir(exist_ok=True)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other-ca.pem")
    _write_keystore(ca.issue_cert("localhost"), folder / "keystore.pem")
    controller, misnamed, *free = ports(2 + len(LISTENERS))
    address = {
        protocol: f"{'localhost' if protocol.endswith('SSL') else '127.0.0.1'}:{port}"
        for protocol, port in zip(LISTENERS, free, strict=True)
    }
    own = [f"{protocol}://{place}" for protocol, place in address.items()]
    mechanisms = {
        f"listener.name.{protocol.lower()}.{name}": value
        for protocol in LISTENERS
        if protocol.startswith("SASL")
        for name, value in (
            ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256"),
            ("plain.sasl.jaas.config", PLAIN),
            ("scram-sha-256.sasl.jaas.config", SCRAM),
        )
    }
    node = Node(
        folder / "node",
        {
            **ONE_NODE,
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
            "listener.security.protocol.map": ",".join(
                [
                    "CONTROLLER:PLAINTEXT",
                    "MISNAMED:PLAINTEXT",
                    *(f"{protocol}:{protocol}" for protocol in LISTENERS),
                ]
            ),
            "listeners": ",".join(
                [*own, f"MISNAMED://127.0.0.1:{misnamed}", f"CONTROLLER://127.0.0.1:{controller}"]
            ),
            "advertised.listeners": ",".join([*own, f"MISNAMED://{UNREACHABLE}"]),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "keystore.pem"),
            **mechanisms,
        },
    )
    node.format(
        "--standalone",
        f"--cluster-id={CLUSTER_ID}",
        f"--add-scram=SCRAM-SHA-256=[name={USER},password={PASSWORD}]",
    )
    with running([node]):
        asyncio.run(serving(Connection(address["PLAINTEXT"]), 1))
        yield OthersBroker(address, f"127.0.0.1:{misnamed}", folder / "ca.pem", folder / "other-ca.pem")


def _write_keystore(certificate: trustme.LeafCert, file: Path) -> None:
    """Kafka wants the key in PKCS #8."""
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), None)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    )
