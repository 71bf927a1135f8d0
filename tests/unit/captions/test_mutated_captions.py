"""Whatever YouTube serves is captions that can be kept, or is named as broken."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from streams.captions.json3 import BrokenCaptionsError, Transcript, parse
from streams.events.captions import CaptionsExtracted, captions_id
from streams.events.envelope import decode, encode
from streams.loopback.captions_writer import automatic
from tests.builders.transcripts import VIDEO

MUTANTS = 600
SOURCE = (
    "[00:00]we are back [Music] and buying palanteer\n[00:04]>> not apple, though\n[00:07]at all\n[00:09]"
)
# Numbers that are none, texts that cannot be encoded, and values of another kind.
JUNK = [
    *[None, True, -1, 0.5, 2**53, 2**63, 10**15, -(2**70), 10**400, 1e999, -1e999, float("nan")],
    *["", "12", "soon", "\ud83d", "\ude80", "\x00", "&#xdfff;", "&#39;", "<i>", "{\\an8}", "\n"],
    *[[], {}, [None], {"utf8": "so"}, {"segs": None}, [{"segs": [{"utf8": "so"}]}]],
]
SPLINTERS = ["", '"', "[", "}", "null", "\\ud800", "\ufeff", "<html>", "[" * 5000]


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every object and list of a document, with each of its keys or indices."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield node, key
        yield from places(child)


def mutant(chance: random.Random) -> str:
    """A json3 body: some values replaced, removed or repeated; now and then its text is cut or spliced, too."""
    document = json.loads(automatic(SOURCE))
    for _ in range(chance.randint(1, 8)):
        holder, key = chance.choice([*places(document)])
        match chance.choice(["replace", "replace", "remove", "repeat"]):
            case "replace":
                holder[key] = json.loads(json.dumps(chance.choice(JUNK)))
            case "remove":
                del holder[key]
            case "repeat" if isinstance(holder, list):
                holder *= chance.randint(2, 3)
        if not document:
            break
    body = json.dumps(document)
    if chance.random() < 0.15:
        cut = chance.randrange(len(body))
        body = body[:cut] + chance.choice(SPLINTERS) + chance.choice(["", body[cut:]])
    return chance.choice(["", "\ufeff"]) + body


def is_sound(transcript: Transcript) -> bool:
    """Whether times are times that run forward and the event of these captions is read as it was written."""
    times = list(zip(transcript.starts_ms, transcript.ends_ms, strict=True))
    if not all(type(time) is int and time < 2**63 for span in times for time in span):
        return False
    if not all(0 <= start <= end for start, end in times):
        return False
    if not all(start <= following for (start, _), (following, _) in pairwise(times)):
        return False
    event = CaptionsExtracted(
        at=datetime(2026, 11, 21, tzinfo=UTC),
        video=VIDEO,
        captions_id=captions_id("v", 1),
        revision=1,
        attempt=1,
        source="captions_auto",
        language="en",
        texts=transcript.texts,
        starts_ms=transcript.starts_ms,
        ends_ms=transcript.ends_ms,
        words=transcript.words,
    )
    message = encode(event)
    return decode(message.headers, message.value) == event


def test_a_mutant_is_captions_that_can_be_kept_or_broken() -> None:
    kept = 0
    for seed in range(MUTANTS):
        chance = random.Random(seed)
        body, length_ms = mutant(chance), chance.choice([None, 0, 5000, 60_000])
        try:
            transcript = parse(body, length_ms)
        except BrokenCaptionsError:
            continue
        if transcript.texts:
            kept += 1
            assert is_sound(transcript), (seed, body)
    # Most mutants keep some words, or the test looks at nothing.
    assert kept > MUTANTS / 2
