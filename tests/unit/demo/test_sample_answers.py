"""The scripted answers belong to the requests that the pipeline really makes, and ground as they are meant to."""

from collections import Counter
from uuid import UUID

import orjson
import pytest

from streams.analysis.answer import parse_answer
from streams.analysis.grounding import ground
from streams.analysis.symbols import Symbols
from streams.demo.record import sample_requests
from streams.demo.sample_channel import (
    CANDIDATE,
    CUT_AT_MAX_TOKENS,
    INVENTED_QUOTE,
    OVERLOADED_FIRST,
    PROMPTS,
    RATE_LIMITED_FIRST,
    REQUESTS,
    WRONG_LINE,
    sample_answer,
    sample_captions,
    sample_channel,
    sample_scripts,
)
from streams.events.analyses import Mention
from streams.events.captions import CaptionsExtracted
from streams.loopback.script import OVERLOADED, RATE_LIMITED, Reply
from streams.prompts.files import BUNDLED, read_prompt

CAPTIONS = sample_captions(sample_channel())
RECORDED: dict[str, dict[str, str]] = orjson.loads(REQUESTS.read_bytes())
FIRST, SECOND = BUNDLED.stem, CANDIDATE.stem


def grounded(captions: CaptionsExtracted, prompt: str) -> list[tuple[int, Mention]]:
    answered = parse_answer(sample_answer(captions.video.video_id, prompt)).mentions
    mentions = ground(answered, captions, Symbols())
    return [(named.line, mention) for named, mention in zip(answered, mentions, strict=True)]


def calls(prompt: str) -> dict[UUID, Mention]:
    """What would be published under a prompt."""
    return {
        mention.mention_id: mention
        for captions in CAPTIONS
        for _, mention in grounded(captions, prompt)
        if mention.mention_id is not None and not mention.paid
    }


def test_the_recorded_requests_are_those_the_pipeline_makes() -> None:
    """A change of prompt or transcript is reviewed: `python -m streams.demo.record` writes it down."""
    assert sample_requests() == RECORDED


def test_a_prompt_is_named_like_its_file() -> None:
    """So the answers under it are found by either."""
    assert [read_prompt(file).name for file in PROMPTS] == [file.stem for file in PROMPTS]


@pytest.mark.parametrize("captions", CAPTIONS, ids=lambda captions: captions.video.video_id)
def test_quotes_stand_where_they_are_meant_to(captions: CaptionsExtracted) -> None:
    """Under the first prompt two do not; under the second all do."""
    video_id = captions.video.video_id
    for line, mention in grounded(captions, FIRST):
        if (video_id, mention.symbol) == INVENTED_QUOTE:
            assert mention.rejected == "quote_not_in_transcript"
        elif (video_id, mention.symbol) == WRONG_LINE:
            assert (mention.rejected, line - mention.line) == (None, 3)
        else:
            assert (mention.rejected, line - mention.line) == (None, 0)
    for line, mention in grounded(captions, SECOND):
        assert (mention.rejected, line - mention.line) == (None, 0)


def test_the_special_mentions_exist() -> None:
    told = [
        (captions.video.video_id, mention.symbol)
        for captions in CAPTIONS
        for _, mention in grounded(captions, FIRST)
    ]
    assert len(told) >= 20
    assert {INVENTED_QUOTE, WRONG_LINE} < set(told)


@pytest.mark.parametrize("prompt", [FIRST, SECOND])
def test_a_name_is_found_as_it_was_said(prompt: str) -> None:
    for captions in CAPTIONS:
        for _, mention in grounded(captions, prompt):
            assert mention.said_as in " ".join(captions.texts)


def test_the_second_prompt_changes_its_mind_in_every_way() -> None:
    """A call more, some less, one of another action, some of other conviction or horizon; most stay as they are."""
    before, after = calls(FIRST), calls(SECOND)
    both = before.keys() & after.keys()
    changed = Counter(
        name
        for mention_id in both
        for name in ("action", "conviction", "time_horizon", "quote")
        if getattr(before[mention_id], name) != getattr(after[mention_id], name)
    )
    assert (len(after.keys() - both), len(before.keys() - both)) == (1, 2)
    assert changed == {"action": 1, "conviction": 3, "time_horizon": 3}
    assert sum(before[mention_id] == after[mention_id] for mention_id in both) > len(before) / 2


def test_each_part_of_a_call_is_told_and_one_of_each_that_does_not_count() -> None:
    """A level that is the odds of a bet, and the call of a sponsor."""
    mentions = [mention for captions in CAPTIONS for _, mention in grounded(captions, FIRST)]
    told = [mention for mention in mentions if mention.mention_id is not None]
    assert all(mention.speaker == "host" for mention in told)
    assert {mention.position for mention in told} == {"holds", "sold", "none_said"}
    assert [mention.symbol for mention in told if mention.paid] == ["LEDGERFERN"]
    assert sum(mention.condition is not None for mention in told) >= 4
    assert sum(mention.expires is not None for mention in told) >= 4
    [levels] = [mention.levels for mention in told if mention.levels]
    assert [(level.kind, level.value, level.value_to, level.unit) for level in levels] == [
        ("entry", 120, 123, "USD")
    ]
    assert [(mention.symbol, one.part, one.reason) for mention in told for one in mention.dropped] == [
        ("DAL", "level", "number_unread")
    ]


def test_an_enum_in_another_case_is_among_the_answers() -> None:
    assert '"BUY"' in sample_answer("KTape000007")


def test_one_is_cut_one_comes_too_fast_and_one_meets_an_overload() -> None:
    """Which video is which stands in sample_channel, for the demo's own checks; the second act is uneventful."""
    by_request = sample_scripts()
    firsts = {video_id: by_request[digest][0] for video_id, digest in RECORDED[FIRST].items()}
    cut = firsts.pop(CUT_AT_MAX_TOKENS)
    assert isinstance(cut, Reply)
    assert cut.stop_reason == "max_tokens"
    assert firsts.pop(RATE_LIMITED_FIRST) == RATE_LIMITED
    assert firsts.pop(OVERLOADED_FIRST) == OVERLOADED
    assert firsts == {video_id: Reply(sample_answer(video_id)) for video_id in firsts}
    assert {video_id: by_request[digest] for video_id, digest in RECORDED[SECOND].items()} == {
        video_id: [Reply(sample_answer(video_id, SECOND))] for video_id in RECORDED[FIRST]
    }


def test_every_script_ends_in_the_whole_answer() -> None:
    for digest, script in sample_scripts().items():
        last = script[-1]
        assert isinstance(last, Reply), digest
        assert last.stop_reason == "end_turn", digest
