"""Every page in a real browser, with hostile words in every text: nothing runs, nothing is asked for elsewhere, all can be read.

A page joins by its addresses in `tests/builders/dashboard_home.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.async_api import Page as Tab
from playwright.async_api import async_playwright

from projections.web.page import Outside
from projections.web.routes import PAGES
from projections.web.server import Site, serve
from projections.web.shown import visible
from tests.browser.chromium import chromium
from tests.builders.dashboard_home import NOW, addresses, dashboard_home, outside, problems, shown

NAMES = [page.name for page in PAGES]
ADDRESSES = {name: addresses()[name] for name in NAMES}
LOOKS = [("light", 1280), ("dark", 1280), ("light", 360), ("dark", 360)]
# Colours differ by the scheme and the layout by the width, so these two see all of both.
AXE_IN = [LOOKS[0], LOOKS[3]]
MOST = 3
"""Addresses that differ in their query alone."""
YOUTUBE = "https://www.youtube.com/watch?v="
AXE = "axe.run({resultTypes: ['violations']}).then(found => ({violations: found.violations}))"
TOO_WIDE = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
STICKS_OUT = """[...document.querySelectorAll('body *')]
  .filter(each => each.getBoundingClientRect().right > innerWidth && !each.parentElement.closest('.table'))
  .slice(0, 3).map(each => each.outerHTML.slice(0, 100)).join(' ')"""
# What no page of ours has in it, wherever it came from.
STRANGE = """[...document.querySelectorAll('*')].filter(each =>
    /^(script|style|img|iframe|object|embed|base)$/.test(each.localName) || each.getAttribute('style') != null
    || [...each.attributes].some(attribute => attribute.name.startsWith('on'))
  ).map(each => each.outerHTML.slice(0, 100))"""
# Times whose letters do not stand in their order: a name before them ran the other way.
TURNED = """[...document.querySelectorAll('time')].filter(each => {
  const range = document.createRange(), text = each.firstChild;
  const places = [...text.data].map((_, at) => {
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect();
  });
  return places.some((place, at) => at && place.top == places[at - 1].top && place.left < places[at - 1].left);
}).map(each => each.parentElement.outerHTML.slice(0, 200))"""
LINKS = "[...document.querySelectorAll('[href]')].map(link => [link.href, link.rel, link.localName])"
# What Tab goes to, in the order of the page.
REACHED = """[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex]')]
  .filter(each => each.checkVisibility() && !(each.localName == 'input' && each.type == 'hidden'))"""
IS_AT = f"{REACHED}.indexOf(document.activeElement)"
IS_SEEN = "getComputedStyle(document.activeElement).outlineStyle != 'none'"
IS_DATE = "document.activeElement.type == 'date'"
FILTER = "main form select, main form input:not([type=hidden])"
TYPED = f"""[...document.querySelectorAll('{FILTER}')]
  .map(each => each.type == 'checkbox' ? each.checked : each.value)"""

in_browser = pytest.mark.asyncio(loop_scope="module")
of_module = pytest_asyncio.fixture(scope="module", loop_scope="module")
every_page = pytest.mark.parametrize("name", NAMES)


@dataclass
class Browser:
    """One tab for all tests and what it heard."""

    tab: Tab
    site: str
    heard: list[str] = field(default_factory=list)

    async def open(self, address: str, status: int = 200) -> None:
        """Go there; what is wrong with the page stands in `heard`."""
        self.heard.clear()
        response = await self.tab.goto(self.site + address)
        assert response is not None
        assert response.status == status, address[:200]

    async def ask(self, script: str) -> Any:
        """What a script makes of the page; it is the browser's, so the page's policy does not forbid it."""
        return await self.tab.evaluate(script)


@of_module
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    home: Path = tmp_path_factory.mktemp("dashboard") / "home"
    dashboard_home(home)

    async def look() -> Outside:
        return outside()

    runner = await serve(Site(home, Decimal(5), look, lambda: NOW).app(), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@of_module
async def browser(site: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium())
        tab = await started.new_page(locale="en-GB")
        made = Browser(tab, site)
        hear = made.heard.append
        # What the policy forbids is said there, too.
        tab.on("console", lambda said: hear(f"{said.type}: {said.text}"))
        tab.on("pageerror", lambda error: hear(f"script: {error}"))
        tab.on("dialog", lambda dialog: hear(f"dialog: {dialog.message}"))
        tab.on("popup", lambda popup: hear(f"popup: {popup.url}"))
        tab.on("request", lambda asked: asked.url.startswith(f"{site}/") or hear(f"asked for {asked.url}"))
        yield made
        await started.close()


@in_browser
@every_page
async def test_a_page_is_whole_in_every_look(name: str, browser: Browser) -> None:
    """Nothing is heard, axe finds nothing in what the first address shows, and none is wider than its window."""
    for address in ADDRESSES[name]:
        await browser.open(address)
        assert browser.heard == [], address[:200]
        assert await browser.ask(STRANGE) == [], address[:200]
        assert await browser.ask(TURNED) == [], address[:200]
        await _in_every_look(browser, address, axe=address == ADDRESSES[name][0])
        assert browser.heard == [], address[:200]


@in_browser
@every_page
async def test_hostile_words_are_text(name: str, browser: Browser) -> None:
    """Each is read as it was said, with the letters in view that draw nothing."""
    for address, words in shown()[name].items():
        await browser.open(address)
        text = await browser.ask("document.body.textContent")
        assert [word for word in words if visible(word) not in text] == [], address[:200]


@in_browser
async def test_what_went_wrong_is_a_page_too(browser: Browser) -> None:
    """Whatever stands in an address, the page about it is as whole as the others."""
    for address, status in problems().items():
        await browser.open(address, status)
        assert [said for said in browser.heard if "the server responded with a status of" not in said] == []
        await _in_every_look(browser, address, axe=address == next(iter(problems())))


async def _in_every_look(browser: Browser, address: str, *, axe: bool) -> None:
    if axe:
        await browser.ask(AXE_SCRIPT)
    for scheme, width in LOOKS:
        await browser.tab.emulate_media(color_scheme=scheme)
        await browser.tab.set_viewport_size({"width": width, "height": 900})
        assert await browser.ask(TOO_WIDE) == 0, (
            f"{address[:200]} at {width}: {await browser.ask(STICKS_OUT)}"
        )
        if axe and (scheme, width) in AXE_IN:
            found = AxeResults(await browser.ask(AXE))
            assert found.violations_count == 0, f"{address[:200]} {scheme}: {found.generate_report()}"


@in_browser
async def test_every_link_answers(browser: Browser) -> None:
    """Ours with a page; YouTube's are not followed, and are YouTube's."""
    ours: dict[str, dict[str, str]] = {}
    for address in chain(*ADDRESSES.values()):
        await browser.open(address)
        for href, rel, kind in await browser.ask(LINKS):
            if href.startswith(f"{browser.site}/"):
                path, _, query = href.partition("#")[0].partition("?")
                ours.setdefault(path, {}).setdefault(query, address)
            else:
                assert (kind, href[: len(YOUTUBE)]) == ("a", YOUTUBE), f"{href[:200]} on {address[:200]}"
                assert "noopener" in rel.split(), f"{href[:200]} on {address[:200]}"
    assert len(ours) > 20
    # Of four hundred calls of one video not each is looked at.
    asked = [
        (f"{path}?{query}", address)
        for path, queries in ours.items()
        for query, address in islice(queries.items(), MOST)
    ]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=4)) as session:
        answers = await asyncio.gather(*(_status(session, href) for href, _ in asked))
    broken = [
        f"{answer} {href[:200]} on {address[:200]}"
        for (href, address), answer in zip(asked, answers, strict=True)
        if answer != 200
    ]
    assert broken == []


async def _status(session: aiohttp.ClientSession, href: str) -> int:
    async with session.get(href) as response:
        await response.read()
        return response.status


@in_browser
@every_page
async def test_the_keyboard_reaches_everything_in_order(name: str, browser: Browser) -> None:
    """The way past the navigation first, then the page from its top; where one is can be seen."""
    await browser.tab.set_viewport_size({"width": 1280, "height": 900})
    await browser.open(ADDRESSES[name][0])
    await browser.tab.keyboard.press("Tab")
    assert await browser.ask("document.activeElement.className") == "skip"
    await browser.tab.keyboard.press("Enter")
    await browser.tab.keyboard.press("Tab")
    assert await browser.ask("document.activeElement.closest('main, footer') != null")
    await browser.open(ADDRESSES[name][0])
    for place in range(min(40, await browser.ask(f"{REACHED}.length"))):
        await browser.tab.keyboard.press("Tab")
        while place and await browser.ask(IS_AT) == place - 1 and await browser.ask(IS_DATE):
            # A day, a month, a year and a calendar are a stop each.
            await browser.tab.keyboard.press("Tab")
        assert (await browser.ask(IS_AT), await browser.ask(IS_SEEN)) == (place, True)


@in_browser
@every_page
async def test_back_and_forward_keep_the_filter(name: str, browser: Browser) -> None:
    """What was chosen stands in the address, and in the form again."""
    await browser.open(ADDRESSES[name][0])
    tab = browser.tab
    if not await tab.locator(FILTER).count():
        assert not await tab.locator("main form").count()
        return
    before = tab.url, await browser.ask(TYPED)
    for each in await tab.locator(FILTER).all():
        await _change(each)
    chosen = await browser.ask(TYPED)
    assert chosen != before[1]
    async with tab.expect_navigation():
        await tab.locator("main form button").first.click()
    after = tab.url, await browser.ask(TYPED)
    assert after == (tab.url, chosen)
    assert "?" in tab.url
    await tab.locator("header .home").click()
    await tab.go_back()
    assert (tab.url, await browser.ask(TYPED)) == after
    await tab.go_back()
    assert tab.url == before[0]
    await tab.go_forward()
    assert (tab.url, await browser.ask(TYPED)) == after


async def _change(field: Any) -> None:
    """Give a field of a form another value that it takes."""
    kind = await field.evaluate("each => each.type")
    if kind == "checkbox":
        await field.click()
    elif kind.startswith("select"):
        await field.evaluate("each => each.selectedIndex = (each.selectedIndex + 1) % each.options.length")
    elif kind == "number":
        await field.fill("0.5" if await field.get_attribute("min") == "0" else "2")
    else:
        await field.fill("2026-01-01" if kind == "date" else "stock")


@in_browser
async def test_paper_has_what_was_asked_for_and_no_ways(browser: Browser) -> None:
    """Printed, a page is its content at a paper's width."""
    await browser.open("/")
    await browser.tab.emulate_media(media="print")
    await browser.tab.set_viewport_size({"width": 720, "height": 900})
    try:
        assert await browser.tab.locator("table").first.is_visible()
        assert not await browser.tab.locator("header nav").is_visible()
        assert not await browser.tab.locator("form").first.is_visible()
        assert await browser.ask(TOO_WIDE) == 0
    finally:
        await browser.tab.emulate_media(media="screen")
