"""The pages over HTTP, for this machine: GET and HEAD only, no script, no cookie, no request to anybody else."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from duckdb import DuckDBPyConnection
from multidict import MultiDict

from projections.web import calls_files
from projections.web.forms import whole
from projections.web.page import Asked, Look, Page
from projections.web.problems import NO_PAGE, Problem, problem_of
from projections.web.reader import Reader
from projections.web.render import ICON, STYLE, environment, here_with, render
from projections.web.routes import PAGES
from projections.web.standing import Standing, standing
from streams.errors import EarmarkError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LIVE = (2, 3600)
# Styles and templates change with the version, and each page with them.
_BUILD = version("earmark")


class Site:
    """The pages on the read model in `home`; `hosts`: names beside the loopback's under which it may be asked."""

    def __init__(
        self, home: Path, cap_usd: Decimal, look: Look, now: Callable[[], datetime], hosts: Iterable[str] = ()
    ) -> None:
        self._home = home
        self._cap_usd = cap_usd
        self._look = look
        self._now = now
        self._hosts = LOOPBACK | {host.lower() for host in hosts}
        self._reader = Reader(home, self._prepare)
        self._templates = environment()

    def app(self) -> web.Application:
        """All addresses."""
        app = web.Application(middlewares=[self._guarded])
        for page in PAGES:
            app.router.add_get(page.pattern, self._page(page), name=page.name)
        for name in calls_files.FILES:
            app.router.add_get(f"/{name}", self._file(name))
        app.router.add_get("/static/earmark.css", _fixed(STYLE, "text/css"))
        app.router.add_get("/static/earmark.svg", _fixed(ICON, "image/svg+xml"))

        async def end(_: web.Application) -> None:
            await self._reader.end()

        async def close(_: web.Application) -> None:
            await self._reader.close()

        app.on_shutdown.append(end)
        app.on_cleanup.append(close)
        return app

    def _prepare(self, database: DuckDBPyConnection, kept: dict[str, Any]) -> None:
        asked = Asked(database, {}, MultiDict(), self._now(), self._cap_usd, None, kept)
        _snapshot(asked)
        for page in PAGES:
            if page.prepare is not None:
                page.prepare(asked)

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await self._answered(request, handler)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if _name_of(request.headers.get("Host", "")) not in self._hosts:
            # A page of a stranger's name would be read by that stranger (DNS rebinding).
            return web.Response(
                status=421,
                text="the dashboard does not answer to this host name: EARMARK_DASHBOARD_HOSTS names those it does\n",
            )
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return self._told(request, NO_PAGE)
        except web.HTTPException as error:
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return web.Response(status=error.status, text=f"{error.reason}\n", headers=allow)
        except Exception as error:  # noqa: BLE001  one page fails, and says so; the others go on
            return self._told(request, problem_of(error, standing(self._home)))

    def _page(self, page: Page) -> Handler:
        async def answer(request: web.Request) -> web.Response:
            now = self._now()
            outside = await self._look() if page.outside else None
            live = whole(request.query, "live", *_LIVE, default=0)
            async with self._reader.opened() as opened:
                stands = standing(self._home)
                shown = (f"{now:%Y-%m-%d}", str(self._cap_usd), stands.name)
                tag = _tag(opened.version, request.path_qs, *shown)
                if not page.outside and _has(request, tag):
                    return _unchanged(tag)

                def made(database: DuckDBPyConnection) -> bytes:
                    asked = Asked(
                        database, request.match_info, request.query, now, self._cap_usd, outside, opened.kept
                    )
                    values = page.show(asked)
                    frame = _frame(request, page.name, live, stands) | {"snapshot": _snapshot(asked)}
                    return render(self._templates, page.template, {**frame, **values})

                async with opened.question() as question:
                    body = await question.ask(made)
            if page.outside:
                tag = _tag(body.hex())
            return _unless_had(request, tag, body, "text/html")

        return answer

    def _file(self, name: str) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            async with self._reader.opened() as opened:
                return await calls_files.send(request, opened, name, HEADERS, self._now())

        return answer

    def _told(self, request: web.Request, problem: Problem) -> web.Response:
        values = _frame(request, "problem", problem.again_s, standing(self._home)) | {
            "problem": problem,
            "snapshot": None,
        }
        body = render(self._templates, "problem.html", values)
        return web.Response(body=body, status=problem.status, content_type="text/html", charset="utf-8")


def _frame(request: web.Request, name: str, live: int, stands: Standing) -> dict[str, Any]:
    """What every page shows round its own."""
    query = {key: request.query.getall(key) for key in request.query}
    return {
        "page": name,
        "here_with": here_with(request.rel_url.raw_path, query),
        "live": live,
        "standing": stands,
    }


def _unless_had(request: web.Request, tag: str, body: bytes, kind: str) -> web.Response:
    """`body`, or nothing for whoever has it already."""
    if _has(request, tag):
        return _unchanged(tag)
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=_tagged(tag))


def _unchanged(tag: str) -> web.Response:
    return web.Response(status=304, headers=_tagged(tag))


def _tagged(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "no-cache"}


def _tag(*parts: str) -> str:
    return f'"{sha256(chr(0).join((_BUILD, *parts)).encode()).hexdigest()[:32]}"'


def _has(request: web.Request, tag: str) -> bool:
    return any(each.value == tag.strip('"') for each in request.if_none_match or ())


def _name_of(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _fixed(body: bytes, kind: str) -> Handler:
    tag = _tag(body.hex())

    async def answer(request: web.Request) -> web.Response:
        return _unless_had(request, tag, body, kind)

    return answer


def _snapshot(asked: Asked) -> Mapping[str, object]:
    """What the foot of a page says of the snapshot."""
    [row] = asked.once(
        "foot",
        lambda: asked.rows(
            "SELECT max(last_record_at) AS last_record_at, coalesce(sum(next_offset - first_offset), 0)::BIGINT AS records"
            " FROM positions"
        ),
    )
    return row


def _why(error: OSError) -> str:
    # asyncio puts the address into its words once more; a name that leads nowhere has a number of its own.
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)


async def serve(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Listen, and return who does. Raises EarmarkError where the port is taken."""
    # Whoever goes away takes the question along.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]"), port).start()
    except OSError as error:
        await runner.cleanup()
        raise EarmarkError(
            f"the dashboard cannot listen at {host}:{port} ({_why(error)}): choose another with --port or"
            " EARMARK_DASHBOARD_PORT"
        ) from error
    return runner
