"""When a prompt is at fault and not the video."""

from streams.analysis.prompt_faults import TRY_AGAIN_MS, BadRequests, FaultyPrompts

REASON = "400 invalid_request_error: output_config.effort: not supported (request 17)"


def test_the_same_words_to_two_videos_in_a_row_are_the_prompts() -> None:
    bad = BadRequests()
    assert not bad.is_the_prompts("a", REASON)
    assert bad.is_the_prompts("b", REASON.replace("17", "18"))


def test_other_words_the_same_video_or_an_answer_between_are_not() -> None:
    bad = BadRequests()
    bad.is_the_prompts("a", REASON)
    assert not bad.is_the_prompts("a", REASON)
    assert not bad.is_the_prompts("b", "400 something else")
    bad.is_the_prompts("a", REASON)
    bad.answered()
    assert not bad.is_the_prompts("b", REASON)


def test_the_requests_of_a_faulty_prompt_wait_and_one_tries_now_and_then() -> None:
    faulty = FaultyPrompts()
    assert faulty.held_until_ms("p", 0) == 0
    assert faulty.add("p", 1000)
    assert not faulty.add("p", 1000), "no news"
    assert faulty.held_until_ms("p", 2000) == 1000 + TRY_AGAIN_MS
    later = 1000 + TRY_AGAIN_MS
    assert faulty.held_until_ms("p", later) == 0, "this one tries"
    assert faulty.held_until_ms("p", later) == later + TRY_AGAIN_MS, "the others wait on"
    assert faulty.held_until_ms("q", later) == 0
    assert faulty.works("p")
    assert not faulty.works("p")
    assert faulty.held_until_ms("p", later) == 0
