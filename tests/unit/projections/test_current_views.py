from uuid import UUID

from projections.ingest import Place, progress
from streams.events.analyses import ResponseInfo
from streams.events.prompts import PromptRegistered
from streams.events.videos import VideoDiscovered
from tests.builders.examples import EXAMPLES
from tests.builders.read_model_world import PROMPTS, activated, at, completed, extracted, signals, video
from tests.unit.projections.conftest import Told

FIRST, SECOND = PROMPTS
ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))
SUMMARIES = "SELECT summary FROM outlooks"


def test_an_answer_under_a_prompt_that_was_never_activated_waits(told: Told) -> None:
    told.tell(completed(video(1), FIRST, ONE))
    assert told.rows(SUMMARIES) == []
    told.tell(*activated(FIRST, 0, None))
    assert told.rows(SUMMARIES) == [("by first",)]


def test_the_latest_activation_counts_and_a_video_without_an_answer_under_it_keeps_its_old_one(
    told: Told,
) -> None:
    told.tell(*activated(FIRST, 0, None), completed(video(1), FIRST, ONE), completed(video(2), FIRST, ONE))
    told.tell(completed(video(1), SECOND, TWO), *activated(SECOND, 1, 0))
    current = "SELECT video_id, prompt FROM outlooks ORDER BY ALL"
    assert told.rows(current) == [("video-1", "second"), ("video-2", "first")]

    told.tell(*activated(FIRST, 2, 1))
    assert told.rows(current) == [("video-1", "first"), ("video-2", "first")]


def test_an_activation_counts_once_its_marker_stands_in_the_videos_partition(told: Told) -> None:
    fact, *markers = activated(FIRST, 0, None)
    (record,) = told.tell(completed(video(1), FIRST, ONE))
    told.tell(fact, *(marker for marker in markers if marker.partition != record.partition))
    assert told.rows(SUMMARIES) == []
    told.tell(*(marker for marker in markers if marker.partition == record.partition))
    assert told.rows(SUMMARIES) == [("by first",)]


def test_newer_captions_make_their_analysis_current(told: Told) -> None:
    told.tell(*activated(FIRST, 0, None), completed(video(1), FIRST, TWO, revision=2))
    told.tell(completed(video(1), FIRST, ONE, revision=1))
    assert told.rows("SELECT captions_revision FROM analyses WHERE is_current") == [(2,)]


def test_of_two_answers_to_one_analysis_the_first_stands_and_brings_its_mentions_alone(told: Told) -> None:
    told.tell(
        *activated(FIRST, 0, None),
        completed(video(1), FIRST, ONE, symbols=["NVDA"]),
        completed(video(1), FIRST, TWO, symbols=["ON", "T"]),
    )
    assert told.rows("SELECT attempt_id FROM analyses") == [(ONE,)]
    assert told.rows("SELECT symbol FROM all_mentions WHERE rejected IS NULL") == [("NVDA",)]


def test_a_partial_analysis_shows_until_a_whole_one_exists_and_never_before_one(told: Told) -> None:
    cut = completed(video(1), FIRST, ONE, symbols=["NVDA"]).model_copy(update={"partial": True})
    shown = "SELECT symbol, partial, videos.mentions FROM mentions JOIN videos USING (video_id) ORDER BY ALL"
    told.tell(extracted(video(1)), *activated(FIRST, 0, None), cut)
    assert told.rows(shown) == [("NVDA", True, 1)]
    told.tell(completed(video(1), FIRST, TWO, symbols=["NVDA", "T"]))
    assert told.rows(shown) == [("NVDA", False, 2), ("T", False, 2)]
    told.tell(
        completed(video(1), FIRST, ONE, revision=2).model_copy(update={"partial": True}),
        completed(video(1), SECOND, THREE).model_copy(update={"partial": True}),
        *activated(SECOND, 1, 0),
    )
    assert told.rows(shown) == [("NVDA", False, 2), ("T", False, 2)]
    assert told.rows("SELECT partial, count(*) FROM analyses GROUP BY ALL ORDER BY ALL") == [
        (False, 1),
        (True, 3),
    ]


def test_what_an_analysis_lacks_is_null_and_a_video_without_an_outlook_has_no_row(told: Told) -> None:
    lacking = {"outlook": None, "summary": None, "usage": None}
    one, *_ = (made := completed(video(1), FIRST, ONE)).mentions
    unusable = one.model_copy(
        update={
            **dict.fromkeys(("mention_id", "start_ms", "end_ms", "action", "conviction", "line")),
            "rejected": "action_unknown",
        }
    )
    told.tell(*activated(FIRST, 0, None), made.model_copy(update={**lacking, "mentions": (unusable,)}))
    told.tell(completed(video(2), FIRST, ONE).model_copy(update={"summary": None}))
    assert told.rows("SELECT video_id, summary FROM outlooks") == [("video-2", "")]
    assert told.rows("SELECT direction, summary, output_tokens FROM analyses WHERE video_id = 'video-1'") == [
        (None, None, None)
    ]
    assert told.rows(
        "SELECT action, conviction, line, rejected FROM all_mentions WHERE video_id = 'video-1'"
    ) == [(None, None, None, "action_unknown")]


