"""Videos as arguments: one id in 64 begins with a dash, as an option does."""

import re
from collections.abc import Iterable, Iterator

import click

from streams.discovery.addresses import watch_url

_DASHED = re.compile(r"-[A-Za-z0-9_-]{10}")


class VideoIds(click.Command):
    """A command that takes a word for a video if it is shaped like an id with a dash in front, and is no option of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `args`; ids that look like options are given as addresses, which do not."""
        return super().parse_args(ctx, list(self._plain(ctx, args)))

    def _plain(self, ctx: click.Context, args: Iterable[str]) -> Iterator[str]:
        options = [option for option in self.get_params(ctx) if isinstance(option, click.Option)]
        declared = {name for option in options for name in (*option.opts, *option.secondary_opts)}
        valued = {
            name for option in options if not option.is_flag and not option.count for name in option.opts
        }
        words = iter(args)
        for word in words:
            if word == "--":
                yield word
                yield from words
            elif word in valued:
                yield word
                yield from (value for value in [next(words, None)] if value is not None)
            elif _DASHED.fullmatch(word) and word not in declared:
                yield watch_url(word)
            else:
                yield word
