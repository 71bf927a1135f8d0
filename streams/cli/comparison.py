"""What another prompt would change, in words: an example of a comparison as people read it."""

from collections.abc import Iterator

from projections.history import MentionComparison
from streams.cli.terminal import printable


def told(example: MentionComparison) -> Iterator[str]:
    """An example in lines: what became of the call, then each prompt's side with its quote and its address."""
    change = f"{', '.join(example.changed)} changed" if example.change == "changed" else example.change
    yield printable(f"{change}: {example.symbol} on {example.channel_title or 'a channel without a name'}")
    a = (example.a_action, example.a_time_horizon, example.a_conviction, example.a_quote, example.a_url)
    b = (example.b_action, example.b_time_horizon, example.b_conviction, example.b_quote, example.b_url)
    for name, (action, horizon, conviction, quote, url) in (("A", a), ("B", b)):
        said = "-" if action is None else f"{action}, {horizon}, {conviction:.2f}: {quote} ({url})"
        yield printable(f"  {name} {said}")
