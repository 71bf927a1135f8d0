"""The scripted answers belong to the requests that the pipeline really makes, and ground as they are meant to."""

import orjson
import pytest

from streams.analysis.conversation import parse_answer
from streams.analysis.grounding import ground
from streams.analysis.prompt_files import BUNDLED, read_prompt
from streams.demo.record import sample_requests
from streams.demo.sample_channel import (
    CUT_AT_MAX_TOKENS,
    INVENTED_QUOTE,
    OVERLOADED_FIRST,
    RATE_LIMITED_FIRST,
    REQUESTS,
    WRONG_LINE,
    sample_answer,
    sample_captions,
    sample_channel,
    sample_scripts,
)
from streams.demo.script import OVERLOADED, RATE_LIMITED, Reply
from streams.events.analyses import Mention
from streams.events.captions import CaptionsExtracted

CAPTIONS = sample_captions(sample_channel())
RECORDED: dict[str, str] = orjson.loads(REQUESTS.read_bytes())


def grounded(captions: CaptionsExtracted) -> list[tuple[int, Mention]]:
    answered = parse_answer(sample_answer(captions.video.video_id)).mentions
    mentions = ground(answered, captions, None)
    return [(named.line, mention) for named, mention in zip(answered, mentions, strict=True)]


def test_the_recorded_requests_are_those_the_pipeline_makes() -> None:
    """A change of prompt or transcript is reviewed: `python -m streams.demo.record` writes it down."""
    assert sample_requests(read_prompt(BUNDLED)) == RECORDED


@pytest.mark.parametrize("captions", CAPTIONS, ids=lambda captions: captions.video.video_id)
def test_quotes_stand_where_they_are_meant_to(captions: CaptionsExtracted) -> None:
    video_id = captions.video.video_id
    for line, mention in grounded(captions):
        if (video_id, mention.symbol) == INVENTED_QUOTE:
            assert mention.rejected == "quote_not_in_transcript"
        elif (video_id, mention.symbol) == WRONG_LINE:
            assert (mention.rejected, line - mention.line) == (None, 3)
        else:
            assert (mention.rejected, line - mention.line) == (None, 0)


def test_the_special_mentions_exist() -> None:
    told = [
        (captions.video.video_id, mention.symbol)
        for captions in CAPTIONS
        for _, mention in grounded(captions)
    ]
    assert len(told) >= 20
    assert {INVENTED_QUOTE, WRONG_LINE} < set(told)


def test_a_name_is_found_as_it_was_said() -> None:
    for captions in CAPTIONS:
        for _, mention in grounded(captions):
            assert mention.said_as in " ".join(captions.texts)


def test_an_enum_in_another_case_is_among_the_answers() -> None:
    assert '"BUY"' in sample_answer("KTape000007")


def test_one_is_cut_one_comes_too_fast_and_one_meets_an_overload() -> None:
    """Which video is which stands in sample_channel, for the demo's own checks."""
    by_request = sample_scripts()
    firsts = {video_id: by_request[digest][0] for video_id, digest in RECORDED.items()}
    cut = firsts.pop(CUT_AT_MAX_TOKENS)
    assert isinstance(cut, Reply)
    assert cut.stop_reason == "max_tokens"
    assert firsts.pop(RATE_LIMITED_FIRST) == RATE_LIMITED
    assert firsts.pop(OVERLOADED_FIRST) == OVERLOADED
    assert firsts == {video_id: Reply(sample_answer(video_id)) for video_id in firsts}


def test_every_script_ends_in_the_whole_answer() -> None:
    for digest, script in sample_scripts().items():
        last = script[-1]
        assert isinstance(last, Reply), digest
        assert last.stop_reason == "end_turn", digest
