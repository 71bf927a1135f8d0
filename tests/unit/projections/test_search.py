"""`transcripts`, `segments` and `search`: what a person who asks for words gets to see."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from projections import model, transcripts, transcripts_file
from projections.ingest import Place
from projections.snapshots import WORDS_LINK
from projections.transcripts_file import Transcripts
from streams.events.captions import CaptionsExtracted
from tests.builders.said import Row, logged, said, words_in_memory


@pytest.fixture
def words() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty file of transcripts."""
    with words_in_memory() as database:
        yield database


def tell(database: duckdb.DuckDBPyConnection, *events: CaptionsExtracted) -> None:
    transcripts.take(database, logged(events))


def lines(database: duckdb.DuckDBPyConnection, question: str) -> list[str]:
    return [line for (line,) in database.execute("SELECT line FROM search(?)", [question]).fetchall()]


def test_a_hit_is_the_line_that_has_most_of_the_words_and_the_address_of_its_second(
    words: duckdb.DuckDBPyConnection,
) -> None:
    tell(
        words,
        said(
            1, "Nvidia", "I am buying Nvidia today", "buying, buying", title="On chips", channel_title="Ada"
        ),
    )
    ((hit,),) = words.execute("SELECT h FROM search('BUYING nvidia!') h").fetchall()
    assert hit | {"score": 0} == {
        "rank": 1,
        "score": 0,
        "video_id": "video-1",
        "video_title": "On chips",
        "channel_title": "Ada",
        "published_at": None,
        "line": "I am buying Nvidia today",
        "start_ms": 11_500,
        "url": "https://youtube.example/watch?v=video-1&t=11s",
    }


def test_channel_and_since_leave_out_the_others(words: duckdb.DuckDBPyConnection) -> None:
    tell(
        words,
        said(
            1,
            "gold one",
            channel_id="c-1",
            channel_title="Ada",
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
        said(
            2,
            "gold two",
            channel_id="c-1",
            channel_title="Ada",
            published_at=datetime(2026, 3, 1, tzinfo=UTC),
        ),
        said(
            3,
            "gold three",
            channel_id="c-2",
            channel_title="Bea",
            published_at=datetime(2026, 2, 1, tzinfo=UTC),
        ),
        said(4, "gold four", channel_id=None, channel_title=None),
    )

    def found(how: str) -> list[Row]:
        hits = words.query(f"FROM search('gold'{how})")
        return hits.order("video_id").project("line[6:]").fetchall()

    assert found("") == [("one",), ("two",), ("three",), ("four",)]
    assert found(", channel := 'c-1'") == found(", channel := 'ada'") == [("one",), ("two",)]
    assert found(", since := '2026-02-01'") == found(", since := DATE '2026-02-01'") == [("two",), ("three",)]
    assert found(", channel := 'Ada', since := TIMESTAMPTZ '2026-02-01 00:00:00Z'") == [("two",)]


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("credit agricole", "Le Crédit Agricole monte"),
        ("CRÉDIT", "Le Crédit Agricole monte"),
        ("газпром", "Газпром платит"),
        ("платит", "Газпром платит"),
        ("株式を", "トヨタの株式を買います"),
        ("トヨタ", "トヨタの株式を買います"),
        ("삼성전자", "삼성전자는 오릅니다"),
        ("หุ้น", "ซื้อหุ้นวันนี้"),
        ("हिन्दी", "यह हिन्दी है"),
        ("nvda", "Buy $NVDA株式会社 now"),
        ("会社", "Buy $NVDA株式会社 now"),
        ("12.5%", "up by 12,5 per cent"),
        ("café", "cafe\u0301 stocks 🙂 100 %"),
    ],
)
def test_words_of_any_script_are_found(
    question: str, line: str, every_script: duckdb.DuckDBPyConnection
) -> None:
    assert lines(every_script, question)[0] == line


@pytest.fixture(scope="module")
def every_script() -> Iterator[duckdb.DuckDBPyConnection]:
    """Captions in several scripts, one more word of each beside what is asked for."""
    said_so = [
        "Le Crédit Agricole monte",
        "Газпром платит",
        "トヨタの株式を買います",
        "삼성전자는 오릅니다",
        "ซื้อหุ้นวันนี้",
        "यह हिन्दी है",
        "यह हन्द है",
        "Buy $NVDA株式会社 now",
        "up by 12,5 per cent",
        "cafe\u0301 stocks 🙂 100 %",
    ]
    with words_in_memory() as database:
        tell(database, *(said(number, line) for number, line in enumerate(said_so)))
        yield database


