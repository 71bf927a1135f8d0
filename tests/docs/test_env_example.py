"""`.env.example` is the list of the settings, as the code has them."""

import re
from pathlib import Path

import pytest

from streams.settings import Settings, variable

EXAMPLE = Path(__file__).parents[2] / ".env.example"
ENTRY = re.compile(r"^# (?P<meaning>.+)\n#?(?P<name>[A-Z_]+)=(?P<value>.*)$", re.MULTILINE)
ENTRIES = {entry["name"]: entry for entry in ENTRY.finditer(EXAMPLE.read_text())}
VARIABLES = {variable(field): field for field in Settings.model_fields}


def test_every_setting_is_there_and_nothing_else() -> None:
    assert set(ENTRIES) == set(VARIABLES)
    assert len(re.findall(r"^#?[A-Z_]+=", EXAMPLE.read_text(), re.MULTILINE)) == len(VARIABLES)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_setting_is_told_by_its_meaning(name: str) -> None:
    assert ENTRIES[name]["meaning"] == Settings.model_fields[VARIABLES[name]].description


UNCOMMENTED = "".join(f"{entry['name']}={entry['value']}\n" for entry in ENTRIES.values())


@pytest.mark.parametrize("text", [EXAMPLE.read_text(), UNCOMMENTED], ids=["as it is", "uncommented"])
def test_the_file_sets_what_holds_anyway(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever copies it changes nothing, and each value in it is the default."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "settings").write_text(text)
    assert Settings(_env_file=tmp_path / "settings") == Settings(_env_file=None)
