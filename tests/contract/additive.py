"""What a subscriber that relies on one contract would break on in another.

Anything the new contract lets be sent must have been foreseen by the old one; new fields are foreseen. A change that
this file cannot judge counts as a break.
"""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]

_WORDS = {"description", "title"}
_JUDGED_APART = {"properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"}


def breaks(old: Node, new: Node) -> list[str]:
    """The places where `new` breaks what `old` promised, each with a word on how."""
    was, now = _resolved(old["channels"], old), _resolved(new["channels"], new)
    found = _removed(was, now, "channels")
    for name in was.keys() & now.keys():
        found += _channel_breaks(was[name], now[name], name)
    return sorted(found)


def _resolved(node: Any, document: Node) -> Any:
    """`node` with every reference replaced by what it points to."""
    match node:
        case {"$ref": str(reference)}:
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
            return _resolved(target, document)
        case dict():
            return {name: _resolved(value, document) for name, value in node.items()}
        case list():
            return [_resolved(value, document) for value in node]
        case _:
            return node


def _removed(was: Node, now: Node, path: str) -> list[str]:
    return [f"{path}.{name} is gone" for name in was.keys() - now.keys()]


def _channel_breaks(was: Node, now: Node, path: str) -> Iterator[str]:
    if was["address"] != now["address"]:
        yield f"{path}: another address"
    if was["bindings"]["kafka"]["partitions"] != now["bindings"]["kafka"]["partitions"]:
        yield f"{path}: keys fall in other partitions"
    yield from _removed(was["messages"], now["messages"], path)
    # A subscriber that passes a new type over would hold another state than the one that is meant.
    yield from [f"{path}.{name} is new" for name in now["messages"].keys() - was["messages"].keys()]
    for name in was["messages"].keys() & now["messages"].keys():
        one, other = was["messages"][name], now["messages"][name]
        if one["contentType"] != other["contentType"]:
            yield f"{path}.{name}: another content type"
        key, other_key = one["bindings"]["kafka"]["key"], other["bindings"]["kafka"]["key"]
        yield from _schema_breaks(key, other_key, f"{path}.{name}.key")
        yield from _schema_breaks(one["headers"], other["headers"], f"{path}.{name}.headers")
        yield from _schema_breaks(one["payload"], other["payload"], f"{path}.{name}")


def _schema_breaks(was: Node, now: Node, path: str) -> list[str]:
    """Where a value that `now` allows is none that `was` allowed."""
    if "anyOf" in was or "anyOf" in now:
        foreseen = was.get("anyOf", [was])
        return [
            f"{path} may be {alternative.get('type', alternative)}"
            for alternative in now.get("anyOf", [now])
            if all(_schema_breaks(one, alternative, path) for one in foreseen)
        ]
    found = [
        f"{path}: another {keyword}"
        for keyword in was.keys() - _WORDS - _JUDGED_APART
        if now.get(keyword) != was[keyword]
    ]
    if (values := _values(was)) is not None:
        found += [f"{path} may be {value!r}" for value in _values(now) or ["anything"] if value not in values]
    if "items" in was:
        found += _schema_breaks(was["items"], now.get("items", {}), f"{path}[]")
    fields, other_fields = was.get("properties", {}), now.get("properties", {})
    found += _removed(fields, other_fields, path)
    optional = set(was.get("required", ())) - set(now.get("required", ()))
    found += [f"{path}.{name} may be missing" for name in optional & other_fields.keys()]
    for name in fields.keys() & other_fields.keys():
        found += _schema_breaks(fields[name], other_fields[name], f"{path}.{name}")
    return found


def _values(schema: Node) -> list[Any] | None:
    """The values a schema is limited to, or None."""
    return [schema["const"]] if "const" in schema else schema.get("enum")
