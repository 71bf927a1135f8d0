import json

from streams.cli.signals import as_json, as_line
from streams.events.event import Event
from streams.signals.current import Switch
from streams.signals.diff import signals
from tests.builders.histories import completed, mention, moment, video


def first_signals(said_as_quote: str = "i like it", **beside: str) -> list[Event]:
    of = video()
    said = mention(of.video_id, "NVDA", start_ms=61_000).model_copy(update={"quote": said_as_quote} | beside)
    switch = Switch(of.video_id, None, 0, 1, "first", 7)
    return signals(None, completed(of=of, mentions=[said]), switch, moment(0))


def test_a_call_is_one_line_that_ends_where_to_hear_it() -> None:
    assert as_line(first_signals()[0]).split() == [
        *("2026-11-20", "14:00:00Z", "live", "r1", "MentionAdded", "NVDA", "buy", "0.60", "months"),
        *("“i", "like", "it”", "https://www.youtube.com/watch?v=dQw4w9WgXcA&t=61s"),
    ]


def test_a_call_that_hangs_on_something_or_is_hearsay_does_not_look_like_a_plain_one() -> None:
    line = as_line(first_signals(condition="if it falls", speaker="relayed")[0])
    assert " (relayed) “i like it” hangs on “if it falls” https://" in line


def test_a_market_view_is_one_line() -> None:
    assert as_line(first_signals()[1]).split() == [
        *("2026-11-20", "14:00:00Z", "live", "r1", "OutlookAdded", "market", "bullish"),
        *("“because”", "Three", "names", "I", "hold"),
    ]


def test_a_strangers_words_do_not_command_the_terminal() -> None:
    line = as_line(first_signals("i\nlike\x1b[2J it\u202e")[0])
    assert line.isprintable()
    assert "“i like [2J it ”" in line


def test_json_is_the_envelope_and_the_body_in_one_object() -> None:
    added = first_signals()[0]
    read = json.loads(as_json(added))
    assert {name: read.pop(name) for name in ("type", "id", "time", "key")} == {
        "type": "MentionAdded",
        "id": str(added.event_id),
        "time": "2026-11-20T14:00:00+00:00",
        "key": "NVDA",
    }
    assert read == json.loads(added.model_dump_json())
