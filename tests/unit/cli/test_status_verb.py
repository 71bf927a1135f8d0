"""`earmark status` where nothing runs, and the form of its JSON, which scripts rely on."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.bulletin import Board, Trouble, show
from streams.cli.status import _as_json, status
from streams.clock import utc_now
from streams.events.videos import VideoDiscovered
from streams.overview.model import Happened
from tests.builders.read_model_world import at, video
from tests.builders.snapshot import publish
from tests.unit.overview.test_overview_lines import NOW, OVERVIEW

TOP = {
    "healthy": bool,
    "needs_person": list,
    "at": str,
    "stages": list,
    "lanes": list,
    "replays": list,
    "money": dict,
    "troubles": list,
    "processes": list,
    "lags": list,
    "kafka": dict,
    "snapshot": dict,
    "disk": dict,
    "dead_letters": int,
    "rejects": int,
    "events": list,
    "unknown": list,
}
PARTS = {
    "stages": "name waiting in_work done_today failed later oldest next_try_at last_moved waits_for",
    "lanes": "lane waiting in_work done_today charged_usd cap_usd left_usd",
    "replays": "replay_id prompt started_at requested completed failed charged_usd max_usd",
    "money": "day billed_usd unknown_usd open_usd cap_usd left_usd last_cap_usd hour_usd used_up_at",
    "troubles": "kind since what fix until subject needs_person",
    "processes": "name pid state began at in_flight",
    "lags": "reader role behind late",
    "kafka": "address problem",
    "snapshot": "published_at bytes last_record_at behind late",
    "disk": "free total min_free used kafka growth days_left",
    "events": "at what",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("EARMARK_KAFKA", raising=False)
    return tmp_path / "home"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(status, arguments, env={"COLUMNS": "80"})


def first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def test_a_script_finds_every_name_where_it_was() -> None:
    """A name is added here with what it stands for, and none is ever taken away or given another meaning."""
    told = _as_json(OVERVIEW, ("wake up",))
    told["events"] = [{"at": NOW.isoformat(), "what": Happened(NOW, "found a video").what}]
    assert {name: type(value) for name, value in told.items()} == TOP
    assert {name: " ".join(first(told[name])) for name in PARTS} == PARTS
    assert (told["healthy"], told["needs_person"]) == (False, ["wake up"])
    assert told["money"]["left_usd"] == "3.4875", "money is exact, and so a string"
    assert told["at"] == "2026-11-20T07:00:00Z"
    assert json.loads(json.dumps(told)) == told


def test_where_nothing_ever_ran_that_is_what_it_says_first(home: Path) -> None:
    result = run()
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].endswith("UTC: something needs you")
    assert lines[1] == "1. nothing runs here → start it with `earmark up`"
    assert "Traceback" not in result.output
    assert not home.exists(), "it only looks"


def test_a_trouble_of_the_last_analyst_is_told_after_it_has_gone(home: Path) -> None:
    now = utc_now()
    key = Trouble("claude-refuses", now, "the key is refused", "set another one", needs_person=True)
    show(home, Board("analyst", 2**22 + 1, now, now - timedelta(minutes=2), troubles=(key,)))
    told = json.loads(run("--json").stdout)
    assert told["needs_person"][1].startswith("the key is refused (since ")
    assert told["processes"][0]["state"] == "ended"


def test_what_is_known_is_told_in_eighty_columns(home: Path) -> None:
    publish(home, VideoDiscovered(at=at(0), video=video(1)))
    now = utc_now()
    for process in ("analyst", "projector", "watch", "worker-w0"):
        show(home, Board(process, 1, now, now, ready=True))
    result = run()
    assert result.exit_code == 1
    assert "1. no broker runs → `earmark doctor` looks for the cause" in result.stdout
    assert "\nprocesses    analyst " in result.stdout
    assert "\nlag          not known: Kafka does not answer\n" in result.stdout
    assert "\n03-02 09:00  found “video-1”\n" in result.stdout
    [captions] = [line for line in result.stdout.splitlines() if line.startswith("captions ")][:1]
    assert captions.split()[:2] == ["captions", "1"]
