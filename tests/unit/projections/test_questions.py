"""The ready questions, over calls that a person can count."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from streams.events.analyses import AnalysisCompleted
from tests.builders.read_model_world import PROMPTS, START, activated, at, completed, extracted, video
from tests.unit.projections.conftest import Told

DAY = timedelta(days=1)
SINCE = "TIMESTAMPTZ '2026-03-09 00:00:00Z'"


def call(number: int, days: int, actions: dict[str, str], channel: str = "one") -> AnalysisCompleted:
    """A video so many days after a Monday, with what its channel would do with each symbol."""
    of = video(number, published_at=START + days * DAY, channel_id=channel)
    answer = completed(of, PROMPTS[0], UUID(int=number), symbols=actions)
    said = [
        mention.model_copy(update={"action": actions[mention.symbol]})
        if mention.rejected is None
        else mention
        for mention in answer.mentions
    ]
    of = answer.video.model_copy(update={"channel_title": channel.title()})
    return answer.model_copy(update={"mentions": tuple(said), "video": of})


def tell(told: Told, calls: Iterable[AnalysisCompleted]) -> None:
    told.tell(*activated(PROMPTS[0], 0, None), *calls)


CALLS = (
    call(1, 0, {"NVDA": "buy", "T": "watch"}),
    call(2, 6, {"NVDA": "buy"}),
    call(3, 7, {"NVDA": "avoid", "T": "hold"}),
    call(4, 8, {"NVDA": "buy", "ON": "sell"}, channel="two"),
    call(5, 9, {"NVDA": "sell"}),
)


def test_a_symbols_week_has_what_most_calls_say(told: Told) -> None:
    tell(told, CALLS)
    assert told.rows(
        "SELECT symbol, week::VARCHAR, calls, channels, buy, sell, avoid, consensus FROM consensus_weeks"
        " WHERE symbol IN ('NVDA', 'T') ORDER BY ALL"
    ) == [
        ("NVDA", "2026-03-02", 2, 1, 2, 0, 0, "buy"),
        ("NVDA", "2026-03-09", 3, 2, 1, 1, 1, "mixed"),
        ("T", "2026-03-02", 1, 1, 0, 0, 0, "watch"),
        ("T", "2026-03-09", 1, 1, 0, 0, 0, "hold"),
    ]
    assert told.rows("SELECT channel_title, week::VARCHAR, calls FROM channel_weeks ORDER BY ALL") == [
        ("One", "2026-03-02", 3),
        ("One", "2026-03-09", 3),
        ("Two", "2026-03-09", 2),
    ]


def test_a_call_stands_beside_the_one_before_and_says_what_turned(told: Told) -> None:
    tell(told, CALLS)
    turns = "SELECT symbol, channel_id, action, previous_action, turn FROM {} ORDER BY symbol, channel_id, said_at"
    whole = [
        ("NVDA", "one", "buy", None, "first"),
        ("NVDA", "one", "buy", "buy", "repeat"),
        ("NVDA", "one", "avoid", "buy", "reversal"),
        ("NVDA", "one", "sell", "avoid", "change"),
        ("NVDA", "two", "buy", None, "first"),
        ("ON", "two", "sell", None, "first"),
        ("T", "one", "watch", None, "first"),
        ("T", "one", "hold", "watch", "change"),
    ]
    assert told.rows(turns.format("call_history")) == whole
    assert told.rows(turns.format(f"calls_since({SINCE})")) == [*whole[2:6], whole[7]]
    for one, other in (("call_history", f"calls_since({SINCE})"), (f"calls_since({SINCE})", "call_history")):
        assert told.rows(f"FROM {one} WHERE said_at >= {SINCE} EXCEPT ALL FROM {other}") == []


def test_channels_disagree_by_their_last_calls(told: Told) -> None:
    tell(told, CALLS)
    assert told.rows(f"FROM disagreements({SINCE})") == [("NVDA", 1, 1, ["Two"], ["One"])]
    told.tell(call(6, 10, {"NVDA": "watch"}))
    assert told.rows(f"FROM disagreements({SINCE})") == []


def test_what_was_not_found_in_the_words_is_counted_by_why(told: Told) -> None:
    tell(told, CALLS)
    assert told.rows(
        "SELECT rejected, channel_title, times, last_analysed_at, last_quote FROM rejections ORDER BY times"
    ) == [
        ("quote_not_in_transcript", "Two", 1, at(5), "I am buying [Music] in video"),
        ("quote_not_in_transcript", "One", 4, at(5), "I am buying [Music] in video"),
    ]


def test_a_video_is_about_as_long_as_its_last_caption_says(told: Told) -> None:
    told.tell(extracted(video(1)))
    assert told.rows("SELECT length_ms FROM videos") == [(66_000,)]
    assert told.rows("SELECT video_id, waits_for FROM missing_videos") == [("video-1", "worker")]


def test_a_call_is_a_first_a_repeat_or_a_reversal_of_the_channels_side_within_thirty_days(told: Told) -> None:
    """Watching and holding take no side, and what is older is forgotten."""
    actions = {0: "buy", 10: "watch", 30: "buy", 61: "buy", 62: "avoid", 63: "sell"}
    calls = [call(number, days, {"NVDA": action}) for number, (days, action) in enumerate(actions.items(), 1)]
    tell(told, [*calls, call(9, 31, {"NVDA": "sell"}, channel="two")])
    assert told.rows("SELECT channel_id, action, series FROM call_series ORDER BY channel_id, said_at") == [
        ("one", "buy", "first"),
        ("one", "buy", "repeat"),
        ("one", "buy", "first"),
        ("one", "avoid", "reversal"),
        ("one", "sell", "repeat"),
        ("two", "sell", "first"),
    ]
