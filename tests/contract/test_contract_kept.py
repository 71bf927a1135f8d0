import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from streams.cli.signals import signals
from streams.events.envelope import decode
from streams.events.signals import SIGNALS, VERSION
from streams.signals.changes import CHANGES
from streams.signals.contract import contract, render
from tests.builders.promised import Promised
from tests.contract import asyncapi_parser
from tests.contract.additive import breaks
from tests.contract.kept import FILE, WRITE, broken, generated, kept
from tests.contract.released import released, versions

Node = dict[str, Any]


def changed(change: Callable[[Node], object], document: Node | None = None) -> Node:
    """A contract, today's where none is given, after a change."""
    document = copy.deepcopy(document or generated())
    change(document)
    return document


def schema(document: Node, name: str) -> Node:
    node: Node = document["components"]["schemas"][name]
    return node


def message(document: Node, name: str = "MentionAdded") -> Node:
    node: Node = document["components"]["messages"][name]
    return node


def add_field(document: Node) -> None:
    state = schema(document, "MentionState")
    state["properties"]["exchange"] = {"type": "string"}
    state["required"].append("exchange")


def rename_field(document: Node) -> None:
    state = schema(document, "MentionState")
    state["properties"]["ticker"] = state["properties"].pop("symbol")
    state["required"][0] = "ticker"


def add_type(document: Node) -> None:
    reference = {"$ref": "#/components/messages/MentionAdded"}
    document["channels"]["signals.mentions"]["messages"]["MentionMerged"] = reference


ADDITIONS: dict[str, Callable[[Node], object]] = {
    "nothing": lambda _: None,
    "a field": add_field,
    "a header": lambda d: message(d)["headers"]["properties"].update(ce_lang={"type": "string"}),
    "other words": lambda d: schema(d, "MentionAdded").update(description="Otherwise said."),
    "a value is sent no more": lambda d: schema(d, "MentionState")["properties"]["action"]["enum"].pop(),
    "null is sent no more": lambda d: schema(d, "SignalVideo")["properties"].update(title={"type": "string"}),
    "a narrower number": lambda d: schema(d, "MentionState")["properties"]["start_ms"].update(minimum=0),
    "a channel": lambda d: d["channels"].update(other=d["channels"]["signals.mentions"]),
}

