from collections.abc import AsyncIterator

import pytest

from streams.loopback.youtube import LoopbackYoutube, serve
from tests.builders.asking_youtube import Wall, channel, one


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def youtube(wall: Wall) -> AsyncIterator[LoopbackYoutube]:
    async with serve(LoopbackYoutube(channel(one()), now=wall)) as server:
        yield server
