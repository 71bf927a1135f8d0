"""`earmark report` as a person and as a script reads it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import jsonschema
import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt

from projections.report import Consensus, Pause
from streams.cli.main import earmark
from streams.cli.report import FORM
from streams.cli.report_output import as_markdown
from streams.clock import utc_now
from streams.events.dead_letters import DeadLettered
from streams.events.videos import VideoDiscovered
from tests.builders.read_model_histories import history
from tests.builders.read_model_world import unavailable, video
from tests.builders.snapshot import publish
from tests.recordings import printed_schemas

DAY = "2026-03-02"
HEADINGS = [
    "Earmark on 2026-03-02 UTC",
    "Videos",
    "Calls",
    "Changed consensus of 30 days",
    "Failed for good",
    "Waiting now",
    "Dead letters",
    "Money",
    "Pauses",
]


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(earmark, ["report", *words], env={"EARMARK_HOME": str(home)})


def said(home: Path, *words: str) -> str:
    result = run(home, *words)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day, and in it what a stranger may write."""
    tmp_path = tmp_path_factory.mktemp("home")
    odd = video(99, channel_title="Ä | very *long* `name` of a [channel] that goes on and on\nand on 市场")
    strange = unavailable(video(98), 1, None).model_copy(
        update={"reason": "<b>no\n| captions |" + " at all" * 20}
    )
    letter = DeadLettered.of(
        at=strange.at, topic="videos", partition=1, offset=2, key=b"k", value=b"v", headers=(), handler="a_handler",
        error="ValueError: " + "x" * 90, attempt=1,
    )  # fmt: skip
    publish(tmp_path, *history(Random(5), 8), VideoDiscovered(at=strange.at, video=odd), strange, letter)
    return tmp_path


def test_it_is_markdown_that_fits_a_window(home: Path) -> None:
    text = said(home, "--day", DAY)
    assert re.findall(r"^#+ (.*)$", text, re.MULTILINE) == HEADINGS
    # A word that is longer than a window is not cut.
    assert [line for line in text.splitlines() if len(line) > 80 and "x" * 90 not in line] == []
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    kinds = [token.type for token in tokens]
    assert kinds.count("table_open") == 4
    assert kinds.count("heading_open") == len(HEADINGS)
    assert "html_block" not in kinds
    inline = [child.type for token in tokens for child in token.children or []]
    assert {"html_inline", "link_open", "em_open", "code_inline"}.isdisjoint(inline)
    rows = [len(line.replace("\\|", "").split("|")) for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 8


def test_the_heading_says_what_is_not_over(home: Path) -> None:
    today = utc_now().date()
    assert said(home).startswith(f"# Earmark on {today} UTC, so far\n\nFrom the read model of ")
    week = f"# Earmark on {today - timedelta(days=6)} to {today} UTC, so far\n"
    assert said(home, "--week").startswith(week)


def test_a_week_ends_today(home: Path) -> None:
    result = run(home, "--week", "--day", DAY)
    assert result.exit_code == 2
    assert "give --day or --week, not both" in result.output
    future = run(home, "--day", f"{utc_now().date() + timedelta(days=2)}")
    assert "has not begun" in future.output


def test_without_a_read_model_it_says_so(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no read model in " in str(result.exception)


def test_its_json_has_the_schema_that_scripts_rely_on(home: Path) -> None:
    found = json.loads(said(home, "--day", DAY, "--json"))
    jsonschema.validate(found, printed_schemas.kept("report"))
    assert found["begins"] == f"{DAY}T00:00:00Z"
    assert found["is_over"] is True
    assert found["channels"]


@pytest.mark.parametrize("verb", printed_schemas.FORMS)
def test_a_printed_schema_changes_only_on_purpose(verb: str) -> None:
    assert printed_schemas.generated(verb) == printed_schemas.kept(verb), printed_schemas.WRITE


def test_pauses_and_a_changed_consensus_are_said(home: Path) -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    found = replace(
        FORM.validate_json(said(home, "--day", DAY, "--json")),
        pauses=[
            Pause("YouTube", at, at + timedelta(minutes=12), 3, "Please sign in."),
            Pause("Claude", at, None, 1, None),
        ],
        consensus=[Consensus("NVDA", "buy", "mixed", 4, 7)],
    )
    text = as_markdown(found, at)
    assert "- YouTube, from 2026-03-02 09:00 UTC for 12 min, 3 refusals: Please sign in\n" in text
    assert text.endswith("- Claude, from 2026-03-02 09:00 UTC on, 1 refusal: no reason")
    assert "| NVDA   |    buy | mixed | 4 to 7 |" in text
