"""`earmark prompts` on the real log: what is registered stays as it is, and exactly one is active."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.budget.prices import UnknownPriceError
from streams.cli import prompts as verb
from streams.errors import EarmarkError, RefusedError
from streams.events.event import Event, Position
from streams.events.record import Record
from streams.log.connection import Connection
from streams.log.follow import follow, read
from streams.log.topics import PROMPTS
from streams.loopback.claude import LoopbackClaude
from streams.prompts.files import BUNDLED, read_prompt
from streams.prompts.place_markers import place_markers
from streams.prompts.registry import read_prompts
from tests.builders.histories import completed, mention, video
from tests.builders.publishing import written

pytestmark = pytest.mark.kafka

FILE = """---
name: {name}
model: {model}
max_tokens: 3000
effort: low
---
{words}
"""


async def run(connection: Connection, *words: str, typed: str = "", claude: str | None = None) -> Result:
    """The verb as it is typed, in a thread of its own: it runs an event loop."""
    environment = {"EARMARK_KAFKA": connection.bootstrap, "EARMARK_TOPIC_PREFIX": connection.prefix}
    if claude is not None:
        environment |= {"ANTHROPIC_BASE_URL": claude, "ANTHROPIC_API_KEY": "key"}
    return await asyncio.to_thread(CliRunner().invoke, verb.prompts, words, input=typed, env=environment)


def file_of(folder: Path, name: str, words: str = "Listen.", model: str = "claude-haiku-4-5") -> str:
    file = folder / f"{name}.md"
    file.write_text(FILE.format(name=name, model=model, words=words))
    return str(file)


async def log_of(connection: Connection) -> list[Event]:
    found: list[Record] = []
    await read(connection, [PROMPTS], found.append)
    return [record.event() for record in found]


async def test_more_max_tokens_than_the_model_may_answer_with_are_refused(
    connection: Connection, tmp_path: Path
) -> None:
    """As the API's models endpoint says; without a key nobody knows, and that is said."""
    async with LoopbackClaude({}) as claude:
        claude.retired = {read_prompt(Path(file_of(tmp_path, "wide"))).model}
        warned = await run(connection, "register", file_of(tmp_path, "gone"), claude=claude.base_url)
        assert "knows no model" in warned.output
        claude.retired, claude.max_tokens = set(), 2999
        refused = await run(connection, "register", file_of(tmp_path, "wide"), claude=claude.base_url)
        assert isinstance(refused.exception, RefusedError)
        assert "2999 at most: lower max_tokens" in str(refused.exception)
        assert len(await log_of(connection)) == 1
        claude.max_tokens = 3000
        registered = await run(connection, "register", file_of(tmp_path, "wide"), claude=claude.base_url)
        assert registered.exit_code == 0, registered.output
    unchecked = await run(connection, "register", file_of(tmp_path, "unchecked"))
    assert "not checked" in unchecked.output
    assert len(await log_of(connection)) == 3


async def test_what_is_registered_stays_as_it_is(connection: Connection, tmp_path: Path) -> None:
    """Twice is once; other words or another model need another name; a model without a price is refused."""
    assert "no prompt is registered" in (await run(connection, "list")).output
    said = await run(connection, "register", file_of(tmp_path, "calls-1"))
    assert said.exit_code == 0, said.output
    assert "calls-1 is registered as" in said.output
    assert "already" in (await run(connection, "register", file_of(tmp_path, "calls-1"))).output
    (first,) = await log_of(connection)

    refused = await run(connection, "register", file_of(tmp_path, "calls-1", "Listen well."))
    assert isinstance(refused.exception, RefusedError)
    assert "needs a new name" in str(refused.exception)
    assert {"-Listen.", "+Listen well.", " max_tokens: 3000"} <= set(refused.output.splitlines())
    other_model = await run(connection, "register", file_of(tmp_path, "calls-1", model="claude-sonnet-4-5"))
    assert "+model: claude-sonnet-4-5" in other_model.output.splitlines()
    unpriced = await run(connection, "register", file_of(tmp_path, "calls-2", model="claude-nobody-knows"))
    assert isinstance(unpriced.exception, UnknownPriceError)
    assert unpriced.exception.exit_code == 3
    assert await log_of(connection) == [first]


