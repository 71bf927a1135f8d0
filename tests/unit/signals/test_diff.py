from typing import get_args

import pytest

from streams.events.analyses import Action, Mention, mention_id
from streams.events.event import Event, Lane
from streams.events.signals import (
    MentionAdded,
    MentionChanged,
    MentionRetracted,
    MentionState,
    OutlookAdded,
    OutlookChanged,
    OutlookRetracted,
)
from streams.events.videos import Origin
from streams.signals.current import Kind, Switch
from streams.signals.diff import signals
from tests.builders.examples import EXAMPLES
from tests.builders.histories import completed, mention, moment, video

VIDEO = video().video_id


def switch(kind: Kind = "first", revision: int = 1, activation: int = 0) -> Switch:
    return Switch(VIDEO, None, 1, revision, kind, activation)


def mentions_told(previous: list[Mention], current: list[Mention]) -> list[Event]:
    """The mention signals between two lists of mentions of one video, as (type, symbol)."""
    told = signals(
        completed("p1", mentions=previous),
        completed("p2", mentions=current),
        switch("activation", 2),
        moment(5),
    )
    return [signal for signal in told if hasattr(signal, "mention")]


def test_a_first_analysis_adds_its_mentions_and_its_outlook() -> None:
    nvda, t = mention(VIDEO, "NVDA", start_ms=61_500), mention(VIDEO, "T", start_ms=99_000)
    added, other, outlook = signals(None, completed(mentions=[nvda, t]), switch(activation=7), moment(5))
    assert (type(added), type(other), type(outlook)) == (MentionAdded, MentionAdded, OutlookAdded)
    assert (added.mention_id, added.key, added.mention.quote) == (nvda.mention_id, "NVDA", "i like NVDA")
    assert added.mention.url == f"https://www.youtube.com/watch?v={VIDEO}&t=61s"
    assert (added.at, added.revision, added.activation) == (moment(5), 1, 7)
    assert (added.video.title, added.video.published_at) == ("Three names I hold", moment(-60))
    assert (added.analysis.prompt, added.analysis.prompt_id) == ("name-of-p1", "p1")
    assert (outlook.outlook.direction, outlook.outlook.themes, outlook.key) == (
        "bullish",
        ("rates",),
        video().channel_id,
    )


@pytest.mark.parametrize(
    ("kind", "origin", "lane", "cause"),
    [
        ("first", "poll", "live", "live"),
        ("first", "poll", "backfill", "backfill"),
        ("first", "poll", "replay", "activation"),
        ("first", "backfill", "backfill", "backfill"),
        ("first", "backfill", "live", "backfill"),
        ("first", "backfill", "replay", "activation"),
        ("first", "asked", "backfill", "backfill"),
        ("activation", "poll", "live", "activation"),
        ("activation", "poll", "replay", "activation"),
        ("correction", "poll", "live", "correction"),
        ("correction", "poll", "replay", "correction"),
    ],
)
def test_only_a_first_word_on_a_polled_video_asked_for_live_is_live(
    kind: Kind, origin: Origin, lane: Lane, cause: str
) -> None:
    analysis = completed(of=video(origin=origin), mentions=[mention(VIDEO, "NVDA")], lane=lane)
    assert {signal.cause for signal in signals(None, analysis, switch(kind), moment(0))} == {cause}


@pytest.mark.parametrize("symbol", ["BRK.B", "BF-B", "7203", "A" * 12])
def test_what_can_be_a_symbol_is_published(symbol: str) -> None:
    assert [signal.key for signal in mentions_told([], [mention(VIDEO, symbol)])] == [symbol]


@pytest.mark.parametrize("symbol", ["", "nvda", "BRK B", "NVDA\n", "A" * 21, "Ñ"])
def test_what_cannot_be_a_symbol_is_no_signal(symbol: str) -> None:
    assert mentions_told([], [mention(VIDEO, symbol)]) == []


def test_what_is_not_grounded_is_no_signal() -> None:
    assert mentions_told([], [mention(VIDEO, "NVDA", rejected="quote_not_in_transcript")]) == []


def test_every_action_is_a_signal() -> None:
    actions = list(get_args(Action))
    said = [mention(VIDEO, "NVDA", n, start_ms=n, action=action) for n, action in enumerate(actions)]
    assert [signal.mention.action for signal in mentions_told([], said)] == actions


def test_what_reads_as_before_is_not_told_again() -> None:
    said = [mention(VIDEO, "NVDA")]
    assert signals(completed("p1", mentions=said), completed("p2", mentions=said), switch(), moment(0)) == []


def test_a_change_names_its_fields_and_carries_what_stood_before() -> None:
    was, now = mention(VIDEO, "NVDA"), mention(VIDEO, "NVDA", action="sell", conviction=0.9)
    (changed,) = mentions_told([was], [now])
    assert isinstance(changed, MentionChanged)
    assert changed.changed == ("action", "conviction")
    assert (changed.previous.action, changed.mention.action) == ("buy", "sell")


