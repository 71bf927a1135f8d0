"""`.env.example` is the list of the settings, as the code has them."""

import re
from pathlib import Path

import pytest

from streams.settings import Settings, variable
from tests.docs.env_example import FILE, WRITE, rendered

UNCOMMENTED = re.sub(r"^#(?! )", "", FILE.read_text(), flags=re.MULTILINE)


def test_the_file_is_what_the_settings_say() -> None:
    assert FILE.read_text() == rendered(), WRITE


@pytest.mark.parametrize("text", [FILE.read_text(), UNCOMMENTED], ids=["as it is", "uncommented"])
def test_the_file_sets_what_holds_anyway(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever copies it changes nothing, and each value in it is the default."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    (tmp_path / "settings").write_text(text)
    assert Settings(_env_file=tmp_path / "settings") == Settings(_env_file=None)


def test_uncommented_it_sets_every_setting() -> None:
    names = re.findall(r"^([A-Z_]+)=", UNCOMMENTED, re.MULTILINE)
    assert sorted(names) == sorted(map(variable, Settings.model_fields))