def test_what_the_response_said_of_itself_is_kept(told: Told) -> None:
    said = ResponseInfo(
        id="msg_1",
        model="claude-haiku-5-5-20261001",
        stop_reason="end_turn",
        inference_geo="us",
        service_tier="standard",
        usage='{"output_tokens": 7, "odd": [1]}',
    )
    told.tell(completed(video(1), FIRST, ONE).model_copy(update={"response": said}))
    told.tell(completed(video(2), FIRST, TWO))
    broken = said.model_copy(update={"usage": "{"})
    told.tell(completed(video(3), FIRST, THREE).model_copy(update={"response": broken}))
    assert told.rows("SELECT response_usage FROM analyses WHERE video_id = 'video-3'") == [(None,)]
    assert told.rows(
        "SELECT response_id, served_model, inference_geo, service_tier, response_usage ->> '$.odd[0]' FROM analyses"
        " WHERE video_id < 'video-3' ORDER BY video_id"
    ) == [("msg_1", "claude-haiku-5-5-20261001", "us", "standard", "1"), (None, None, None, None, None)]


def test_control_characters_are_kept_as_they_came(told: Told) -> None:
    odd = "a \0 NUL, an \x1b escape"
    told.tell(*activated(FIRST, 0, None), completed(video(1), FIRST, ONE).model_copy(update={"summary": odd}))
    assert told.rows(SUMMARIES) == [(odd,)]


def test_a_mention_shows_where_it_was_said_and_what_is_rejected_does_not_show(told: Told) -> None:
    told.tell(*activated(FIRST, 0, None), completed(video(1), FIRST, ONE))
    assert told.rows("SELECT symbol, action, conviction, quote, url, video_title, prompt FROM mentions") == [
        (
            "NVDA", "buy", 0.15, "I am buying [Music] in video",
            "https://youtube.example/watch?v=video-1&t=61s", "Title", "first",
        )
    ]  # fmt: skip
    assert told.rows("SELECT rejected, ordinal FROM all_mentions ORDER BY ordinal") == [
        (None, 1),
        ("quote_not_in_transcript", 2),
    ]


def test_an_address_without_a_query_gets_one(told: Told) -> None:
    short = video(1, url="https://youtu.example/video-1")
    told.tell(*activated(FIRST, 0, None), completed(short, FIRST, ONE))
    assert told.rows("SELECT url FROM mentions") == [("https://youtu.example/video-1?t=61s",)]


def test_a_video_shows_what_was_learnt_last(told: Told) -> None:
    told.tell(VideoDiscovered(at=at(0), video=video(1, title="As found")))
    known = "SELECT video_title, channel_title, words, prompt, mentions FROM videos"
    assert told.rows(known) == [("As found", None, None, None, None)]
    told.tell(extracted(video(1)), extracted(video(1), 2))
    assert told.rows(known) == [("Title, revision 2", "The Channel", 9, None, None)]
    told.tell(*activated(FIRST, 0, None), completed(video(1), FIRST, ONE, revision=2))
    assert told.rows(known) == [("Title, revision 2", "The Channel", 9, "first", 1)]


def test_a_signal_is_kept_as_it_was_published(told: Told) -> None:
    told.tell(*signals(completed(video(1), FIRST, ONE)))
    assert told.rows("SELECT type, symbol, direction, cause, revision, video_title, url FROM signals ORDER BY type") == [
        ("MentionAdded", "NVDA", None, "live", 1, "Title", "https://youtube.example/watch?v=video-1&t=61s"),
        ("OutlookAdded", None, "bullish", "live", 1, "Title", None),
    ]  # fmt: skip


def test_prompts_and_activations_are_listed(told: Told) -> None:
    told.tell(PromptRegistered(at=at(0), prompt_id=FIRST.prompt_id, prompt=FIRST), *activated(FIRST, 1, None))
    assert told.rows("SELECT activation, name FROM activations JOIN prompts USING (prompt_id)") == [
        (1, "first")
    ]
    assert progress(told.database)[Place("prompts", 0)].next_offset == 2


def test_what_a_call_hangs_on_stands_in_every_table_of_calls_and_a_sponsors_in_none_of_those_that_stand(
    told: Told,
) -> None:
    whole = EXAMPLES["AnalysisCompleted"].mentions[0]
    answer = completed(video(1), FIRST, ONE, symbols=["PLTR", "T"])
    names = ("match", "condition", "levels", "speaker", "position", "paid", "expires", "dropped")
    pltr = answer.mentions[0].model_copy(update={name: getattr(whole, name) for name in names})
    paid = answer.mentions[1].model_copy(update={"paid": True})
    answer = answer.model_copy(update={"mentions": (pltr, paid)})
    told.tell(extracted(video(1)), *activated(FIRST, 0, None), answer, *signals(answer))
    rows = [
        told.rows(f"SELECT {', '.join(names)} FROM {relation} WHERE symbol = 'PLTR'")  # noqa: S608  names of ours
        for relation in ("all_mentions", "mentions", "signals")
    ]
    assert rows[0] == rows[1] == rows[2]
    ((match, condition, levels, speaker, position, of_a_sponsor, expires, dropped),) = rows[0]
    assert (match, condition, speaker, position) == ("exact", whole.condition, "host", "holds")
    assert (of_a_sponsor, expires) == (False, whole.expires)
    assert levels == [level.model_dump() for level in whole.levels]
    assert dropped == [one.model_dump() for one in whole.dropped]
    assert told.rows("SELECT symbol FROM mentions") == [("PLTR",)]
    assert told.rows("SELECT mentions FROM videos") == [(1,)]
