"""Settings that are set and that nobody reads, or that cannot work together: pure."""

from collections.abc import Collection, Iterator, Mapping

from streams.doctor.finding import Finding, Verdict
from streams.settings import Settings, variable

CHECK = "settings"


def unread(
    settings: Settings, sources: Mapping[str, str], shadowed: Collection[str], clients: Mapping[str, bool]
) -> list[Finding]:
    """A finding each. `sources`: where each field's value comes from; `clients`: yt-dlp's, and whether each reads cookies."""
    found = [
        Finding(
            CHECK,
            "look",
            f"{name} in .env is not read: the environment has another value",
            "remove one of them",
        )
        for name in shadowed
    ]
    found += _kafka(settings, {field for field, source in sources.items() if source != "default"})
    found += _youtube(settings, clients)
    if settings.daily_cap_usd == 0:
        found.append(
            Finding(
                CHECK,
                "look",
                "EARMARK_DAILY_CAP_USD is 0: nothing is ever analysed",
                "set it to what a day may cost",
            )
        )
    return found or [Finding(CHECK, "ok", "every setting that is set is read")]


def _youtube(settings: Settings, clients: Mapping[str, bool]) -> Iterator[Finding]:
    named = settings.ytdlp_clients
    known = [client for client in named if client in clients]
    if unknown := [client for client in named if client not in clients]:
        yield Finding(
            CHECK,
            "look" if known else "broken",
            f"EARMARK_YTDLP_CLIENTS: this yt-dlp knows no {', '.join(unknown)}",
            f"it knows {', '.join(sorted(clients))}",
        )
    if settings.cookies is not None and not any(clients[client] for client in known):
        able = ", ".join(name for name, takes in clients.items() if takes)
        yield Finding(
            CHECK,
            "look",
            f"EARMARK_COOKIES is not read: no client of EARMARK_YTDLP_CLIENTS ({', '.join(named)}) can log in",
            f"unset it, or name one that can: {able}",
        )


def _kafka(settings: Settings, given: Collection[str]) -> Iterator[Finding]:
    protocol = settings.kafka_security_protocol
    if settings.kafka is None:
        yield from _local(settings)
    if protocol.startswith("SASL_"):
        for field in ("kafka_username", "kafka_password"):
            if getattr(settings, field) is None:
                yield _says("broken", field, f"is not set, and {protocol} logs in", "set it")
    else:
        for field in ("kafka_username", "kafka_password", "kafka_sasl_mechanism"):
            if field in given:
                yield _says(
                    "look",
                    field,
                    f"is not read: EARMARK_KAFKA_SECURITY_PROTOCOL is {protocol}, which logs nobody in",
                    "set that to SASL_SSL or SASL_PLAINTEXT, or unset this",
                )
    if not protocol.endswith("SSL") and settings.kafka_ca_file is not None:
        yield _says(
            "look",
            "kafka_ca_file",
            f"is not read: EARMARK_KAFKA_SECURITY_PROTOCOL is {protocol}, which encrypts nothing",
            "set that to SSL or SASL_SSL, or unset this",
        )


def _local(settings: Settings) -> Iterator[Finding]:
    fix = "unset it, or name your own Kafka in EARMARK_KAFKA"
    if (protocol := settings.kafka_security_protocol) != "PLAINTEXT":
        yield _says(
            "broken", "kafka_security_protocol", f"is {protocol}, which the local broker does not speak", fix
        )
    if (replicas := settings.kafka_replication_factor) > 1:
        yield _says("broken", "kafka_replication_factor", f"is {replicas}, and the local broker is one", fix)


def _says(verdict: Verdict, field: str, why: str, fix: str) -> Finding:
    return Finding(CHECK, verdict, f"{variable(field)} {why}", fix)
