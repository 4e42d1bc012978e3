"""A disk that is really full, a small one of its own: nothing good is lost, and with room all goes on.

`test_reliability.py` lets files grow no further than so many bytes; here the system itself has no room.
"""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from _trials import command, found_by, half_written, same, start, whole_models

from coding import press, sit_down
from coding_server import STUDY, label_file
from disks import NoDiskError, entering, small_disk, within
from studies import write_study
from themeloom.labelling.store import Store

ROOM = 40_000_000
"""Bytes that are enough for anything here."""
SWEEP = """
[sweep]
criterion = { message_kappa = 1.0 }
[sweep.grid]
themes.strategy = ["bayes"]
"""


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk(tmp_path_factory.mktemp("disk"), 100_000_000))
        except NoDiskError as error:
            pytest.skip(f"no file system of one's own can be had here: {error}")
        (disk.seen / "tmp").mkdir()
        yield disk


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = write_study(tmp_path_factory.mktemp("study"))
    study.rewrite("experiment.toml", "[adapt]\nsteps = 2", "[adapt]\nenabled = false")
    study.write("sweep.toml", study.experiment.read_text(encoding="utf-8") + SWEEP)
    study.write(
        "new.csv", "id,text\nn1,you smiled at me on a wet Monday\nn2,the long queue again and again\n"
    )
    return study


@pytest.fixture(scope="module")
def run(disk, tmp_path_factory):
    """Run a command line where the disk is, with temporary files on it; give exit code and what it says."""
    kept = tmp_path_factory.mktemp("said")

    def run(*arguments, temporary=None):
        child = start(
            within,
            disk.keeper,
            command,
            [str(one) for one in arguments],
            said=kept / str(len(list(kept.iterdir()))),
            environment={"TMPDIR": str(temporary or disk.folder / "tmp")},
        )
        code, said = child.wait(), child.err
        assert "Traceback" not in said, said
        assert half_written(disk.seen) == []
        return code, said

    return run


def fault_of(done):
    """Give the one sentence of a command that found no room."""
    code, said = done
    assert code == 2, said
    [fault] = [line for line in said.splitlines() if line.startswith("themeloom: ")]
    assert "No space left on device" in fault or "database or disk is full" in fault
    return fault


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(disk, study, run):
    """A study's folder, inside and from outside, with an undisturbed run."""
    disk.leave(ROOM)
    code, said = run("run", study.experiment, "--root", disk.folder / "whole")
    assert code == 0, said
    return disk.folder / "whole", disk.seen / "whole"


def test_a_run_goes_on_whichever_of_its_steps_found_the_disk_full(disk, study, run, whole):
    root, seen = disk.folder / "starved", disk.seen / "starved"
    shutil.copytree(whole[1] / ".themeloom" / "private", seen / ".themeloom" / "private")
    asked = ("run", study.experiment, "--root", root)
    rooms = {"cache/vectors/": 64_000, "models/small-": 256_000, "report.html": 1_000_000}
    before = contents(whole[1])
    for place, room in rooms.items():
        disk.leave(room)
        assert place in fault_of(run(*asked, temporary=study.folder))
        assert whole_models(seen) == []
    disk.leave(1_000_000)
    assert "report.html" in fault_of(run(*asked))  # among temporary files: as MLflow gets it
    assert whole_models(seen) == []
    disk.leave(ROOM)
    code, said = run(*asked)
    assert code == 0, said
    [model] = whole_models(seen)
    assert same(found_by(model), found_by(whole_models(whole[1])[0]))
    assert contents(whole[1]) == before


COMMANDS = {
    "document": ("export", "{model}", "--format", "docx", "--out", "{out}/t.docx"),
    "workbook": ("export", "{model}", "--format", "xlsx", "--out", "{out}/t.xlsx"),
    "assign": ("assign", "{model}", "{study}/messages.csv", "--out", "{out}/a.csv"),
    "update": ("update", "{model}", "{study}/new.csv", "--root", "{root}"),
    "register": ("register", "{model}", "--root", "{root}"),
    "sweep": ("sweep", "{study}/sweep.toml", "--root", "{root}"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_found_the_disk_full_costs_nothing_and_ends_well_with_room(
    disk, study, run, whole, name
):
    [model, *_] = whole_models(whole[1])
    places = {"model": whole[0] / "models" / model.name, "root": whole[0], "out": disk.folder / "out"}
    asked = [part.format(study=study.folder, **places) for part in COMMANDS[name]]
    disk.leave(4096)
    before = contents(whole[1] / "models") | contents(whole[1] / ".themeloom" / "cache")
    fault_of(run(*asked))
    assert before.items() <= contents(whole[1]).items()
    disk.leave(ROOM)
    code, said = run(*asked)
    assert code == 0, said


def test_a_full_disk_under_mlflow_costs_no_run_and_takes_it_when_there_is_room(
    disk, study, run, whole, tmp_path
):
    """There is room for a part of MLflow's tables."""
    root, database = tmp_path / "root", "elsewhere.db"
    shutil.copytree(whole[1] / ".themeloom", root / ".themeloom")
    address = f'\n[tracking]\nuri = "sqlite:///{disk.folder}/{database}"\n'
    study.write("elsewhere.toml", study.experiment.read_text(encoding="utf-8") + address)
    disk.leave(100_000)
    code, said = run("run", study.folder / "elsewhere.toml", "--root", root, temporary=tmp_path)
    assert code == 0, said
    assert "themeloom sync" in said
    fault_of(run("sync", "--root", root, temporary=tmp_path))
    assert not (disk.seen / database).exists()
    disk.leave(ROOM)
    assert run("sync", "--root", root, temporary=tmp_path)[0] == 0
    shutil.copy(disk.seen / database, tmp_path)
    with closing(sqlite3.connect(tmp_path / database)) as connection:
        assert connection.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)]


def test_codes_wait_in_the_browser_while_the_disk_is_full(disk, visit, coding_server, tmp_path):
    disk.leave(ROOM)
    server = coding_server(disk.folder, 5, before=entering(disk.keeper))
    page = sit_down(visit, server, "Ana").page
    press(page, "1")
    disk.leave(0)
    page.keyboard.press("2")
    page.wait_for_function("() => !document.getElementById('unsent').hidden")
    assert page.inner_text("#unsent") == (
        "The study's file cannot be written, as when its disk is full: tell whoever leads the study. "
        "1 code is kept in this browser, and sent again by itself."
    )
    disk.leave(ROOM)
    page.wait_for_function("() => document.getElementById('unsent').hidden", timeout=20_000)
    press(page, "3")
    server.kill()
    shutil.copytree(disk.seen / "labels", tmp_path / "labels")
    with Store.open(label_file(tmp_path), STUDY) as store:
        codes = store.read("SELECT code FROM events WHERE kind = 'code' ORDER BY id")
    assert [row["code"] for row in codes] == ["diagnosis", "power", "relationship"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_no_room_for_what_is_printed_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "themeloom", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == (
        "themeloom: what is printed: cannot be written (No space left on device); make room on that disk. "
        "What was kept stays.\n"
    )
