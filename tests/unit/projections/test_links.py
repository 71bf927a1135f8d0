"""The read model links to the second of a quote as the signals do."""

import pytest

from streams.events.signals import url_at
from tests.unit.projections.conftest import Told


@pytest.mark.parametrize("url", ["https://youtu.be/x", "https://www.youtube.com/watch?v=x", "x?"])
@pytest.mark.parametrize("start_ms", [0, 999, 1000, 83_456, 36_000_000])
def test_the_macro_gives_the_address_that_a_signal_carries(told: Told, url: str, start_ms: int) -> None:
    assert told.rows(f"SELECT url_at('{url}', {start_ms})") == [(url_at(url, start_ms),)]
