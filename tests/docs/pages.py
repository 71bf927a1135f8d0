"""The Markdown that git keeps, as the tests read it: blocks, commands, prose, spans, links, headings."""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

_SECTION = re.compile(r"<!-- (?P<name>[\w-]+) -->\n.*?<!-- /(?P=name) -->", re.DOTALL)
_FENCED = re.compile(r"^```(?P<language>\w+)\n(?P<text>[\s\S]*?)^```$", re.MULTILINE)
_HEADING = re.compile(r"^#+ (?P<heading>.+)$", re.MULTILINE)
_PART = re.compile(f"{_HEADING.pattern}|{_FENCED.pattern}", re.MULTILINE)
# `path/like/this.py`, a folder, a pattern of paths, or `path/to/test_this.py::test_that`.
_PATH = re.compile(r"\.?[\w-]+(?:/[\w.*-]+)*/(?:[\w.*-]+)?(?:::\w+)?")

MADE = ".earmark/"
"""Where `earmark` keeps what it makes, in the folder where it runs."""


def kept_files() -> list[Path]:
    """Every file that git keeps, or would keep if it were added."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the heading above it."""

    heading: str
    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """What stands in it, without empty lines and lines that are only a comment."""
        return [line for line in self.text.splitlines() if line.strip() and not line.startswith("#")]


@dataclass(frozen=True)
class Page:
    """A Markdown file. What stands between its markers is generated, and no part of what is asked for below."""

    file: Path

    def __str__(self) -> str:
        return self.file.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """All of it, as it is on the disk now."""
        return self.file.read_text()

    @cached_property
    def written(self) -> str:
        """What people wrote of it."""
        return _SECTION.sub("", self.text)

    @property
    def blocks(self) -> list[Block]:
        """Every fenced block, in order."""
        found, heading = [], ""
        for match in _PART.finditer(self.written):
            if match["heading"] is not None:
                heading = match["heading"]
            else:
                found.append(Block(heading, match["language"], match["text"]))
        return found

    def box(self, heading: str, language: str) -> list[Block]:
        """The blocks of a language under a heading."""
        return [block for block in self.blocks if (block.heading, block.language) == (heading, language)]

    def commands(self, heading: str | None = None) -> list[str]:
        """Every command in a shell block, under a heading or at all, as one types it: without its comment."""
        return [
            line.partition("  #")[0].rstrip()
            for block in self.blocks
            if block.language == "shell" and heading in (None, block.heading)
            for line in block.lines
        ]

    @property
    def flow(self) -> str:
        """What is written outside of blocks."""
        return _FENCED.sub("", self.written)

    @property
    def prose(self) -> list[str]:
        """The lines that are neither heading nor marker, and neither in a block nor in a table."""
        return [line for line in self.flow.splitlines() if line and not line.startswith(("|", "#", "<!--"))]

    @property
    def spans(self) -> list[str]:
        """What stands between backticks, in a line or in a table."""
        return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", self.flow)]

    @property
    def code(self) -> list[str]:
        """What it says in code: its commands, and what stands between backticks."""
        return [*self.commands(), *self.spans]

    @property
    def paths(self) -> list[str]:
        """The files, folders and tests that it names in code."""
        return [word for text in self.code for word in text.split() if _PATH.fullmatch(word)]

    @property
    def links(self) -> list[str]:
        """Where its links lead, but for other sites."""
        return re.findall(r"\]\((?!https?://)([^)\s]+)\)", self.flow)

    @property
    def anchors(self) -> set[str]:
        """The names by which GitHub knows its headings."""
        text = _FENCED.sub("", self.text)
        headings = [match["heading"].lower() for match in _HEADING.finditer(text)]
        return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in headings}


PAGES = sorted((Page(file) for file in kept_files() if file.suffix == ".md"), key=str)
README = Page(ROOT / "README.md")
VERBS = Page(ROOT / "streams" / "cli" / "README.md")
MAP = Page(ROOT / "streams" / "README.md")
MODEL = Page(ROOT / "projections" / "README.md")
TESTS = Page(ROOT / "tests" / "README.md")
BENCHMARKS = Page(ROOT / "tests" / "benchmarks" / "README.md")
