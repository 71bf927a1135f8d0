"""Bodies as YouTube sends them, spoilt: cut, flipped, or with values of another kind at some place. Seeded, so repeatable."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e308, 2**63, 10**400, "", " ", "\ud83d", "\x00", "9" * 5000, "<b>&#39;", [], {}, [None], [[]],
    {"a": []}, "Sign", "1970-01-01", "2026-13-40T99:99:99Z", "http://[", "en-\ud800", "%ff", "NaN",
)  # fmt: skip


def spoilt(body: bytes, draw: Random) -> bytes:
    """`body`, spoilt in one to three ways."""
    for _ in range(draw.randint(1, 3)):
        body = draw.choice((_values, _values, _values, _cut, _flip, _repeat))(body, draw)
    return body


def _values(body: bytes, draw: Random) -> bytes:
    try:
        document = json.loads(body)
    except ValueError:
        return _flip(body, draw)
    places = list(_places(document))
    if not places:
        return json.dumps(draw.choice(ODD)).encode()
    for container, key in draw.sample(places, min(len(places), draw.randint(1, 4))):
        match draw.randrange(4):
            case 0 if isinstance(container, dict):
                container.pop(key, None)
            case 1 if isinstance(container, list):
                container.insert(draw.randint(0, len(container)), draw.choice(ODD))
            case _ if isinstance(container, dict) or key < len(container):
                container[key] = draw.choice(ODD)
    return json.dumps(document).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _cut(body: bytes, draw: Random) -> bytes:
    start, end = sorted((draw.randint(0, len(body)), draw.randint(0, len(body))))
    return body[:start] + body[end:] if draw.random() < 0.5 else body[:end]


def _flip(body: bytes, draw: Random) -> bytes:
    changed = bytearray(body or b"x")
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] = draw.choice(b'<>&"{}[],:\\0a\xff\xc3\x00\n')
    return bytes(changed)


def _repeat(body: bytes, draw: Random) -> bytes:
    at = draw.randint(0, len(body))
    return body[:at] + body[at : at + draw.randint(0, 200)] * draw.randint(1, 5) + body[at:]
