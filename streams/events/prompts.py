"""The words Claude is asked with, and which of them count."""

import json
from functools import lru_cache
from hashlib import sha256
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from streams.events.event import Event, Part, derive_id

Effort = Literal["low", "medium", "high"]


class Prompt(Part):
    """A prompt and how it is asked; a change of any of it is another prompt."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    model: str
    max_tokens: int = Field(ge=1)
    effort: Effort
    words: str = Field(min_length=1)
    schema_version: int = Field(ge=1)

    @property
    def prompt_id(self) -> str:
        """16 hex digits of a SHA-256 over everything that makes the prompt."""
        return _prompt_id(self)


# Kept beside it, not in it: what a copy of a prompt keeps would be the id of other words.
@lru_cache(maxsize=64)
def _prompt_id(prompt: Prompt) -> str:
    whole = json.dumps(prompt.model_dump(), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return sha256(whole.encode()).hexdigest()[:16]


class PromptRegistered(Event):
    """A prompt entered the log; workers read its words from here."""

    prompt_id: str
    prompt: Prompt

    @model_validator(mode="after")
    def _id_is_of_the_words(self) -> Self:
        if self.prompt_id != self.prompt.prompt_id:
            raise ValueError(
                f"prompt_id {self.prompt_id} is not the hash of the prompt, {self.prompt.prompt_id}"
            )
        return self

    @property
    def key(self) -> str:
        return self.prompt_id

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.prompt_id,)


class PromptActivated(Event):
    """From here on this prompt's analyses are the current ones.

    In `prompts`, `activation` and `partition` are null: the activation number is the record's own offset there. As a
    marker in a partition of `analyses` it carries both. `previous` is the activation before this one, null for the first.
    """

    prompt_id: str
    previous: int | None
    activation: int | None = None
    partition: int | None = None

    @property
    def activation_id(self) -> UUID:
        return derive_id("activation", self.prompt_id, self.previous)

    @property
    def key(self) -> str:
        return self.prompt_id

    @property
    def identity(self) -> tuple[object, ...]:
        return (self.activation_id, "" if self.partition is None else self.partition)

    @property
    def extensions(self) -> dict[str, str]:
        if self.activation is None:
            return {"promptid": self.prompt_id}
        return {"promptid": self.prompt_id, "activation": str(self.activation)}
