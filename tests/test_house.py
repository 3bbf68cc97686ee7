"""The house stands as it says: core lives without the terminal, what is shipped is whole, commands start quickly."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return done.stdout


def test_core_imports_without_textual() -> None:
    code = """
import sys, pkgutil, importlib, json
class NoTerminal:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"textual", "rich", "typer", "app"}:
            raise ImportError(name)
sys.meta_path.insert(0, NoTerminal())
import core
names = [one.name for one in pkgutil.walk_packages(core.__path__, "core.") if ".versions." not in one.name]
names = [name for name in names if not name.endswith(".env")]
for name in names:
    importlib.import_module(name)
print(json.dumps(len(names)))
"""
    assert json.loads(python(code)) > 100


@pytest.mark.parametrize("command", ["audit", "id", "near", "scan", "import"])
def test_commands_without_screens_do_not_load_textual(command: str) -> None:
    code = f"""
import sys
from app.commands import load_command
load_command({command!r})
print("textual" in sys.modules)
"""
    assert python(code).strip() == "False"


def test_python_m_app_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "id", "DE*AB7*E840*6487"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0
    assert "DE*AB7*E840*6487" in done.stdout


def test_every_dependency_has_its_constraint() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line
    }
    names = {one.split("[")[0].split("=")[0].split(">")[0].split("<")[0].strip().lower() for one in wanted}
    assert names <= pinned


def test_the_wheel_holds_what_runs(tmp_path: Path) -> None:
    hatchling = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed here")
    (built,) = hatchling.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(built).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "app", "core", "assets"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.split("\n")
    missing = {one for one in tracked if one and (ROOT / one).exists()} - names
    assert not missing
    assert not any(one.startswith("tests/") for one in names)
