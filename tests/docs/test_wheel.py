"""What is installed, and not what lies here, serves the pages: templates and styles are in the wheel."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.builders.dashboard_process import dashboard, get
from tests.docs.pages import ROOT, kept_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv = Path(sys.executable).with_name("uv")
    ours = [uv, "build", "--quiet", "--wheel", "--out-dir", folder]
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*(ours if uv.exists() else pip), ROOT], check=True)
    [built] = folder.glob("earmark-*.whl")
    return built


def test_it_holds_every_file_of_the_packages(wheel: Path) -> None:
    kept = {file.relative_to(ROOT).as_posix() for file in kept_files()}
    with ZipFile(wheel) as packed:
        assert {name for name in kept if name.startswith(("streams/", "projections/"))} - {
            *packed.namelist()
        } == set()


def test_a_page_of_it_has_its_template_and_its_style(wheel: Path, tmp_path: Path) -> None:
    """There is no read model, and the page says what to type."""
    installed = tmp_path / "installed"
    with ZipFile(wheel) as packed:
        packed.extractall(installed)
    written = installed / "projections/web/static/earmark.css"
    written.write_text(f"{written.read_text()}/* this one */")
    with dashboard(tmp_path / "home", tmp_path, {"PYTHONPATH": str(installed)}) as address:
        status, page = get(f"{address}/")
        style = get(f"{address}/static/earmark.css")
        icon = get(f"{address}/static/earmark.svg")
    assert status == 503
    assert "There is no read model" in page
    assert "earmark up" in page
    assert style == (200, written.read_text())
    assert icon[0] == 200
