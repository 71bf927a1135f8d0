"""A loopback Claude in a process of its own, as fast and as strict as its tier, its time scaled."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from random import Random

from aiohttp import web

from streams.loopback.claude import LoopbackClaude
from streams.loopback.rate_limits import START_TIER, Limits
from streams.loopback.script import Reply
from tests.benchmarks.material import answer

LATENCY_S = (20.0, 40.0)


@dataclass(frozen=True)
class Tier:
    """What the provider allows a minute, refusing what exceeds it, and how long an answer takes, in seconds.

    `scale`: how many of its minutes pass in one of ours.
    """

    scale: float = 1.0
    a_minute: Mapping[str, int] | None = None
    latency_s: tuple[float, float] = LATENCY_S

    @property
    def limits(self) -> Limits:
        """Its token buckets, each of which holds a minute's worth."""
        if self.a_minute is None:
            return Limits({name: 1_000 * limit for name, limit in START_TIER.items()})
        scaled = {name: round(limit * self.scale) for name, limit in self.a_minute.items()}
        return Limits(scaled, enforced=True, burst_s=60 / self.scale)


@dataclass(frozen=True)
class Asked:
    """One call: when it came (seconds since 1970), its status, and the tokens that count for the limits."""

    at_s: float
    status: int
    input_tokens: int
    output_tokens: int


class Provider(LoopbackClaude):
    """Refuses at once, answers after a while."""

    def __init__(self, tier: Tier) -> None:
        super().__init__({}, improvise=lambda _: Reply(answer()), limits=tier.limits)
        self._latency = [seconds / tier.scale for seconds in tier.latency_s]
        self._random = Random(1)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        response = await super()._messages(request)
        if response.status == 200:
            await asyncio.sleep(self._random.uniform(*self._latency))
        return response

    def asked(self) -> list[Asked]:
        return [
            Asked(
                call.at.timestamp(),
                call.status,
                usage["input_tokens"] + usage["cache_creation_input_tokens"],
                usage["output_tokens"],
            )
            for call in self.calls
            for usage in [call.usage or dict.fromkeys(_COUNTED, 0)]
        ]


_COUNTED = ("input_tokens", "cache_creation_input_tokens", "output_tokens")


def main(tier: Tier, pipe: Pipe) -> None:
    """Serve until terminated; the pipe gets the base URL, and for everything sent into it what was asked so far."""
    asyncio.run(_serve(tier, pipe))


async def _serve(tier: Tier, pipe: Pipe) -> None:
    async with Provider(tier) as provider:

        def tell() -> None:
            pipe.recv()
            pipe.send((provider.asked(), provider.bill()))

        asyncio.get_running_loop().add_reader(pipe.fileno(), tell)
        pipe.send(provider.base_url)
        await asyncio.Event().wait()
