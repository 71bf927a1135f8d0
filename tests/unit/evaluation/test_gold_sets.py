"""Gold sets are read as they are documented, and what is wrong in one is named with its file and line."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.analysis.words import words_of
from streams.cli.evaluate import evaluate
from streams.demo.sample_channel import sample_channel
from streams.evaluation.gold import GoldError, level_of
from streams.evaluation.read_gold import read_gold
from streams.evaluation.videoconviction import COLUMNS

CALL = {"video": "v1", "symbol": "brk-b", "action": "hold", "conviction": 0.9}


def folder(path: Path, calls: str, transcripts: dict[str, str], videos: str = "") -> str:
    (path / "transcripts").mkdir(parents=True)
    (path / "calls.jsonl").write_text(calls)
    for name, text in transcripts.items():
        (path / "transcripts" / name).write_text(text)
    if videos:
        (path / "videos.jsonl").write_text(videos)
    return str(path)


def test_a_folder_is_read_with_both_kinds_of_transcript(tmp_path: Path) -> None:
    json3 = json.dumps(
        {"events": [{"tStartMs": 500, "dDurationMs": 900, "segs": [{"utf8": "nothing at all"}]}]}
    )
    where = folder(
        tmp_path / "mine",
        f"{json.dumps({**CALL, 'quote': 'we keep it', 'second': 62.5})}\n\n",
        {
            "v1.txt": "[00:00] hello\n[01:02] we keep it\n[1:00:00]\n",
            "v2.json3": json3,
            "notes.md": "no video",
        },
        json.dumps({"video": "v2", "title": "Two", "published_at": "2026-11-02T15:00:00+02:00"}),
    )
    gold = read_gold(where)
    with_call, without = gold.videos
    assert (gold.name, gold.calls, gold.without_calls) == ("mine", 1, 1)
    (call,) = with_call.calls
    assert (call.symbol, call.quote, call.second) == ("BRK.B", "we keep it", 62.5)
    assert (with_call.texts, with_call.starts_ms, with_call.ends_ms) == (
        ("hello", "we keep it"),
        (0, 62_000),
        (62_000, 3_600_000),
    )
    assert (without.title, without.texts, without.starts_ms) == ("Two", ("nothing at all",), (500,))
    assert without.published_at is not None
    assert without.published_at.isoformat() == "2026-11-02T13:00:00+00:00"
    assert read_gold(f"{where}/calls.jsonl") == gold
    assert (gold.first(1).videos, gold.first(None)) == ((with_call,), gold)


def test_the_hash_is_of_everything(tmp_path: Path) -> None:
    line = json.dumps(CALL)
    digests = {
        read_gold(folder(tmp_path / str(number), calls, {"v1.txt": text})).digest
        for number, (calls, text) in enumerate(
            [
                (line, "[00:00] a"),
                (line, "[00:00] b"),
                (line, "[00:01] a"),
                ("", "[00:00] a"),
                (line, "[00:00] a"),
            ]
        )
    }
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("calls", "transcript", "said"),
    [
        (
            '{"video": "v2", "symbol": "A", "action": "buy", "conviction": 1}',
            "[00:00] a",
            "line 1: video v2 has no",
        ),
        (
            f"\n{json.dumps({**CALL, 'action': 'short'})}",
            "[00:00] a",
            "calls.jsonl, line 2: action: Input should be",
        ),
        (json.dumps({**CALL, "conviction": 3}), "[00:00] a", "calls.jsonl, line 1: conviction: "),
        (json.dumps({**CALL, "symbol": "?"}), "[00:00] a", "line 1: '?' is no symbol: write it like NVDA"),
        (json.dumps({**CALL, "price": 3}), "[00:00] a", "line 1: price: Extra inputs"),
        ("{", "[00:00] a", "calls.jsonl, line 1: Invalid JSON"),
        ("", "[00:00] a\nb", "v1.txt, line 2: it does not begin with a time"),
        ("", "[00:09] a\n[00:08] b", "v1.txt, line 2: its time is before"),
        ("", "[00:09]", "v1.txt: nothing is said in it"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, calls: str, transcript: str, said: str) -> None:
    with pytest.raises(GoldError) as error:
        read_gold(folder(tmp_path / "gold", calls, {"v1.txt": transcript}))
    assert said in str(error.value)


def test_files_that_are_not_there_or_no_captions_are_named(tmp_path: Path) -> None:
    for where, said in [
        (str(tmp_path / "gone"), "is not there: a gold set is a folder"),
        (folder(tmp_path / "empty", "", {}), "has no transcripts"),
        (folder(tmp_path / "broken", "", {"v1.json3": "<html>"}), "v1.json3: no json3 captions"),
        (folder(tmp_path / "quiet", "", {"v1.json3": '{"events": []}'}), "v1.json3: nothing is said"),
        (folder(tmp_path / "named", "", {}, '{"video": "v", "transcript": "x.txt"}'), "x.txt is not there"),
        (str(tmp_path / "gone.csv"), "gone.csv cannot be read as CSV"),
    ]:
        with pytest.raises(GoldError) as error:
            read_gold(where)
        assert said in str(error.value)


def rows(path: Path, *given: dict[str, str]) -> str:
    with (path / "vc.csv").open("w", newline="") as stream:
        out = csv.DictWriter(stream, [*COLUMNS, "video_title", "publishedAt"], restval="")
        out.writeheader()
        out.writerows(given)
    return str(path / "vc.csv")


BUY = {
    "video_id": "v1",
    "action": "Buy",
    "conviction_score": "3.0",
    "ticker_name": "VERI",
    "is_rec_present": "Yes",
    "transcript": "one two three\nfour " * 5,
    "video_title": "Five stocks",
    "publishedAt": "2020-01-02T03:04:05Z",
}


def test_videoconviction_is_read_as_the_page_says(tmp_path: Path) -> None:
    others = [
        {**BUY, "action": action, "conviction_score": score, "ticker_name": symbol}
        for action, score, symbol in [
            ("Short Sell", "1", "brk.b"),
            ("Don't Buy", "2", "N/A"),
            ("Unclear", "2", "T"),
        ]
    ]
    none = {"video_id": "v2", "is_rec_present": "No", "transcript": "a house"}
    silent = {"video_id": "v3", "is_rec_present": "No"}
    gold = read_gold(rows(tmp_path, BUY, *others, none, silent))
    first, second = gold.videos
    assert [(call.symbol, call.action, call.conviction) for call in first.calls] == [
        ("VERI", "buy", 0.85),
        ("BRK.B", "sell", 0.15),
        ("N/A", "avoid", 0.5),
        ("T", "watch", 0.5),
    ]
    assert [level_of(call.conviction) for call in first.calls] == ["high", "low", "medium", "medium"]
    assert [len(text.split()) for text in first.texts] == [12, 8]
    assert (first.title, first.starts_ms, first.ends_ms) == ("Five stocks", (0, 4800), (4800, 8000))
    assert (second.calls, second.published_at, gold.left_out) == ((), None, 1)


def test_what_is_wrong_in_the_csv_is_named(tmp_path: Path) -> None:
    for change, said in [
        ({"action": "Bye"}, "vc.csv, line 12: action 'Bye' is none of buy, hold"),
        ({"conviction_score": "9"}, "vc.csv, line 12: conviction_score '9' is none of 1, 2, 3"),
        ({"transcript": ""}, "no video in it has a transcript"),
    ]:
        with pytest.raises(GoldError) as error:
            read_gold(rows(tmp_path, {**BUY, "transcript": "a\n" * 10} | change))
        assert said in str(error.value)
    (tmp_path / "vc.csv").write_text("video_id,action\n")
    with pytest.raises(GoldError, match="line 1: there is no column conviction_score"):
        read_gold(str(tmp_path / "vc.csv"))


def test_the_bundled_set_is_the_demos_and_every_quote_of_it_was_said() -> None:
    """In the row that its second names."""
    gold = read_gold("demo")
    shown = {video.video_id: video.title for video in sample_channel().videos}
    assert {video.video_id: video.title for video in gold.videos} == shown
    for video in gold.videos:
        for call in video.calls:
            assert call.second is not None
            said = video.texts[video.starts_ms.index(int(call.second * 1000))]
            assert " ".join(words_of(call.quote or "")) in " ".join(words_of(said))


def test_the_verb_says_what_is_in_a_set() -> None:
    said = CliRunner().invoke(evaluate, ["demo"])
    assert said.exit_code == 0, said.output
    assert (
        said.output == f"gold demo ({read_gold('demo').digest}): 8 videos, 27 calls, 1 video without a call\n"
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--prompt", "a", "--prompt", "b", "--prompt", "c"], "--prompt: one prompt, or two to be compared"),
        (["--fail-under", "X=.5"], "'X=.5': write a task (T, TA, TAC)"),
        (["--fail-under", "T=2"], "'T=2': write a task"),
        (["--fail-under", "T"], "'T': write a task"),
    ],
)
def test_what_the_verb_does_not_take_is_wrong_usage(typed: list[str], said: str) -> None:
    asked = CliRunner().invoke(evaluate, ["demo", *typed])
    assert (asked.exit_code, said in asked.output) == (2, True), asked.output
