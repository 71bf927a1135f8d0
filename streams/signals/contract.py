"""The signals as an AsyncAPI document, made from the models: what a subscriber may rely on.

The document for the default prefix is kept beside this file, for those who read the repository and for the test that
lets it only grow.
"""

import json
from collections.abc import Sequence
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from streams.events.envelope import SOURCE, data_schema
from streams.events.event import Event
from streams.events.signals import Cause
from streams.log.topics import KEPT_FOR_EVER, MENTION_SIGNALS, OUTLOOK_SIGNALS, Topic

VERSION = "1"
"""Rises only where a subscriber of the version before would break."""

_KAFKA_BINDING = "0.5.0"
_KEYS = {
    MENTION_SIGNALS.name: "The symbol.",
    OUTLOOK_SIGNALS.name: "The id of the channel, or the video's where the channel is unknown.",
}
_DESCRIPTION = """\
Stock calls and market views from videos, as Earmark adds, changes and retracts them.

**Apply** a signal iff its `revision` is greater than the last one you saw for its `mention_id` or `outlook_id`; keep \
that number after a retraction too. A repeat is identical to the byte and changes nothing.

**Act** iff `cause` is `live` and `video.published_at` is fresh by your own measure; null is not fresh. Everything else \
only keeps the record right.

- What a replay says is never `live`, be it the first word on a video: it is part of an `activation`.
- Added and Changed carry the whole state, Changed and Retracted also the whole `previous` one. Whoever applies all \
signals from offset 0 on holds every call and view that stands now.
- What reads as before under another analysis is not told again: `video` and `analysis` are those of the last signal.
- A corrected symbol is a retraction and an addition: the id is of the video, the symbol and which of its mentions it is.
- Signals of one key keep their order. A view's key changes when its channel becomes known; its revisions still tell.
- Fields may be added: ignore those you do not know. Anything else that could break you gets another `ce_dataschema`, \
and this document another version.
"""


class _Schemas(GenerateJsonSchema):
    """Schemas for subscribers: a later field is no error."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        """Say whether a field needs a title: its name is one."""
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Describe a model, open to fields of later versions."""
        return {**super().model_schema(schema), "additionalProperties": True}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        """Describe a number, without its step: 0.15 is no multiple of 0.05 to a validator that divides floats."""
        described = super().float_schema(schema)
        described.pop("multipleOf", None)
        return described


def contract(prefix: str) -> dict[str, Any]:
    """The AsyncAPI document for topics under `prefix`."""
    topics = (MENTION_SIGNALS, OUTLOOK_SIGNALS)
    types = [event_type for topic in topics for event_type in topic.types]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Earmark signals",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, prefix) for topic in topics},
        "operations": {
            f"publish.{topic.name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{topic.name}"},
                "messages": [
                    {"$ref": f"#/channels/{topic.name}/messages/{event_type.__name__}"}
                    for event_type in topic.types
                ],
            }
            for topic in topics
        },
        "components": {
            "messages": {
                event_type.__name__: _message(topic, event_type)
                for topic in topics
                for event_type in topic.types
            },
            "schemas": _payloads(types),
        },
    }


def render(document: dict[str, Any]) -> str:
    """The document as the text that is printed and kept."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _channel(topic: Topic, prefix: str) -> dict[str, Any]:
    return {
        "address": prefix + topic.name,
        "messages": {
            event_type.__name__: {"$ref": f"#/components/messages/{event_type.__name__}"}
            for event_type in topic.types
        },
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [KEPT_FOR_EVER["cleanup.policy"]],
                    "retention.ms": int(KEPT_FOR_EVER["retention.ms"]),
                    "retention.bytes": int(KEPT_FOR_EVER["retention.bytes"]),
                    "max.message.bytes": int(KEPT_FOR_EVER["max.message.bytes"]),
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _message(topic: Topic, event_type: type[Event]) -> dict[str, Any]:
    name = event_type.__name__
    return {
        "name": name,
        "title": name,
        "summary": event_type.__doc__,
        "contentType": "application/json",
        "headers": _headers(event_type),
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"{_KEYS[topic.name]} UTF-8."},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _headers(event_type: type[Event]) -> dict[str, Any]:
    """The headers: CloudEvents 1.0 in Kafka's binary binding."""
    properties = {
        "ce_id": {
            "type": "string",
            "format": "uuid",
            "description": "The same for every telling of the same signal.",
        },
        "ce_source": {"type": "string", "const": SOURCE},
        "ce_type": {"type": "string", "const": event_type.__name__},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_time": {
            "type": "string",
            "format": "date-time",
            "description": "When that came about of which the signal tells; not when it was sent.",
        },
        "ce_subject": {"type": "string", "description": "The key."},
        "ce_dataschema": {"type": "string", "const": data_schema(event_type)},
        "ce_cause": {
            "type": "string",
            "enum": list(get_args(Cause)),
            "description": "`cause`, for whoever does not parse the body.",
        },
        "ce_revision": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "`revision`, in digits.",
        },
        "content-type": {"type": "string", "const": "application/json"},
    }
    return {
        "type": "object",
        "description": "CloudEvents 1.0, Kafka protocol binding, binary mode; each value UTF-8.",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": True,
    }


def _payloads(types: Sequence[type[Event]]) -> dict[str, Any]:
    """The bodies' schemas and those of their parts, by name."""
    _, schemas = models_json_schema(
        [(event_type, "serialization") for event_type in types],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    definitions: dict[str, Any] = schemas["$defs"]
    return definitions