def test_what_is_mentioned_no_more_is_retracted_under_the_analysis_that_does_not_mention_it() -> None:
    (gone,) = mentions_told([mention(VIDEO, "NVDA")], [])
    assert isinstance(gone, MentionRetracted)
    assert (gone.reason, gone.key, gone.revision) == ("not_mentioned", "NVDA", 2)
    assert gone.mention == gone.previous
    assert gone.analysis.prompt_id == "p2"


def test_another_symbol_for_the_same_words_is_a_retraction_and_an_addition() -> None:
    gone, added = mentions_told([mention(VIDEO, "NVDA")], [mention(VIDEO, "NVO")])
    assert (type(gone), gone.key, gone.reason) == (MentionRetracted, "NVDA", "symbol_changed")
    assert (type(added), added.key) == (MentionAdded, "NVO")


def test_another_symbol_elsewhere_in_the_video_is_no_changed_symbol() -> None:
    gone, _ = mentions_told([mention(VIDEO, "NVDA", start_ms=1000)], [mention(VIDEO, "T", start_ms=1900)])
    assert gone.reason == "not_mentioned"


def test_an_outlook_changes_in_its_fields() -> None:
    told = signals(completed("p1"), completed("p2", direction="mixed"), switch("activation", 2), moment(0))
    (changed,) = told
    assert isinstance(changed, OutlookChanged)
    assert (changed.changed, changed.previous.direction, changed.outlook.direction) == (
        ("direction",),
        "bullish",
        "mixed",
    )


def test_an_analysis_without_an_outlook_adds_none_takes_one_away_and_says_no_other_is_new() -> None:
    without, having = completed("p1", viewless=True), completed("p2")
    assert signals(None, without, switch(), moment(0)) == []
    (added,) = signals(without, having, switch("correction", 2), moment(0))
    (retracted,) = signals(having, without, switch("activation", 2), moment(0))
    assert isinstance(added, OutlookAdded)
    assert isinstance(retracted, OutlookRetracted)
    assert retracted.outlook == retracted.previous == added.outlook


def test_an_outlook_without_a_summary_has_an_empty_one() -> None:
    analysis = completed().model_copy(update={"summary": None})
    (added,) = signals(None, analysis, switch(), moment(0))
    assert added.outlook.summary == ""


def test_the_whole_of_a_partial_analysis_takes_nothing_back_that_both_have() -> None:
    """The first one adds what it reached, the whole one what it did not."""
    reached, beyond = mention(VIDEO, "NVDA"), mention(VIDEO, "T", start_ms=9000)
    partial = completed(mentions=[reached], partial=True)
    told = signals(None, partial, switch(), moment(0))
    assert [(type(signal), signal.cause) for signal in told] == [
        (MentionAdded, "live"),
        (OutlookAdded, "live"),
    ]
    told = signals(partial, completed(mentions=[reached, beyond]), switch("correction", 2), moment(5))
    assert [(type(signal), signal.key, signal.cause) for signal in told] == [
        (MentionAdded, "T", "correction")
    ]


def test_the_order_is_retractions_then_mentions_as_they_are_said_then_the_outlook() -> None:
    was = [mention(VIDEO, "AAA", start_ms=1000), mention(VIDEO, "BBB", start_ms=2000)]
    now = [
        mention(VIDEO, "CCC", start_ms=3000),
        mention(VIDEO, "BBB", start_ms=2000, action="sell"),
    ]
    told = signals(
        completed("p1", mentions=was), completed("p2", mentions=now, direction="mixed"), switch(), moment(0)
    )
    assert [(type(signal).__name__, signal.key) for signal in told] == [
        ("MentionRetracted", "AAA"),
        ("MentionAdded", "CCC"),
        ("MentionChanged", "BBB"),
        ("OutlookChanged", video().channel_id),
    ]


def test_what_a_sponsor_says_is_no_signal_of_any_cause_and_is_taken_back_where_it_was_one() -> None:
    nvda = mention(VIDEO, "NVDA")
    paid = nvda.model_copy(update={"paid": True})
    first = signals(None, completed(mentions=[paid, mention(VIDEO, "T")]), switch(), moment(5))
    assert [(type(one), one.key) for one in first] == [
        (MentionAdded, "T"),
        (OutlookAdded, video().channel_id),
    ]
    (taken_back,) = mentions_told([nvda], [paid])
    assert isinstance(taken_back, MentionRetracted)
    assert taken_back.reason == "not_mentioned"
    (added,) = mentions_told([paid], [nvda.model_copy(update={"paid": False})])
    assert (type(added), added.mention.paid) == (MentionAdded, False)


def test_a_signal_says_what_a_call_hangs_on_and_a_change_of_it_is_a_change() -> None:
    whole = (
        EXAMPLES["AnalysisCompleted"]
        .mentions[0]
        .model_copy(update={"mention_id": mention_id(VIDEO, "PLTR", 0)})
    )
    (added,) = mentions_told([], [whole])
    for name in ("match", "condition", "levels", "speaker", "position", "paid", "expires", "dropped"):
        assert getattr(added.mention, name) == getattr(whole, name) != MentionState.model_fields[name].default
    (changed,) = mentions_told([whole], [whole.model_copy(update={"condition": None, "speaker": "guest"})])
    assert changed.changed == ("condition", "speaker")