BREAKS: dict[str, Callable[[Node], object]] = {
    "symbol is gone": rename_field,
    "symbol may be missing": lambda d: schema(d, "MentionState")["required"].remove("symbol"),
    "symbol may be null": lambda d: schema(d, "MentionState")["properties"].update(
        symbol={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "start_ms: another type": lambda d: schema(d, "MentionState")["properties"]["start_ms"].update(
        type="number"
    ),
    "title may be integer": lambda d: schema(d, "SignalVideo")["properties"]["title"]["anyOf"].append(
        {"type": "integer"}
    ),
    "conviction: another maximum": lambda d: schema(d, "MentionState")["properties"]["conviction"].pop(
        "maximum"
    ),
    "mention_id: another format": lambda d: schema(d, "MentionAdded")["properties"]["mention_id"].pop(
        "format"
    ),
    "action may be 'applaud'": lambda d: schema(d, "MentionState")["properties"]["action"]["enum"].append(
        "applaud"
    ),
    "action may be 'anything'": lambda d: schema(d, "MentionState")["properties"]["action"].pop("enum"),
    "themes[]: another type": lambda d: schema(d, "OutlookState")["properties"]["themes"]["items"].update(
        type="integer"
    ),
    "ce_cause is gone": lambda d: message(d)["headers"]["properties"].pop("ce_cause"),
    "ce_dataschema may be 'urn:earmark:MentionAdded:99'": lambda d: message(d)["headers"]["properties"][
        "ce_dataschema"
    ].update(const="urn:earmark:MentionAdded:99"),
    "MentionAdded.key: another type": lambda d: message(d)["bindings"]["kafka"]["key"].update(type="integer"),
    "MentionAdded: another content type": lambda d: message(d).update(contentType="application/avro"),
    "MentionRetracted is gone": lambda d: d["channels"]["signals.mentions"]["messages"].pop(
        "MentionRetracted"
    ),
    "MentionMerged is new": add_type,
    "signals.mentions: another address": lambda d: d["channels"]["signals.mentions"].update(
        address="elsewhere"
    ),
    "signals.mentions: keys fall in other partitions": lambda d: d["channels"]["signals.mentions"][
        "bindings"
    ]["kafka"].update(partitions=24),
    "channels.signals.outlooks is gone": lambda d: d["channels"].pop("signals.outlooks"),
}


def test_the_kept_contract_is_what_the_models_say() -> None:
    assert FILE.read_text(encoding="utf-8") == render(generated()), WRITE


def test_nobody_who_relies_on_the_released_contract_breaks() -> None:
    """The kept one can be deleted and made anew; what subscribers were given cannot. See tests/contract/released.py."""
    assert broken(generated()) == []


def test_one_version_is_that_of_the_document_and_of_every_signal() -> None:
    """So a subscriber tells by either whether it knows what it reads."""
    document = generated()
    told = {
        name: one["headers"]["properties"]["ce_dataschema"]["const"].rpartition(":")[2]
        for name, one in document["components"]["messages"].items()
    }
    assert told == dict.fromkeys((one.__name__ for one in SIGNALS), str(VERSION))
    assert document["info"]["version"] == str(VERSION)


@pytest.mark.parametrize("what", BREAKS)
@pytest.mark.parametrize("version", versions())
def test_no_break_becomes_an_addition_by_making_the_kept_contract_anew(version: int, what: str) -> None:
    assert broken(changed(BREAKS[what], released(version))) != []


@pytest.mark.parametrize("what", ADDITIONS)
def test_an_addition_breaks_nobody(what: str) -> None:
    assert breaks(generated(), changed(ADDITIONS[what])) == []


@pytest.mark.parametrize("what", BREAKS)
def test_a_break_is_named(what: str) -> None:
    found = breaks(generated(), changed(BREAKS[what]))
    assert any(one.endswith(what) for one in found), found


def fields(document: Node) -> set[tuple[str, str]]:
    schemas = document["components"]["schemas"]
    return {(name, field) for name, one in schemas.items() for field in one["properties"]}


def test_the_changes_name_every_field_that_the_released_contract_lacks() -> None:
    old = fields(released(versions()[-1]))
    parts = {name for name, _ in old}
    added = {field for name, field in fields(generated()) - old if name in parts}
    assert [field for field in sorted(added) if f"`{field}`" not in CHANGES] == []


@pytest.mark.parametrize("name", [one.__name__ for one in SIGNALS])
def test_an_example_is_as_promised_and_of_one_channel_s_messages(name: str) -> None:
    (shown,) = message(generated(), name)["examples"]
    (channel,) = [topic for topic, channel in generated()["channels"].items() if name in channel["messages"]]
    headers = [(header, content.encode()) for header, content in shown["headers"].items()]
    key, value = shown["headers"]["ce_subject"].encode(), json.dumps(shown["payload"]).encode()
    assert Promised(generated(), closed=True).complaints(channel, key, headers, value) == []
    assert decode(headers, value).event_id == UUID(shown["headers"]["ce_id"])


def test_the_contract_is_asyncapi() -> None:
    assert asyncapi_parser.complaints(render(kept())) == []


def test_what_is_not_asyncapi_is_complained_of() -> None:
    """A reference to nothing, and a field that no binding or no example has: the parser looks at all of them."""

    def spoil(document: Node) -> None:
        message(document)["payload"] = {"$ref": "#/components/schemas/Nothing"}
        document["channels"]["signals.mentions"]["bindings"]["kafka"]["shards"] = 12
        message(document)["examples"][0]["mood"] = "good"

    found = asyncapi_parser.complaints(render(changed(spoil)))
    assert any("Nothing" in one for one in found), found
    assert any("shards" in one for one in found), found
    assert any("mood" in one for one in found), found


def test_the_verb_prints_the_contract_of_this_installation(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "streams", "signals", "contract"],
        env=os.environ | {"EARMARK_TOPIC_PREFIX": "desk-7."},
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert printed.stdout.decode() == render(contract("desk-7."))
    assert '"address": "desk-7.signals.mentions"' in printed.stdout.decode()


def test_the_verb_prints_the_changes() -> None:
    assert CliRunner().invoke(signals, ["contract", "--changes"]).output == CHANGES
