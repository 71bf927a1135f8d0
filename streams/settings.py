"""The settings: EARMARK_* from the environment or a .env file, read once into one frozen model."""

import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streams.errors import EarmarkError

ENV_FILE = ".env"
_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: object) -> float:
    """Seconds from "90s", "3h" or "1h30m"; a bare number is seconds. Raises ValueError."""
    if isinstance(text, int | float):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", str(text))
    if parts and "".join(number + unit for number, unit in parts) == str(text):
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    if re.fullmatch(r"\d+(\.\d+)?", str(text)):
        return float(str(text))
    raise ValueError(f"{text!r} is not a duration: write it like 90s, 3h or 1h30m")


def parse_size(text: object) -> int:
    """Bytes from "500MB", "2GB" or a bare number. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB)?", str(text), re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text!r} is not a size: write it like 500MB or 2GB")
    return int(float(found[1]) * _SIZES[(found[2] or "B").upper()])


def _split(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _durations(text: object) -> object:
    parts = _split(text)
    return tuple(parse_duration(part) for part in parts) if isinstance(parts, tuple | list) else parts


Size = Annotated[int, BeforeValidator(parse_size)]
Seconds = Annotated[float, BeforeValidator(parse_duration)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is no address: write it like https://example.org")
    return text


def _host(name: str) -> str:
    if not re.fullmatch(r"[\w.-]+|\[[\da-fA-F:.]+\]", name):
        raise ValueError(f"{name!r} is no host name: write it without http:// and without a port")
    return name


def _listens(text: object) -> object:
    """An address to listen at, from a port or from "address:port". Raises ValueError."""
    host, _, port = str(text).rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < LAST_PORT:
        raise ValueError(
            f"{text!r} is no port: write a number like 8321, or 0.0.0.0:8321 to be reached from outside"
        )
    return f"{host or LOOPBACK}:{int(port)}"


LOOPBACK = "127.0.0.1"
# The processes of one machine take this port and the three behind it.
LAST_PORT = 65_533
ReadableFile = Annotated[Path, AfterValidator(_there)]
Address = Annotated[str, AfterValidator(_address)]
SHORTEST_POLL_S = 60.0


class Settings(BaseSettings):
    """Every setting. Times are in seconds, money in US dollars."""

    model_config = SettingsConfigDict(
        env_prefix="EARMARK_",
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Field(default=Path(".earmark"), description="folder of all local files")
    disk_min_free: Size = Field(
        default=500_000_000,
        ge=0,
        description="free space on the disk of EARMARK_HOME below which nothing new is begun",
    )
    log: Literal["text", "json"] = Field(
        default="text", description="form of the log lines: text for people, or json, an object a line"
    )
    log_level: Literal["info", "debug"] = Field(default="info", description="info, or debug for every detail")
    metrics_port: Annotated[str, BeforeValidator(_listens)] | None = Field(
        default=None,
        description=(
            "port of the projector's metrics and health on 127.0.0.1, or address:port; the worker's is one above it, the"
            " analyst's two, watch's three; unset: none"
        ),
    )
    dashboard: Literal["on", "off"] = Field(
        default="on", description="off: `earmark up` does not start the dashboard"
    )
    dashboard_port: Annotated[str, BeforeValidator(_listens)] = Field(
        default="8321",
        validate_default=True,
        description="port of the dashboard on 127.0.0.1, or address:port",
    )
    dashboard_hosts: Annotated[
        tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_split)
    ] = Field(
        default=(),
        description="host names beside 127.0.0.1, [::1] and localhost under which browsers reach the dashboard",
    )
    kafka: str | None = Field(default=None, description="Kafka's bootstrap servers; unset: the local broker")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="security protocol of EARMARK_KAFKA"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="SASL mechanism, for SASL_*"
    )
    kafka_username: str | None = Field(default=None, description="user name, for SASL_*")
    kafka_password: SecretStr | None = Field(default=None, description="password, for SASL_*")
    kafka_ca_file: ReadableFile | None = Field(
        default=None, description="CA certificate file, for SSL and SASL_SSL"
    )
    kafka_replication_factor: int = Field(
        default=1, ge=1, description="replicas of each topic; with 3 any one broker may be away"
    )
    topic_prefix: str = Field(default="earmark.", description="prefix of every topic's name")
    worker_slot: str = Field(default="w0", description="stable name of a worker, unique among the workers")
    daily_cap_usd: Decimal = Field(
        default=Decimal(5), ge=0, description="spending cap in US dollars a UTC day"
    )
    backfill_share: Decimal = Field(
        default=Decimal("0.4"), gt=0, le=1, description="share of the cap for old videos, at most"
    )
    replay_share: Decimal = Field(
        default=Decimal("0.5"),
        gt=0,
        le=1,
        description="share of the cap for replays, at most; the rest is for new videos alone",
    )
    evaluation_share: Decimal = Field(
        default=Decimal("0.2"),
        gt=0,
        le=1,
        description="share of the cap for `earmark evaluate`, at most; it spends only while that runs",
    )
    calls_in_flight: int = Field(default=600, ge=1, description="calls to Claude in flight, at most")
    call_timeout: Seconds = Field(default=120.0, gt=0, description="time limit of a call to Claude")
    poll_interval: Seconds = Field(
        default=900.0, gt=0, description="time between two polls of a channel's feed"
    )
    captions_delays: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], NoDecode, BeforeValidator(_durations)
    ] = Field(
        default=(3600.0, 21600.0, 86400.0, 259200.0),
        description="delays before missing captions are tried again",
    )
    languages: Names = Field(
        default=(), description="preferred caption languages; empty: the original language"
    )
    tabs: Annotated[tuple[Literal["videos", "streams", "shorts"], ...], NoDecode, BeforeValidator(_split)] = (
        Field(default=("videos", "streams"), description="tabs of a channel to read: videos, streams, shorts")
    )
    youtube_per_minute: float = Field(
        default=20.0, gt=0, description="videos requested a minute; of new ones a minute's worth at once"
    )
    youtube_url: Address | None = Field(default=None, description="origin to use instead of YouTube's")
    ytdlp_clients: Names = Field(default=("visionos",), description="yt-dlp's player clients")
    cookies: ReadableFile | None = Field(default=None, description="cookies.txt file for yt-dlp")
    symbols: ReadableFile | None = Field(
        default=None,
        description="file of listed symbols: on each line a symbol and, behind a blank, comma or tab, perhaps its name",
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None, validation_alias="ANTHROPIC_API_KEY", description="API key for Claude"
    )
    anthropic_base_url: Address | None = Field(
        default=None,
        validation_alias="ANTHROPIC_BASE_URL",
        description="address of Claude's API, instead of the SDK's own",
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.backfill_share + self.replay_share > 1:
            raise ValueError(
                f"EARMARK_BACKFILL_SHARE and EARMARK_REPLAY_SHARE are {self.backfill_share + self.replay_share} together:"
                " lower one of them, 1 is the whole cap"
            )
        # A stand-in on this machine may be asked as often as one likes.
        if self.poll_interval < SHORTEST_POLL_S and self.youtube_url is None:
            raise ValueError(
                f"EARMARK_POLL_INTERVAL: {self.poll_interval:g} s is too short: write at least 1m"
            )
        return self


def load() -> Settings:
    """The settings of this process. Raises EarmarkError, with a sentence for each wrong setting or name that is none."""
    known = [variable(field) for field in Settings.model_fields]
    complaints = [*_unknown(os.environ, known, ""), *_unknown(_read_file(), known, f"{ENV_FILE}, ")]
    try:
        settings = Settings()
    except ValidationError as error:
        complaints += [_complaint(problem["loc"], problem["msg"]) for problem in error.errors()]
    # Outside: pydantic's error holds frames that hold whoever handles this one, and the collector cannot see into it.
    if complaints:
        raise EarmarkError("\n".join(complaints))
    return settings


def sources() -> dict[str, str]:
    """Where each field's value comes from: the environment, the .env file, or the default."""
    file = _read_file()
    names = {field: variable(field) for field in Settings.model_fields}
    return {
        field: "environment" if os.environ.get(name) else ENV_FILE if file.get(name) else "default"
        for field, name in names.items()
    }


