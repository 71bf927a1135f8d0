"""The settings: EARMARK_* from the environment or a .env file, read once into one frozen model."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streams.errors import EarmarkError

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
    raise ValueError(f"{text!r} is no duration: write it like 90s, 3h or 1h30m")


def _split(text: object) -> object:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _durations(text: object) -> object:
    parts = _split(text)
    return tuple(parse_duration(part) for part in parts) if isinstance(parts, tuple | list) else parts


Seconds = Annotated[float, BeforeValidator(parse_duration)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Every setting there is. Times are in seconds; money is US dollars."""

    model_config = SettingsConfigDict(
        env_prefix="EARMARK_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    home: Path = Field(default=Path(".earmark"), description="where everything local is kept")
    kafka: str | None = Field(default=None, description="bootstrap servers; unset: the local broker")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="how to talk to EARMARK_KAFKA"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="with SASL_*: how to log in"
    )
    kafka_username: str | None = Field(default=None, description="with SASL_*: who")
    kafka_password: SecretStr | None = Field(default=None, description="with SASL_*: the password")
    kafka_ca_file: Path | None = Field(default=None, description="with *SSL: a CA certificate of one's own")
    kafka_replication_factor: int = Field(
        default=1, ge=1, description="copies of each topic made by topics apply"
    )
    topic_prefix: str = Field(default="earmark.", description="the start of every topic's name")
    worker_slot: str = Field(default="w0", description="a worker's own stable name: unique among the workers")
    daily_cap_usd: Decimal = Field(default=Decimal(5), ge=0, description="US dollars a UTC day, never more")
    backfill_share: Decimal = Field(
        default=Decimal("0.4"), gt=0, le=1, description="of the cap, at most, for old videos"
    )
    replay_share: Decimal = Field(
        default=Decimal("0.5"),
        gt=0,
        le=1,
        description="of the cap, at most, for replays; the rest is for new videos alone",
    )
    calls_in_flight: int = Field(default=600, ge=1, description="calls to Claude at once, at most")
    call_timeout: Seconds = Field(default=120.0, gt=0, description="a call's time limit")
    poll_interval: Seconds = Field(default=10800.0, gt=0, description="between two looks at a channel")
    captions_delays: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], NoDecode, BeforeValidator(_durations)
    ] = Field(
        default=(3600.0, 21600.0, 86400.0, 259200.0),
        description="when captions that are late are tried again",
    )
    languages: Names = Field(default=(), description="captions languages to prefer; empty: the original one")
    tabs: Annotated[tuple[Literal["videos", "streams", "shorts"], ...], NoDecode, BeforeValidator(_split)] = (
        Field(default=("videos", "streams"), description="a channel's tabs to walk: videos, streams, shorts")
    )
    youtube_per_minute: float = Field(
        default=20.0, gt=0, description="old videos and retries released a minute"
    )
    youtube_url: str | None = Field(default=None, description="another origin in place of YouTube's")
    ytdlp_clients: Names = Field(default=("visionos",), description="yt-dlp's player clients")
    cookies: Path | None = Field(default=None, description="a cookies.txt for yt-dlp")
    symbols: Path | None = Field(default=None, description="a file of listed symbols, one a line")
    anthropic_api_key: SecretStr | None = Field(
        default=None, validation_alias="ANTHROPIC_API_KEY", description="the key for Claude"
    )
    anthropic_base_url: str | None = Field(
        default=None, validation_alias="ANTHROPIC_BASE_URL", description="another address for Claude's API"
    )


def load() -> Settings:
    """The settings of this process. Raises EarmarkError that names each wrong setting and says what belongs there."""
    try:
        return Settings()
    except ValidationError as error:
        raise EarmarkError(
            "\n".join(_complaint(problem["loc"], problem["msg"]) for problem in error.errors())
        ) from None


def variable(field: str) -> str:
    """The environment variable of a field of Settings."""
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"EARMARK_{field.upper()}"


def _complaint(location: tuple[int | str, ...], message: str) -> str:
    field = str(location[0])
    name = variable(field) if field in Settings.model_fields else field
    return f"{name}: {message.removeprefix('Value error, ')}"
