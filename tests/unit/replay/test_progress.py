from decimal import Decimal

import pytest

from streams.events.ledger import SettledOutcome
from streams.replay.progress import Progress, sentence
from streams.replay.wish import resumption
from tests.builders.ledger_story import (
    HOLD_S,
    OTHER,
    PROMPT_ID,
    REPLAY,
    Told,
    asked,
    cancelled,
    claimed,
    listed,
    settled,
    started,
)


def counts(progress: Progress) -> tuple[int, int, int]:
    return progress.completed, progress.failed, progress.waiting


def test_a_replay_is_over_its_limit_once_nothing_that_waits_can_be_claimed_any_more() -> None:
    """After every record: not while a call may end for less than it reserved, nor while some video still fits."""
    told = Told((listed(1, "0.4"), listed(2, "0.4"), listed(3, "0.4"), listed(4, "0.2")))
    assert told.tell(started("1"), *map(asked, (1, 2, 3, 4))).state == "running"
    first, second, last = claimed(1, "0.4"), claimed(2, "0.4"), claimed(4, "0.2")
    assert told.tell(first, second, last).state == "running"
    assert told.tell(settled(first, "completed", "0.35")).state == "running"
    assert told.tell(settled(second, "completed", "0.3")).state == "running"
    done = told.tell(settled(last, "completed", "0.1"))
    assert (done.state, counts(done), done.spent_usd) == ("spent", (3, 0, 1), Decimal("0.75"))


def test_a_small_video_behind_a_large_one_keeps_it_running() -> None:
    """One that fits to the cent, too."""
    told = Told((listed(1, "0.6"), listed(2, "0.6"), listed(3, "0.4")))
    first = claimed(1, "0.6")
    told.tell(started("1"), *map(asked, (1, 2, 3)), first)
    assert told.tell(settled(first, "completed", "0.6")).state == "running"
    last = claimed(3, "0.4")
    assert told.tell(last, settled(last, "completed", "0.1")).state == "spent"


def test_a_limit_below_every_video_is_over_from_the_first() -> None:
    """Nothing is ever claimed then, so only the list can say so."""
    assert Told((listed(1, "0.4"),)).tell(started("0.3"), asked(1)).state == "spent"
    assert Told().tell(started("0.3"), asked(1)).state == "running"
    assert Told().tell(started("0"), asked(1)).state == "spent"


def test_without_the_list_the_least_claim_so_far_decides() -> None:
    told = Told()
    small, large, last = claimed(1, "0.3"), claimed(2, "0.5"), claimed(3, "0.4")
    told.tell(started("1"), *map(asked, (1, 2, 3, 4)), small, settled(small, "completed", "0.1"), large)
    assert told.tell(settled(large, "completed", "0.5")).state == "running"
    assert told.tell(last, settled(last, "completed", "0.2")).state == "spent"


def test_a_claim_past_its_deadline_gives_nothing_back() -> None:
    """No record need follow it in the ledger: a killed analyst's last claim must not keep a watcher for ever."""
    told = Told((listed(1, "0.4"), listed(2, "0.4")))
    assert told.tell(started("0.5"), asked(1), asked(2), claimed(1, "0.4")).state == "running"
    assert told.progress(later_s=HOLD_S - 1).state == "running"
    assert told.progress(later_s=HOLD_S + 1).state == "spent"


def test_what_is_not_asked_for_is_not_done() -> None:
    """A replay whose `run` was killed amid its requests is incomplete once those few are analysed, until it is run again."""
    told = Told((listed(1, "0.1"), listed(2, "0.1"), listed(3, "0.1")))
    some = told.tell(started("1"), asked(1), asked(2))
    assert (some.state, some.requested, some.unasked) == ("running", 2, 1)
    for number in (1, 2):
        claim = claimed(number, "0.1")
        some = told.tell(claim, settled(claim, "completed", "0.05"))
    assert (some.state, some.unasked, counts(some)) == ("incomplete", 1, (2, 0, 0))
    assert told.tell(asked(3)).state == "running"
    claim = claimed(3, "0.1")
    whole = told.tell(claim, settled(claim, "completed", "0.05"))
    assert (whole.state, whole.unasked, counts(whole)) == ("done", 0, (3, 0, 0))


def test_a_listed_video_that_somebody_else_had_analysed_is_not_missing() -> None:
    told = Told((listed(1, "0.1"),))
    claim = claimed(1, "0.1", OTHER)
    told.tell(started("1"), started("1", OTHER), asked(1, OTHER), claim)
    assert told.tell(settled(claim, "completed", "0.05")).state == "done"


def test_running_it_again_is_not_advised_where_nothing_more_can_be_paid() -> None:
    told = Told((listed(1, "0.4"), listed(2, "0.4")))
    claim = claimed(1, "0.4")
    assert told.tell(started("0.5"), asked(1), claim, settled(claim, "completed", "0.3")).state == "spent"


