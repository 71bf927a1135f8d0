"""The contract for subscribers: the signals as an AsyncAPI document, generated from the models.

The document for the default prefix stands beside this file. Readers of the repository find it there, and a test lets it
only grow.
"""

import json
from collections.abc import Sequence
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from streams.events.envelope import SOURCE, data_schema
from streams.events.event import Event
from streams.events.signals import VERSION, Cause
from streams.log.topics import KEPT_FOR_EVER, MENTION_SIGNALS, OUTLOOK_SIGNALS, Topic
from streams.signals.examples import example

_KAFKA_BINDING = "0.5.0"
_KEYS = {
    MENTION_SIGNALS.name: "The symbol.",
    OUTLOOK_SIGNALS.name: "The id of the channel, or of the video if the channel is unknown.",
}
_DESCRIPTION = """\
Stock calls and market views from videos, as Earmark adds, changes and retracts them. Times are UTC.

**Start** at offset 0 of both topics and apply every signal: you then hold every current call and view, and go on as they \
come. Or start at the end: you hold what comes from then on, and a Changed or Retracted may name an id that you do not know; \
its `previous` is then what you missed. Keep your offsets where you keep your state; a consumer group is enough.

**Apply** a signal only if its `revision` is greater than the last one you saw for its `mention_id` or `outlook_id`. Keep \
that number after a retraction. A repeated signal is identical to the byte and changes nothing.

**Act** only if all of this holds:

- `cause` is `live`, and `video.published_at` is recent by your own measure. Treat a null `published_at` as old, and so one \
whose `published_precision` is not `second`: a `day` may be 24 hours off.
- `mention.condition` is null and `mention.dropped` names no condition: else the call hangs on something that has not come.
- `mention.speaker` is `host` or `guest`: a relayed call is hearsay.
- `mention.paid` is false.

Under a prompt that does not ask for these they are null or unknown, and you act on nothing. Every other signal only keeps \
your record right. `mention.levels`, `position` and `expires` are for you to weigh.

- A mention in a sponsor's message is not published: never live, and as no other cause.
- A replay's results are never `live`, even the first for a video: they belong to an `activation`.
- Added and Changed carry the whole state. Changed and Retracted also carry the whole `previous` state.
- A state that is the same under another analysis is not published again: `video` and `analysis` are those of the last \
published signal.
- A corrected symbol is a retraction and an addition, because the id derives from the video, the symbol and the mention's \
number among those of that symbol.
- **Order**: a key is in one partition, and signals of one key keep their order; there is none between keys. The key of a \
view changes when its channel becomes known; compare its revisions.
- **Isolation**: nothing is written in transactions, so `read_uncommitted` and `read_committed` read the same.
- Whether a call is a channel's first, a repeat or a reversal is not in a signal: signals follow from one partition of \
analyses, which has videos and no channel's history. Fold it by `video.channel_id` and `mention.symbol`, or read the view \
`call_series` of the read model.
- **Additions**: fields may be added, and a later version may add values to an enum: ignore fields that you do not know, and take \
an unknown value for "not for me". A change that could break you gets another `ce_dataschema`, and this document another \
version. `earmark signals contract --changes` lists what was added.
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
            "version": str(VERSION),
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
        "examples": [example(event_type)],
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
            "description": "The same each time the same signal is sent.",
        },
        "ce_source": {"type": "string", "const": SOURCE},
        "ce_type": {"type": "string", "const": event_type.__name__},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_time": {
            "type": "string",
            "format": "date-time",
            "description": "Time of the event that caused this signal, not the time it was sent.",
        },
        "ce_subject": {"type": "string", "description": "The key."},
        "ce_dataschema": {"type": "string", "const": data_schema(event_type)},
        "ce_cause": {
            "type": "string",
            "enum": list(get_args(Cause)),
            "description": "`cause`, for clients that do not parse the body.",
        },
        "ce_revision": {
            "type": "string",
            "pattern": "^[1-9][0-9]*$",
            "description": "`revision` in digits.",
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
