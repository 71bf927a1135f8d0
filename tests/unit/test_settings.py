"""What the settings take, what they refuse, and how they say so."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streams.cli.settings import settings as settings_verb
from streams.errors import EarmarkError
from streams.settings import Settings, load, parse_duration, variable

DOT_ENV = ".env"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without a .env file and an environment without Earmark's variables."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_needs_to_be_set() -> None:
    settings = load()
    assert settings.home == Path(".earmark")
    assert settings.kafka is None
    assert settings.daily_cap_usd == Decimal(5)
    assert settings.captions_delays == (3600, 6 * 3600, 24 * 3600, 72 * 3600)
    assert settings.anthropic_api_key is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("3h", 10_800),
        ("1h30m", 5400),
        ("250ms", 0.25),
        ("2d", 172_800),
        ("1.5h", 5400),
        ("45", 45),
    ],
)
def test_a_duration_is_written_with_its_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "3 h", "h", "3hours", "1h30", "3x", "1:30", "nan", "inf", "-5m"]
)
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(0, 10_000), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_duration_of_several_units_is_their_sum(days: int, hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    assert parse_duration(f"{days}d{hours}h{minutes}m{seconds}s") == expected


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("EARMARK_HOME", "/data/earmark", "home", Path("/data/earmark")),
        ("EARMARK_KAFKA", "a:9092,b:9092", "kafka", "a:9092,b:9092"),
        ("EARMARK_DAILY_CAP_USD", "0.10", "daily_cap_usd", Decimal("0.10")),
        ("EARMARK_CALL_TIMEOUT", "2m", "call_timeout", 120.0),
        ("EARMARK_POLL_INTERVAL", "45m", "poll_interval", 2700.0),
        ("EARMARK_CAPTIONS_DELAYS", "10m, 1h,1d", "captions_delays", (600.0, 3600.0, 86_400.0)),
        ("EARMARK_LANGUAGES", "en, de,", "languages", ("en", "de")),
        ("EARMARK_LANGUAGES", "", "languages", ()),
        ("EARMARK_TABS", "videos", "tabs", ("videos",)),
        ("EARMARK_LOG", "json", "log", "json"),
        ("EARMARK_METRICS_PORT", "9464", "metrics_port", "127.0.0.1:9464"),
        ("EARMARK_METRICS_PORT", "0.0.0.0:9464", "metrics_port", "0.0.0.0:9464"),
        ("EARMARK_DASHBOARD_PORT", "0.0.0.0:80", "dashboard_port", "0.0.0.0:80"),
        ("EARMARK_DASHBOARD_HOSTS", "desk.local, [fe80::1]", "dashboard_hosts", ("desk.local", "[fe80::1]")),
        ("EARMARK_CALLS_IN_FLIGHT", "8", "calls_in_flight", 8),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1", "anthropic_base_url", "http://127.0.0.1:1"),
    ],
)
def test_a_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv(name, text)
    assert getattr(load(), field) == value


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """Compose and CI hand on empty variables; an empty path would be the present folder."""
    default = getattr(load(), field)
    monkeypatch.setenv(variable(field), "")
    assert getattr(load(), field) == default


@pytest.mark.parametrize(
    ("name", "text", "fix"),
    [
        ("EARMARK_CALL_TIMEOUT", "soon", "write it like 90s, 3h or 1h30m"),
        ("EARMARK_CALL_TIMEOUT", "0s", "greater than 0"),
        ("EARMARK_CAPTIONS_DELAYS", "1h,0s", "greater than 0"),
        ("EARMARK_CAPTIONS_DELAYS", "1h,later", "write it like 90s, 3h or 1h30m"),
        ("EARMARK_DAILY_CAP_USD", "five", "decimal"),
        ("EARMARK_DAILY_CAP_USD", "-1", "greater than or equal to 0"),
        ("EARMARK_DAILY_CAP_USD", "NaN", "finite"),
        ("EARMARK_REPLAY_SHARE", "1.5", "less than or equal to 1"),
        ("EARMARK_BACKFILL_SHARE", "0", "greater than 0"),
        ("EARMARK_CALLS_IN_FLIGHT", "0", "greater than or equal to 1"),
        ("EARMARK_KAFKA_SECURITY_PROTOCOL", "TLS", "'SASL_SSL'"),
        ("EARMARK_LOG", "xml", "'text' or 'json'"),
        ("EARMARK_METRICS_PORT", "http", "write a number like 8321"),
        ("EARMARK_METRICS_PORT", "65533", "write a number like 8321"),
        ("EARMARK_DASHBOARD", "no", "'on' or 'off'"),
        ("EARMARK_DASHBOARD_HOSTS", "http://desk.local:8321", "without http:// and without a port"),
        ("EARMARK_TABS", "videos,podcasts", "'videos', 'streams' or 'shorts'"),
    ],
)
def test_a_wrong_value_is_named_with_what_belongs_there(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, fix: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(EarmarkError) as raised:
        load()
    (sentence,) = str(raised.value).splitlines()
    assert sentence.startswith(f"{name}: ")
    assert fix in sentence


def test_every_wrong_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_CALL_TIMEOUT", "soon")
    monkeypatch.setenv("EARMARK_REPLAY_SHARE", "2")
    with pytest.raises(EarmarkError) as raised:
        load()
    assert {line.split(":")[0] for line in str(raised.value).splitlines()} == {
        "EARMARK_CALL_TIMEOUT",
        "EARMARK_REPLAY_SHARE",
    }


def test_a_dot_env_file_is_read(bare: Path) -> None:
    (bare / DOT_ENV).write_text("EARMARK_DAILY_CAP_USD=0.25\nANTHROPIC_API_KEY=key\nSOMETHING_ELSE=1\n")
    settings = load()
    assert settings.daily_cap_usd == Decimal("0.25")
    assert settings.anthropic_api_key is not None
    assert settings.anthropic_api_key.get_secret_value() == "key"


def test_the_environment_goes_before_the_file(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / DOT_ENV).write_text("EARMARK_DAILY_CAP_USD=0.25\n")
    monkeypatch.setenv("EARMARK_DAILY_CAP_USD", "3")
    assert load().daily_cap_usd == Decimal(3)


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback or a debug line must not hand out the key."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sesame")
    monkeypatch.setenv("EARMARK_KAFKA_PASSWORD", "sesame")
    assert "sesame" not in repr(load()) + str(load())


def test_settings_do_not_change_once_read() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.daily_cap_usd = Decimal(1000)


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_setting_is_named_by_its_variable() -> None:
    assert variable("daily_cap_usd") == "EARMARK_DAILY_CAP_USD"
    assert variable("anthropic_api_key") == "ANTHROPIC_API_KEY"


@pytest.mark.parametrize("name", ["EARMARK_DAILY_CAP", "EARMARK_DAILY_CAP_EUR", "earmark_daily_cap_usdd"])
def test_a_name_that_is_none_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Ignored in silence, the cap would be the default again."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(
        EarmarkError, match=f"^{name}: there is no such setting; did you mean EARMARK_DAILY_CAP_USD"
    ):
        load()


def test_a_name_that_is_none_is_refused_in_the_file_too(bare: Path) -> None:
    (bare / DOT_ENV).write_text("EARMARK_CAP=1\nOTHERS_CAP=1\n")
    with pytest.raises(EarmarkError) as raised:
        load()
    (sentence,) = str(raised.value).splitlines()
    assert sentence.startswith(".env, EARMARK_CAP: there is no such setting")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"EARMARK_HOME=x\nEARMARK_TABS videos\n", ".env, line 2: 'EARMARK_TABS videos' is no NAME=VALUE"),
        (b"EARMARK_HOME=x\n\nEARMARK_KAFKA=\xff\xfe\n", ".env, line 3: it is no UTF-8"),
    ],
)
def test_a_broken_line_of_the_file_is_named(bare: Path, content: bytes, sentence: str) -> None:
    (bare / DOT_ENV).write_bytes(content)
    with pytest.raises(EarmarkError) as raised:
        load()
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"EARMARK_BACKFILL_SHARE": "0.7", "EARMARK_REPLAY_SHARE": "0.4"}, "are 1.1 together"),
        ({"EARMARK_POLL_INTERVAL": "10s"}, "EARMARK_POLL_INTERVAL: 10 s is too short: write at least 1m"),
        ({"EARMARK_SYMBOLS": "nowhere.txt"}, "EARMARK_SYMBOLS: there is no file nowhere.txt"),
        ({"EARMARK_COOKIES": "nowhere.txt"}, "EARMARK_COOKIES: there is no file nowhere.txt"),
        ({"EARMARK_KAFKA_CA_FILE": "nowhere.pem"}, "EARMARK_KAFKA_CA_FILE: there is no file nowhere.pem"),
        ({"EARMARK_YOUTUBE_URL": "youtube"}, "EARMARK_YOUTUBE_URL: 'youtube' is no address"),
        ({"ANTHROPIC_BASE_URL": "ftp://x"}, "ANTHROPIC_BASE_URL: 'ftp://x' is no address"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(EarmarkError) as raised:
        load()
    assert sentence in str(raised.value)


def test_a_stand_in_for_youtube_may_be_polled_at_any_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_YOUTUBE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("EARMARK_POLL_INTERVAL", "1s")
    assert load().poll_interval == 1


def test_the_verb_prints_each_setting_with_its_source_and_no_secret(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / DOT_ENV).write_text("EARMARK_DAILY_CAP_USD=0.25\n")
    monkeypatch.setenv("EARMARK_TABS", "videos,streams")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sesame")
    said = CliRunner().invoke(settings_verb)
    rows = {line.split()[0]: line.split()[1:] for line in said.output.splitlines()[2:]}
    assert rows["EARMARK_DAILY_CAP_USD"] == ["0.25", ".env"]
    assert rows["EARMARK_TABS"] == ["videos,", "streams", "environment"]
    assert rows["EARMARK_WORKER_SLOT"] == ["w0", "default"]
    assert rows["ANTHROPIC_API_KEY"][-1] == "environment"
    assert "sesame" not in said.output
    assert rows.keys() == {variable(field) for field in Settings.model_fields}