@pytest.mark.parametrize("other", [None, OTHER])
@pytest.mark.parametrize(
    ("outcome", "expected"), [("completed", (1, 0, 0)), ("failed", (0, 1, 0)), ("retry", (0, 0, 1))]
)
def test_an_analysis_ends_as_it_ended_whoever_claimed_it(
    other: object, outcome: SettledOutcome, expected: tuple[int, int, int]
) -> None:
    """A live request or another replay may have asked for the same one, before or after."""
    for_whom = OTHER if other else None
    for order in (0, 1):
        told = Told()
        ours, theirs = asked(1), asked(1, for_whom)
        told.tell(started("1"), started("1", OTHER), *((ours, theirs) if order else (theirs,)))
        claim = claimed(1, "0.1", for_whom)
        told.tell(claim, settled(claim, outcome, "0.05"))
        assert counts(told.tell(ours)) == expected


def test_the_settlement_that_ends_an_analysis_says_how() -> None:
    """Neither a second one for the same attempt, nor one for an attempt after it."""
    told = Told()
    cut, again = claimed(1, "0.1"), claimed(1, "0.1", attempt=2)
    told.tell(started("1"), asked(1), cut, settled(cut, "retry", "0.05"), settled(cut, "failed", "0.05"))
    assert counts(told.tell(again)) == (0, 0, 1)
    assert counts(told.tell(settled(again, "completed", "0.05"))) == (1, 0, 0)
    late = claimed(1, "0.1", OTHER)
    assert counts(told.tell(asked(1, OTHER), late, settled(late, "failed"))) == (1, 0, 0)


def test_a_settlement_before_its_claim_counts_once_the_claim_is_there() -> None:
    told = Told()
    claim = claimed(1, "0.1")
    assert counts(told.tell(started("1"), asked(1), settled(claim, "failed", "0.05"))) == (0, 0, 1)
    assert counts(told.tell(claim)) == (0, 1, 0)


def test_a_request_told_twice_is_one() -> None:
    assert Told().tell(started("1"), asked(1), asked(1)).requested == 1


def test_the_first_start_in_the_log_is_the_replay() -> None:
    told = Told()
    first = started("1").model_copy(update={"captions_ends": (5,) * 12})
    assert told.tell(first, started("1")).started == first


def test_a_cancelled_replay_is_cancelled_whatever_waits() -> None:
    told = Told((listed(1, "0.1"), listed(2, "0.1")))
    assert told.tell(started("1"), asked(1), cancelled()).state == "cancelled"


def test_a_cancelled_replay_and_the_one_that_goes_on_with_it_name_each_other() -> None:
    told = Told()
    first = started("1")
    claim = claimed(1, "0.4")
    told.tell(first, asked(1), asked(2), claim, settled(claim, "completed", "0.3"), cancelled())
    second = resumption(first, Decimal("0.3"), first.at, ())
    left = told.tell(second)
    assert (left.state, left.resumed_as) == ("cancelled", second.replay_id)
    assert sentence(left, "extract-v2").endswith(f"of $1 charged; replay {second.replay_id} goes on with it")
    on = told.progress(second.replay_id)
    assert (on.state, on.resumed_as) == ("done", None)
    assert sentence(on, "extract-v2").startswith(
        f"replay {second.replay_id} of extract-v2 ({PROMPT_ID}), which goes on with {REPLAY}: done, 0 of 0"
    )
    assert sentence(on, "extract-v2").endswith("of $0.7 charged")


def test_a_replay_is_told_in_a_sentence_that_says_what_helps() -> None:
    told = Told((listed(1, "0.4"), listed(2, "0.4")))
    begun = f"replay {REPLAY} of extract-v2 ({PROMPT_ID}): "
    assert sentence(told.tell(started("0.50"), asked(1)), "extract-v2") == (
        f"{begun}running, 0 of 1 videos analysed, 0 failed, 1 wait; $0.00 of $0.50 charged;"
        " 1 of 2 are requested: run it again, unless it runs still"
    )
    claim = claimed(1, "0.4")
    told.tell(asked(2), claim)
    assert sentence(told.tell(settled(claim, "completed", "0.3")), "extract-v2").endswith(
        "spent, 1 of 2 videos analysed, 0 failed, 1 wait; $0.3000 of $0.50 charged; what is left pays for no other:"
        " with a higher --max-usd another replay takes the rest"
    )
    assert sentence(told.tell(cancelled()), "extract-v2").endswith("charged")


def test_a_replay_that_earmark_itself_ended_says_why() -> None:
    ended = cancelled().model_copy(update={"reason": "404 not_found_error: model: claude-haiku-3"})
    told = Told().tell(started("1"), asked(1), ended)
    assert (told.state, told.reason) == ("cancelled", ended.reason)
    assert "it was ended: 404 not_found_error: model: claude-haiku-3" in sentence(told, "extract-v2")
