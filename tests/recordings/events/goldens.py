"""The golden files: each example's message as readable JSON, from which its exact bytes can be made again."""

import json
from pathlib import Path

from streams.events.envelope import Message

FOLDER = Path(__file__).parent


def path(name: str) -> Path:
    return FOLDER / f"{name}.json"


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