def shadowed() -> list[str]:
    """The variables whose value in the .env file nobody reads, because the environment has another one."""
    return [
        name
        for name, value in _read_file().items()
        if name in map(variable, Settings.model_fields)
        and value
        and os.environ.get(name) not in {None, "", value}
    ]


def _read_file() -> dict[str, str | None]:
    """The .env file's names and values. Raises EarmarkError for a line that is none, where python-dotenv only warns."""
    path = Path(ENV_FILE)
    if not path.is_file():
        return {}
    try:
        bindings = list(parse_stream(io.StringIO(path.read_text(encoding="utf-8"))))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise EarmarkError(f"{ENV_FILE}, line {line}: it is no UTF-8; save the file as UTF-8") from error
    for binding in bindings:
        if binding.error:
            text = binding.original.string.strip()
            raise EarmarkError(f"{ENV_FILE}, line {binding.original.line}: {text!r} is no NAME=VALUE")
    return {binding.key: binding.value for binding in bindings if binding.key is not None}


def _unknown(names: Iterable[str], known: Sequence[str], where: str) -> Iterator[str]:
    for name in names:
        if name.upper().startswith("EARMARK_") and name.upper() not in known:
            nearest = get_close_matches(name.upper(), known, 1, 0)
            yield f"{where}{name}: there is no such setting; did you mean {nearest[0]}?"


def variable(field: str) -> str:
    """The environment variable of a field of Settings."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"EARMARK_{field.upper()}"


def _complaint(location: tuple[int | str, ...], message: str) -> str:
    if not location:  # of several settings together, which the message names
        return message.removeprefix("Value error, ")
    field = str(location[0])
    name = variable(field) if field in Settings.model_fields else field
    return f"{name}: {message.removeprefix('Value error, ')}"
