"""Whatever an answer holds is read, and what becomes of it can be written and read again."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.analysis.answer import Answer, AnsweredMention, parse_answer, parse_cut_answer
from streams.analysis.grounding import ground
from streams.analysis.symbols import Symbols
from streams.events.analyses import AnalysisCompleted
from streams.events.envelope import decode, encode
from tests.builders.examples import EXAMPLES
from tests.builders.transcripts import captions_of

CAPTIONS = captions_of("i am buying palanteer", "and now apple i'd sell at one twenty")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "symbol": st.sampled_from(["PLTR", "$aapl", "apple"]),
    "said_as": st.just("palanteer"),
    "action": st.sampled_from(["buy", "SELL"]),
    "conviction": st.sampled_from([0.5, 1, 8.5, 85]),
    "time_horizon": st.just("days"),
    "quote": st.sampled_from(["i am buying", "buying palanteer and now", "apple i'd sell"]),
    "line": st.sampled_from([1, 2, 99]),
    "condition": st.sampled_from([None, "and now", "if it falls"]),
    "levels": st.lists(
        st.fixed_dictionaries(
            {
                "kind": st.just("entry"),
                "value": st.sampled_from([120, 1.2, 1e300]),
                "unit": st.sampled_from(["USD", "shells"]),
                "words": st.sampled_from(["at one twenty", "at }]} 120"]),
            }
        )
        | JSON,
        max_size=2,
    ),
    "speaker": st.sampled_from(["host", "relayed"]),
    "position": st.just("holds"),
    "paid": st.booleans(),
    "expires": st.none(),
}
MENTION = st.fixed_dictionaries({}, optional={name: good | JSON for name, good in GOOD.items()}) | JSON
ANSWER = st.fixed_dictionaries(
    {"mentions": st.lists(st.fixed_dictionaries(GOOD) | MENTION, max_size=6)},
    optional={name: JSON for name in Answer.model_fields if name != "mentions"},
)


def kept(answer: Answer) -> AnalysisCompleted:
    event = EXAMPLES["AnalysisCompleted"].model_copy(
        update={
            "themes": answer.macro_themes,
            "summary": answer.summary,
            "mentions": ground(answer.mentions, CAPTIONS, Symbols()),
        }
    )
    assert isinstance(event, AnalysisCompleted)
    return event


@settings(deadline=None)
@given(ANSWER)
def test_every_mention_of_an_answer_is_kept_and_each_call_is_one(told: dict[str, Any]) -> None:
    event = kept(parse_answer(json.dumps(told)))
    message = encode(event)
    assert decode(message.headers, message.value) == event
    assert len(event.mentions) == len(told["mentions"])
    ids = [mention.mention_id for mention in event.mentions if mention.mention_id is not None]
    assert len(set(ids)) == len(ids)


@settings(deadline=None)
@given(told=ANSWER, data=st.data())
def test_a_cut_answer_says_nothing_that_the_whole_one_does_not(
    told: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(told)
    cut = parse_cut_answer(text[: data.draw(st.integers(0, len(text)))])
    if cut is not None:
        read = [AnsweredMention.model_validate(mention) for mention in told["mentions"]]
        assert repr(list(cut.mentions)) == repr(read[: len(cut.mentions)])
        kept(cut)
