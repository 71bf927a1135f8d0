from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli.broker import broker
from streams.errors import EarmarkError, RefusedError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without a .env file, whose .earmark is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EARMARK_HOME", ".earmark")
    monkeypatch.delenv("EARMARK_KAFKA", raising=False)


def test_start_is_refused_where_another_kafka_is_named() -> None:
    ended = CliRunner().invoke(broker, ["start"], env={"EARMARK_KAFKA": "kafka.example:9092"})
    assert isinstance(ended.exception, RefusedError)
    assert "EARMARK_KAFKA is set to kafka.example:9092" in str(ended.exception)
    assert not Path(".earmark").exists()


def test_status_of_no_broker_is_a_failure_that_says_how_to_start_one() -> None:
    ended = CliRunner().invoke(broker, ["status"])
    assert isinstance(ended.exception, EarmarkError)
    assert "start one with `earmark broker start`" in str(ended.exception)


def test_stop_of_no_broker_is_no_failure() -> None:
    ended = CliRunner().invoke(broker, ["stop"])
    assert (ended.exit_code, ended.output) == (0, "no local broker was running\n")
