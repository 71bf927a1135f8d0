"""Templates become pages; whatever a template prints is escaped, and made visible."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from projections.web import shown
from projections.web.forms import address

STYLE = files("projections.web").joinpath("static", "earmark.css").read_bytes()
ICON = files("projections.web").joinpath("static", "earmark.svg").read_bytes()
PATHS = {
    "calls": "/",
    "video": "/video/{}",
    "symbol": "/symbol/{}",
    "channel": "/channel/{}",
    "consensus": "/consensus",
    "search": "/search",
    "prompts": "/prompts",
    "operations": "/operations",
    "calls.csv": "/calls.csv",
    "calls.json": "/calls.json",
}
"""The address of each page; `{}` is a name in it."""


def environment() -> Environment:
    """The templates with our own filters."""
    made = Environment(
        loader=PackageLoader("projections.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown.visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        name: getattr(shown, name)
        for name in ("sign", "usd", "count", "share", "moment", "clock", "watch_at")
    }
    made.globals |= {name.replace(".", "_") + "_at": partial(address, path) for name, path in PATHS.items()}
    return made


def here_with(path: str, query: Mapping[str, list[str]]) -> Callable[..., str]:
    """What gives a page's own address with other values in its query."""

    def changed(**changes: object) -> str:
        return address(path, **{**query, **changes})

    return changed


def render(made: Environment, template: str, values: Mapping[str, Any]) -> bytes:
    """A page's bytes."""
    return made.get_template(template).render(values).encode("utf-8", "replace")
