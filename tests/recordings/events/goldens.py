"""The golden files: each example's message as readable JSON, from which its exact bytes can be made again.

A file is named after its example, from the type's second version on with that version: `MentionAdded.json`,
`MentionAdded-2.json`. What Earmark writes no more stays: files of older versions, and those from before a field was
added, `BudgetSettled.without_granted.json`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streams.events.envelope import Message
from streams.events.event import Event
from tests.builders.examples import EXAMPLES, OLDER

FOLDER = Path(__file__).parent


def named(example: str, version: int) -> str:
    """The name of an example's golden file under a version of its type."""
    return example if version == 1 else f"{example}-{version}"


TODAY: dict[str, Event] = {named(name, type(event).version): event for name, event in EXAMPLES.items()}
"""What Earmark writes now, by golden file."""


def path(golden: str) -> Path:
    return FOLDER / f"{golden}.json"


def example_of(golden: str) -> str:
    """The example that a golden file is or was made from."""
    return golden.partition(".without_")[0].partition("-")[0]


def meaning(golden: str) -> Event:
    """What the message in a golden file means today: its example, each field that the file lacks at its default.

    Where that is not so, OLDER says what it means.
    """
    if golden in TODAY | OLDER:
        return (TODAY | OLDER)[golden]
    example = EXAMPLES[example_of(golden)]
    body = _cut(json.loads(example.model_dump_json()), json.loads(path(golden).read_text())["body"])
    return type(example).model_validate({**body, "at": example.at})


def _cut(whole: Any, shape: Any) -> Any:
    """`whole` without the fields that `shape` lacks."""
    match whole, shape:
        case dict(), dict():
            return {name: _cut(whole[name], inner) for name, inner in shape.items()}
        case list(), list():
            return [_cut(*pair) for pair in zip(whole, shape, strict=True)]
        case _:
            return whole


def additions(old: Any, new: Any) -> Iterator[str]:
    """The names of the fields that `new` has more than `old`. Raises ValueError where that is not all."""
    match old, new:
        case dict(), dict() if old.keys() <= new.keys():
            for name, inner in new.items():
                yield from additions(old[name], inner) if name in old else [name]
        case list(), list() if len(old) == len(new):
            for pair in zip(old, new, strict=True):
                yield from additions(*pair)
        case _ if old != new:
            raise ValueError(f"{old!r} became {new!r}")


def render(message: Message) -> str:
    """`message` as the text of a golden file."""
    golden = {
        "key": message.key.decode(),
        "headers": {name: content.decode() for name, content in message.headers},
        "body": json.loads(message.value),
    }
    return json.dumps(golden, indent=2, ensure_ascii=False) + "\n"


def parse(text: str) -> Message:
    """The message that a golden file stands for: bodies are compact JSON, in the order of the file."""
    golden = json.loads(text)
    return Message(
        key=golden["key"].encode(),
        headers=tuple((name, content.encode()) for name, content in golden["headers"].items()),
        value=json.dumps(golden["body"], ensure_ascii=False, separators=(",", ":")).encode(),
    )
