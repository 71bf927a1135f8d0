import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.captions.json3 import BrokenCaptionsError, Transcript, parse
from streams.captions.markup import plain

WINDOW = {"tStartMs": 0, "dDurationMs": 9000, "id": 1, "wpWinPosId": 1, "wsWinStyleId": 1}


def line(start: int, duration: int, *words: str) -> dict[str, object]:
    return {
        "tStartMs": start,
        "dDurationMs": duration,
        "wWinId": 1,
        "segs": [{"utf8": w, "acAsrConf": 0} for w in words],
    }


def newline(start: int) -> dict[str, object]:
    return {"tStartMs": start, "wWinId": 1, "aAppend": 1, "segs": [{"utf8": "\n"}]}


def body(*events: object) -> str:
    return json.dumps({"wireMagic": "pb3", "events": events})


def test_a_roll_up_becomes_plain_segments_that_do_not_overlap() -> None:
    rolled = body(
        WINDOW,
        line(100, 4000, "we", " look"),
        newline(2090),
        line(2100, 4000, "at  the\nchart"),
        newline(5000),
    )
    assert parse(rolled) == Transcript(("we look", "at the chart"), (100, 2100), (2100, 6100))


def test_an_event_without_a_duration_ends_where_it_begins() -> None:
    assert parse(body({"tStartMs": 5, "segs": [{"utf8": "so"}]})).ends_ms == (5,)


def test_captions_without_a_word_have_no_segments() -> None:
    assert parse(body(WINDOW, newline(10))) == Transcript((), (), ())


def test_words_are_counted_over_all_segments() -> None:
    assert parse(body(line(0, 9, "one two"), line(9, 9, "three"))).words == 3


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "<!DOCTYPE html><html><body>unusual traffic</body></html>",
        '{"events": [{"tStartMs": 1, "se',
        "{}",
        "[]",
        "null",
        '{"events": null}',
        '{"events": [7]}',
        '{"events": {}}',
        '"events"',
        "[" * 100_000,
    ],
)
def test_what_is_no_json3_is_named_as_such(broken: str) -> None:
    with pytest.raises(BrokenCaptionsError, match="no json3 captions came"):
        parse(broken)


@pytest.mark.parametrize("times", [2, 3])
def test_what_is_said_twice_at_the_same_time_is_kept_once(times: int) -> None:
    """Tracks of several sound tracks or styles repeat every event, styled another way."""
    styled = [line(100, 4000, "we", "<i> look</i>"), line(100, 3000, "we look"), line(100, 4000, "we  look")]
    other = [line(2100, 900, "we look")] * times
    assert parse(body(*styled[:times], *other)) == Transcript(
        ("we look", "we look"), (100, 2100), (2100, 3000)
    )


@pytest.mark.parametrize("nothing", [None, 7, "a", [], [{"utf8": "a"}]])
def test_what_is_no_object_is_passed_over_and_the_rest_is_kept(nothing: object) -> None:
    event = {"tStartMs": 5, "dDurationMs": 9, "segs": [nothing, {"utf8": "so"}, {"utf8": None}, {"utf8": 7}]}
    rest = {"tStartMs": 7, "segs": nothing}
    assert parse(body(nothing, event, rest, nothing)).texts[:1] == ("so",)


def test_a_byte_order_mark_is_no_error() -> None:
    assert parse("\ufeff" + body(line(5, 9, "so"))).texts == ("so",)


def test_what_is_split_over_segs_is_read_whole() -> None:
    rocket = line(0, 9, "buy \ud83d", "\ude80 AT&am", "p;T <i", ">now</i>")
    assert parse(body(rocket)).texts == ("buy \U0001f680 AT&T now",)


@pytest.mark.parametrize("absurd", [10**15, 2**70, -1, float("nan"), float("inf"), "long", None, []])
def test_an_absurd_duration_ends_with_the_next_line_or_the_video(absurd: object) -> None:
    lines = [{**line(start, 0, "so"), "dDurationMs": absurd} for start in (1000, 90_000)]
    assert parse(body(*lines), 95_000).ends_ms == (90_000, 95_000)
    assert parse(body(*lines), 2000).ends_ms == (90_000, 90_000)
    # Of a video whose length is unknown: a line is up for a minute, at most.
    assert parse(body(*lines)).ends_ms == (90_000, 150_000)


@pytest.mark.parametrize(
    ("start", "read"),
    [
        ("2500", 2500),
        (2500.9, 2500),
        (-5, 1000),
        (2**53, 1000),
        (2**53 + 1, 1000),
        (-(2**70), 1000),
        ("soon", 1000),
        (float("inf"), 1000),
        (float("nan"), 1000),
        ([], 1000),
        (None, 1000),
    ],
)
def test_a_line_whose_start_is_no_time_begins_with_the_line_before_it(start: object, read: int) -> None:
    lines = [line(1000, 500, "one"), {**line(0, 100, "two"), "tStartMs": start}, line(3000, 100, "three")]
    transcript = parse(body(*lines))
    assert transcript.texts == ("one", "two", "three")
    assert transcript.starts_ms == (1000, read, 3000)
    assert parse(body(lines[1])).starts_ms == (0 if read == 1000 else read,)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.integers(0, 10_000),
            st.lists(st.text(max_size=5), min_size=1, max_size=3),
        )
    )
)
def test_every_word_is_kept_and_time_runs_forward(lines: list[tuple[int, int, list[str]]]) -> None:
    transcript = parse(body(*(line(start, duration, *words) for start, duration, words in lines)))
    by_time = sorted(
        {(start, plain("".join(words))): (start, 0, words) for start, _, words in lines}.values(),
        key=lambda one: one[0],
    )
    assert (
        " ".join(transcript.texts).split()
        == " ".join(plain("".join(words)) for _, _, words in by_time).split()
    )
    assert all(text for text in transcript.texts)
    segments = list(zip(transcript.starts_ms, transcript.ends_ms, strict=True))
    assert all(start <= end for start, end in segments)
    assert all(end <= following for (_, end), (following, _) in pairwise(segments))