def test_words_that_nobody_said_find_nothing(every_script: duckdb.DuckDBPyConnection) -> None:
    for question in ("", " ", "'", "%_\\", "[](*", "\x00", "🙂", "zzz", "a" * 10_000, "; DROP TABLE _lines"):
        assert lines(every_script, question) == [], question
    assert every_script.execute("FROM search(NULL)").fetchall() == []


def test_a_word_is_not_found_within_another(words: duckdb.DuckDBPyConnection) -> None:
    tell(words, said(1, "he said so", "an AI stock"), said(2, "he said so"))
    assert lines(words, "ai") == ["an AI stock"]


def test_the_latest_words_of_a_video_stand_and_the_others_are_found_no_more(
    words: duckdb.DuckDBPyConnection,
) -> None:
    tell(
        words,
        said(1, "old gold", revision=2),
        said(1, "new", "gold", revision=3),
        said(1, "oldest gold", revision=1),
    )
    assert lines(words, "gold") == ["gold"]
    assert lines(words, "old") == lines(words, "oldest") == []
    assert words.execute("SELECT text, segments, revision FROM transcripts").fetchall() == [
        ("new gold", 2, 3)
    ]
    assert words.execute("SELECT ordinal, text, url FROM segments").fetchall() == [
        (0, "new", "https://youtube.example/watch?v=video-1&t=1s"),
        (1, "gold", "https://youtube.example/watch?v=video-1&t=11s"),
    ]


def test_what_is_no_captions_is_passed_over(words: duckdb.DuckDBPyConnection) -> None:
    good, broken, huge = logged(
        [said(1, "gold"), said(1, "silver", revision=2), said(1, "tin", revision=2**40)]
    )
    of_another_type = logged([said(2, "lead")])[0]
    of_another_type = replace(of_another_type, headers=(("ce_type", b"Nothing"),), partition=7)
    records = [good, replace(broken, value=b"{"), huge, of_another_type]
    transcripts.take(words, [*records, replace(good, topic="videos", offset=900)])
    assert words.execute("SELECT text FROM transcripts").fetchall() == [("gold",)]
    assert transcripts.positions(words) == {
        Place("captions", good.partition): 3,
        Place("captions", 7): 1,
    }


def test_the_file_is_opened_again_and_one_of_another_version_is_not(tmp_path: Path) -> None:
    path = tmp_path / "it's.duckdb"
    with transcripts_file.create(path) as database:
        tell(database, said(1, "gold"))
    with transcripts_file.open_transcripts(path) as database:
        assert lines(database, "gold") == ["gold"]
        database.execute("UPDATE _schema SET hash = 'another'")
    with pytest.raises(model.ModelError, match="another version"):
        transcripts_file.open_transcripts(path)
    path.write_bytes(b"no database")
    with pytest.raises(model.ModelError, match="cannot be opened"):
        transcripts_file.open_transcripts(path)


def test_readers_keep_what_they_have_until_new_words_have_come_as_far(tmp_path: Path) -> None:
    """As after an upgrade that changed the tables: the words are read from the log once more."""
    log = logged([said(number, f"gold {number}") for number in range(4)])
    link = tmp_path / WORDS_LINK

    def seen() -> int:
        with duckdb.connect(link, read_only=True) as database:
            return len(lines(database, "gold"))

    (tmp_path / "model").mkdir()
    before = Transcripts(tmp_path)
    before.take(log[:3])
    before.publish(at_once=True)
    before.close()
    model.generation_file(tmp_path, 1, "transcripts").write_bytes(b"of another version")

    now = Transcripts(tmp_path)
    assert now.offsets() == {}
    for end, expected in ((1, 3), (2, 3), (4, 4)):
        assert now.are_behind
        now.take(log[:end])
        now.publish(at_once=True)
        assert seen() == expected
        now.close()  # ended there, by whatever, the next one goes on
        now = Transcripts(tmp_path)
        assert sum(now.offsets().values()) == end
    assert not now.are_behind
    assert not now.were_rebuilt()
    assert [path.name for path in (tmp_path / "model").glob("*.duckdb")] == ["transcripts-2.duckdb"]

    now.begin_anew()
    assert now.offsets() == {}
    now.take(log[:1])
    now.publish(at_once=True)
    assert seen() == 4
    now.has_all()  # of a log that is shorter
    now.publish(at_once=True)
    assert seen() == 1
    now.close()
