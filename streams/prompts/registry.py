"""The prompts in the log: which there are, and which one counts."""

import logging
from dataclasses import dataclass, field
from datetime import datetime

from streams.clock import Clock
from streams.errors import EarmarkError, RefusedError
from streams.events.prompts import Prompt, PromptActivated, PromptRegistered
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import read
from streams.log.publish import Publisher
from streams.log.topics import PROMPTS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Activation:
    """A prompt counted from `at` on; `number` is the record's offset in `prompts`."""

    number: int
    prompt_id: str
    at: datetime


@dataclass
class Prompts:
    """Every registered prompt by id and by name, in order, and the activations in order.

    `registered_at`: name → when.
    """

    by_id: dict[str, Prompt] = field(default_factory=dict)
    by_name: dict[str, Prompt] = field(default_factory=dict)
    registered_at: dict[str, datetime] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)

    @property
    def active(self) -> Prompt | None:
        """The prompt that counts: the last one activated."""
        return self.by_id[self.activations[-1].prompt_id] if self.activations else None


def fold(prompts: Prompts, record: Record) -> None:
    """Take the next record of `prompts` in. Raises UndecodableError."""
    match record.event():
        case PromptRegistered(prompt=prompt, prompt_id=prompt_id, at=at):
            # A name belongs to the first words that took it, even if two people registered at once.
            prompts.by_id.setdefault(prompt_id, prompt)
            prompts.by_name.setdefault(prompt.name, prompt)
            prompts.registered_at.setdefault(prompt.name, at)
        case PromptActivated(prompt_id=prompt_id, at=at):
            prompts.activations.append(Activation(record.offset, prompt_id, at))


def registration(prompts: Prompts, prompt: Prompt, at: datetime) -> PromptRegistered | None:
    """The event that registers `prompt`, None if it is registered. Raises RefusedError if its name has other words."""
    registered = prompts.by_name.get(prompt.name)
    if registered is None:
        return PromptRegistered(at=at, prompt_id=prompt.prompt_id, prompt=prompt)
    if registered != prompt:
        raise RefusedError(
            f"prompt {prompt.name} is registered with other words ({registered.prompt_id}, not {prompt.prompt_id}):"
            " an edited prompt needs a new name"
        )
    return None


def named(prompts: Prompts, name: str) -> Prompt:
    """The prompt of that name. Raises EarmarkError."""
    prompt = prompts.by_name.get(name)
    if prompt is None:
        known = ", ".join(prompts.by_name) or "none"
        raise EarmarkError(
            f"no prompt {name} is registered (there are: {known}): earmark prompts register FILE"
        )
    return prompt


def activation(prompts: Prompts, name: str, at: datetime) -> PromptActivated:
    """The event that makes the prompt of that name the one that counts. Raises EarmarkError for an unknown name."""
    prompt = named(prompts, name)
    previous = prompts.activations[-1].number if prompts.activations else None
    return PromptActivated(at=at, prompt_id=prompt.prompt_id, previous=previous)


async def read_prompts(connection: Connection) -> Prompts:
    """The prompts as the log has them now."""
    prompts = Prompts()
    await read(connection, [PROMPTS], lambda record: fold(prompts, record))
    return prompts


async def register_bundled(connection: Connection, publisher: Publisher, prompt: Prompt, now: Clock) -> None:
    """Register the prompt that comes with the code, and activate it if none ever was: an upgrade never activates."""
    prompts = await read_prompts(connection)
    try:
        registered = registration(prompts, prompt, now())
    except RefusedError as refusal:
        log.warning("the bundled prompt is not registered: %s", refusal)
        return
    if registered is not None:
        await publisher.append(registered)
        prompts.by_name[prompt.name] = prompt
    if not prompts.activations:
        await publisher.append(activation(prompts, prompt.name, now()))
