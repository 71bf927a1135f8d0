import pytest

from streams.errors import EarmarkError, RefusedError
from streams.events.event import Event
from streams.events.prompts import Prompt, PromptRegistered
from streams.log.topics import PROMPTS
from streams.prompts.registry import Prompts, activation, fold, registration
from tests.builders.histories import moment, record


def prompt(name: str = "calls-1", words: str = "Listen.") -> Prompt:
    return Prompt(name=name, model="m", max_tokens=1000, effort="low", words=words, schema_version=1)


def folded(*events: Event) -> Prompts:
    prompts = Prompts()
    for offset, event in enumerate(events):
        fold(prompts, record(event, offset, PROMPTS))
    return prompts


def registered(of: Prompt) -> PromptRegistered:
    return registration(Prompts(), of, moment(0))


def test_a_prompt_is_registered_once() -> None:
    first = registered(prompt())
    assert first.prompt == prompt()
    assert registration(folded(first), prompt(), moment(1)) is None


def test_other_words_under_a_registered_name_are_refused() -> None:
    edited = prompt(words="Listen well.")
    with pytest.raises(RefusedError, match=r"calls-1 is registered with other words .*needs a new name"):
        registration(folded(registered(prompt())), edited, moment(1))


def test_a_name_belongs_to_the_words_that_took_it_first() -> None:
    """Two people register at once; neither saw the other. The ids tell the words apart for ever."""
    late = prompt(words="Listen well.")
    prompts = folded(registered(prompt()), registered(late))
    assert prompts.by_name == {"calls-1": prompt()}
    assert prompts.by_id == {prompt().prompt_id: prompt(), late.prompt_id: late}


def test_nothing_counts_before_an_activation() -> None:
    assert folded(registered(prompt())).active is None


def test_the_last_activation_counts_and_knows_the_one_before() -> None:
    one, two = prompt(), prompt("calls-2")
    events = [registered(one), registered(two)]
    events.append(activation(folded(*events), "calls-1", moment(2)))
    assert events[-1].previous is None
    events.append(activation(folded(*events), "calls-2", moment(3)))
    assert events[-1].previous == 2
    prompts = folded(*events)
    assert prompts.active == two
    assert [(each.number, each.prompt_id, each.at) for each in prompts.activations] == [
        (2, one.prompt_id, moment(2)),
        (3, two.prompt_id, moment(3)),
    ]


def test_a_name_nobody_registered_cannot_be_activated() -> None:
    with pytest.raises(EarmarkError, match=r"no prompt calls-9 is registered \(there are: calls-1\)"):
        activation(folded(registered(prompt())), "calls-9", moment(1))