async def test_a_prompt_is_shown_as_a_file_that_can_be_registered(
    connection: Connection, tmp_path: Path
) -> None:
    await run(connection, "register", str(BUNDLED))
    shown = tmp_path / "shown.md"
    shown.write_text((await run(connection, "show", read_prompt(BUNDLED).name)).output)
    assert read_prompt(shown) == read_prompt(BUNDLED)
    edited = (
        shown.read_text()
        .replace("name: extract-v2", "name: extract-mine")
        .replace("effort: low", "effort: high")
    )
    shown.write_text(edited)
    await run(connection, "register", str(shown))
    difference = (await run(connection, "diff", "extract-v2", "extract-mine")).output.splitlines()
    changed = [line for line in difference[2:] if line[0] in "+-"]
    assert changed == ["-name: extract-v2", "+name: extract-mine", "-effort: low", "+effort: high"]
    unknown = await run(connection, "diff", "extract-v2", "extract-v3")
    assert isinstance(unknown.exception, EarmarkError)
    assert "extract-v2, extract-mine" in str(unknown.exception)


async def activate_with_markers(connection: Connection, name: str) -> Result:
    """`activate NAME --yes` while somebody does the worker's part."""
    appended: asyncio.Queue[tuple[Event, Position]] = asyncio.Queue()

    def take(record: Record) -> None:
        position = Position(partition=record.partition, offset=record.offset)
        appended.put_nowait((record.event(), position))

    async with follow(connection, [PROMPTS], take, {(PROMPTS.name, 0): len(await log_of(connection))}):
        said = asyncio.create_task(run(connection, "activate", name, "--yes"))
        await written(connection, await place_markers(*await asyncio.wait_for(appended.get(), 60)))
        return await said


async def test_an_activation_is_known_beforehand_and_asked_for(
    connection: Connection, tmp_path: Path
) -> None:
    """The dry run and a no write nothing; a yes writes one activation; the active one is not activated again."""
    for name in ("calls-1", "calls-2"):
        await run(connection, "register", file_of(tmp_path, name, f"Listen, {name}."))
    prompts = await read_prompts(connection)
    ids = {name: prompt.prompt_id for name, prompt in prompts.by_name.items()}
    a, b = video("dQw4w9WgXcA"), video("dQw4w9WgXcB")
    await activate_with_markers(connection, "calls-1")
    await written(
        connection,
        [
            completed(ids["calls-1"], of=a, mentions=[mention(a.video_id, "NVDA")]),
            completed(ids["calls-1"], of=b),
            completed(ids["calls-2"], of=a, direction="bearish"),
        ],
    )
    before = await log_of(connection)
    counts = [
        "activating calls-2 publishes 1 MentionRetracted, 1 OutlookChanged, with cause=activation",
        "videos that switch to it: 1; that have no analysis under it and keep theirs: 1",
    ]
    assert (await run(connection, "activate", "calls-2", "--dry-run")).output.splitlines() == counts
    asked = await run(connection, "activate", "calls-2", typed="n\n")
    assert asked.output.splitlines() == [*counts, "Activate it? [y/N]: n"]
    assert await log_of(connection) == before

    done = await activate_with_markers(connection, "calls-2")
    assert done.output.startswith("calls-2 is active: ")
    after = await log_of(connection)
    assert after[:-1] == before
    assert (after[-1].prompt_id, after[-1].previous) == (ids["calls-2"], len(before) - 1)
    assert (await run(connection, "activate", "calls-2", "--yes")).output == "calls-2 is active already\n"
    assert await log_of(connection) == after
    marked = [
        line.split()[0] for line in (await run(connection, "list")).output.splitlines() if "active" in line
    ]
    assert marked == ["calls-2"]
