"""What is built holds all that runs, and runs in an empty folder without a checkout."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_the_package(wheel):
    wanted = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with ZipFile(wheel) as file:
        assert {name for name in file.namelist() if ".dist-info/" not in name} == wanted


def test_it_runs_in_an_empty_folder(wheel, tmp_path):
    """Installed without its dependencies, which are there already."""
    target, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    install += ["--target", str(target), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, capture_output=True)
    study = target / "themeloom" / "data" / "dearmhp" / "experiment.toml"
    done = subprocess.run(
        [sys.executable, "-m", "themeloom", "check", str(study)],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "200 labelled messages: nothing stands in the way of a run." in " ".join(done.stdout.split())
    assert [path.name for path in empty.iterdir()] == [".themeloom"]
