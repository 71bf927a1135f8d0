"""A few of the spoilt bodies; `python -m tests.fuzz` tries twenty thousand."""

from tests.fuzz.trials import feeds, json3, players

SEED = 1


def test_a_spoilt_caption_track_is_words_or_a_named_failure() -> None:
    outcomes = json3(1500, SEED)
    assert outcomes.wrong == []
    assert {"words", "named: no json3"} <= outcomes.counts.keys()


def test_a_spoilt_feed_is_videos_or_a_named_failure() -> None:
    outcomes = feeds(500, SEED)
    assert outcomes.wrong == []
    assert {"3 videos", "named: no feed"} <= outcomes.counts.keys()


async def test_a_spoilt_player_is_a_result_or_a_named_failure_and_pauses_nobody() -> None:
    outcomes = await players(150, SEED)
    assert outcomes.wrong == []
    assert {"taken", "not taken: unknown"} <= outcomes.counts.keys()
