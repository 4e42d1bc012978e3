"""Real processes: killed, stopped, side by side, with full and forbidden disks. Nothing good is ever lost.

All are forked from one process that has imported everything (`_trials`, shared with the benchmark).
"""

import shutil
import signal
import sqlite3
import time
from contextlib import closing

import _trials
import polars as pl
import pytest
from _trials import command, entries, found_by, half_written, open_runs, same, start, whole_models

import themeloom
from studies import write_study
from themeloom.labelling.store import Store
from themeloom.studies.cleaning import find_leftovers
from themeloom.system.folders import Folders


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = write_study(tmp_path_factory.mktemp("study"))
    study.rewrite("experiment.toml", "[adapt]\nsteps = 2", "[adapt]\nenabled = false")
    other = study.experiment.read_text(encoding="utf-8").replace('"small"', '"small"\nseed = 3')
    study.write("other.toml", other)
    return study


@pytest.fixture(scope="module")
def whole(study, tmp_path_factory):
    """The folder of an undisturbed run."""
    root = tmp_path_factory.mktemp("whole")
    child = start(_trials.run, study.experiment, root, root / "book", said=root / "said")
    assert child.wait() == 0, child.err
    return root


def beside(whole, root, *, cache=True, tracked=False):
    """Make a study's folder with the key of the whole one, so that pseudonyms are the same."""
    if tracked:
        shutil.copytree(whole / "mlruns", root / "mlruns")
    parts = ["private", *(["cache"] if cache else [])]
    for part in parts:
        shutil.copytree(whole / ".themeloom" / part, root / ".themeloom" / part)
    (root / "tmp").mkdir()
    return root


def begun(root, target, *arguments):
    return start(target, *arguments, said=root / "said", environment={"TMPDIR": str(root / "tmp")})


def until(child, true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert child.process.is_alive(), child.err
        assert time.monotonic() < end, child.err
        time.sleep(0.02)


def nothing_is_left(root):
    assert half_written(root) == []
    assert open_runs(root) == []
    assert find_leftovers(root) == []


@pytest.mark.parametrize(("stage", "cache"), [("reduce", False), ("track", True)])
def test_a_killed_run_that_is_given_again_ends_as_if_nothing_had_been(study, whole, tmp_path, stage, cache):
    root = beside(whole, tmp_path, cache=cache, tracked=True)
    book = root / "book"
    child = begun(root, _trials.run, study.experiment, root, book)
    until(child, lambda: (">", stage) in {line[:2] for line in _trials.stages_of(book)})
    child.signal()
    assert child.wait() == -signal.SIGKILL
    before = entries(root)
    again = begun(root, _trials.run, study.experiment, root, root / "again")
    assert again.wait() == 0, again.err
    assert same(found_by(whole_models(root)[-1]), found_by(whole_models(whole)[-1]))
    assert before.items() <= entries(root).items(), "what was done is not done again"
    assert before
    nothing_is_left(root)


def test_a_killed_assignment_leaves_the_old_file_whole(whole, study, tmp_path):
    out = tmp_path / "out.csv"
    model = whole_models(whole)[-1]
    first = begun(beside(whole, tmp_path), _trials.assign, model, study.folder / "messages.csv", out)
    assert first.wait() == 0, first.err
    old = out.read_bytes()
    child = begun(tmp_path, _trials.assign, model, study.folder / "messages.csv", out)
    time.sleep(0.4)
    child.signal()
    child.wait()
    assert out.read_bytes() == old
    again = begun(tmp_path, _trials.assign, model, study.folder / "messages.csv", out)
    assert again.wait() == 0, again.err
    assert out.read_bytes() == old
    assert half_written(tmp_path) == []


def test_ctrl_c_is_orderly(study, whole, tmp_path):
    root = beside(whole, tmp_path, tracked=True)
    child = begun(root, command, ["run", str(study.experiment), "--root", str(root)])
    until(child, lambda: open_runs(root))
    child.signal(signal.SIGINT)
    assert child.wait(30) == 130, child.err
    assert "themeloom: stopping in good order; Ctrl-C again stops at once." in child.err
    assert child.err.rstrip().endswith(
        "themeloom: stopped, and nothing is lost; the same command goes on from what is kept."
    )
    assert "Traceback" not in child.err
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        found = connection.execute("SELECT status FROM runs ORDER BY status").fetchall()
    assert found == [("FINISHED",), ("KILLED",)], "that of the whole study, and this one"
    nothing_is_left(root)


def test_ctrl_c_twice_is_at_once_even_within_compiled_code(tmp_path):
    child = begun(tmp_path, _trials.busy, tmp_path / "book")
    until(child, lambda: _trials.stages_of(tmp_path / "book"))
    child.signal(signal.SIGINT)
    time.sleep(0.3)
    assert child.process.is_alive(), "the first waits for the step to end"
    child.signal(signal.SIGINT)
    assert child.wait(5) == -signal.SIGINT


def asked(folder):
    config = themeloom.load(folder).record.config
    return config["study"]["seed"], config["validate"]["folds"]


def study_seed(root):
    return asked(whole_models(root)[-1])[0]


def test_four_processes_share_a_cache_a_database_and_a_folder_of_models(study, whole, tmp_path):
    """Two of them run the same experiment."""
    root = beside(whole, tmp_path, tracked=True)
    study.write("third.toml", study.experiment.read_text("utf-8").replace("folds = 3", "folds = 2"))
    names = ["experiment.toml", "experiment.toml", "other.toml", "third.toml"]
    children = [
        start(
            _trials.run,
            study.folder / name,
            root,
            root / f"book{place}",
            said=root / f"said{place}",
            environment={"TMPDIR": str(root / "tmp")},
        )
        for place, name in enumerate(names)
    ]
    assert [child.wait() for child in children] == [0] * 4, [child.err for child in children]
    assert len(whole_models(root)) == 4
    alike = [folder for folder in whole_models(root) if asked(folder) == (study_seed(whole), 3)]
    assert len(alike) == 2
    assert all(same(found_by(folder), found_by(whole_models(whole)[-1])) for folder in alike)
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        runs = connection.execute("SELECT name, status FROM runs ORDER BY name").fetchall()
    wanted = {folder.name for folder in (*whole_models(root), *whole_models(whole))}
    assert runs == [(name, "FINISHED") for name in sorted(wanted)]
    assert not (root / ".themeloom" / "outbox").exists()
    nothing_is_left(root)


SWEEPS = {"one": ["bayes", "soft"], "other": ["bayes", "stacked"]}


def sweeping(study, root, name):
    grid = f'\n[sweep]\ncriterion = {{ message_kappa = 1.0 }}\ngrid."themes.strategy" = {SWEEPS[name]}\n'
    study.write(f"sweep-{name}.toml", study.experiment.read_text("utf-8") + grid)
    asked = ["sweep", str(study.folder / f"sweep-{name}.toml"), "--root", str(root)]
    return start(
        command, [*asked, "--out", str(root / f"{name}.csv")], said=root / f"said-{time.monotonic()}"
    )


def test_two_sweeps_at_once_compute_once_what_they_share_and_the_same_sweep_is_refused(
    study, whole, tmp_path
):
    root = beside(whole, tmp_path, tracked=True)
    first, second = (sweeping(study, root, name) for name in SWEEPS)
    until(first, lambda: len(list(Folders(root).locks.glob("sweep-*"))) == 2)
    [fault] = told(sweeping(study, root, "one"))
    assert "another process runs this sweep already; wait for it to end, or stop it" in fault
    assert [first.wait(), second.wait()] == [0, 0], (first.err, second.err)
    tables = {name: pl.read_csv(root / f"{name}.csv") for name in SWEEPS}
    runs = {name: dict(table.select("themes.strategy", "run").iter_rows()) for name, table in tables.items()}
    assert {name: sorted(found) for name, found in runs.items()} == SWEEPS
    assert runs["one"]["bayes"] == runs["other"]["bayes"]
    assert {folder.name for folder in whole_models(root)} == {
        run for found in runs.values() for run in found.values()
    }
    for row in (row for table in tables.values() for row in table.iter_rows(named=True)):
        model = themeloom.load(root / "models" / row["run"])
        assert model.record.config["themes"]["strategy"] == row["themes.strategy"]
        assert model.record.scores.overall["kappa"].value == pytest.approx(row["kappa"])
    with closing(sqlite3.connect(root / "mlruns" / "mlflow.db")) as connection:
        found = connection.execute("SELECT name, status FROM runs WHERE name LIKE 'small-sweep'").fetchall()
    assert found == [("small-sweep", "FINISHED")] * 2
    assert list(Folders(root).locks.iterdir()) == []
    nothing_is_left(root)


KILO = 1000
FULL = {
    "the private folder": (
        ["run", "{experiment}", "--root", "{root}"],
        2 * KILO,
        ".themeloom/private/small/",
    ),
    "the cache": (["run", "{experiment}", "--root", "{root}"], 30 * KILO, ".themeloom/cache"),
    # The model itself on a full disk: tests/test_full_disk.py.
    "the report that goes with the model": (
        ["run", "{experiment}", "--root", "{warm}"],
        60 * KILO,
        "report.html",
    ),
    "the report": (["report", "{model}", "--root", "{root}"], 300 * KILO, "report.html"),
    "a table": (["export", "{model}", "--out", "{root}/t.docx", "--format", "docx"], KILO, "t.docx"),
    "what was assigned": (
        ["assign", "{model}", "{messages}", "--out", "{root}/a.csv"],
        KILO,
        "a.csv",
    ),
    "an audit": (["audit", "{experiment}", "--out", "{root}/a.csv", "--root", "{warm}"], KILO, "a.csv"),
}


def words(arguments, **places):
    return [argument.format(**places) for argument in arguments]


@pytest.fixture
def places(study, whole, tmp_path):
    root, warm = tmp_path / "root", tmp_path / "warm"
    root.mkdir()
    beside(whole, warm)
    model = tmp_path / "model"
    shutil.copytree(whole_models(whole)[-1], model)
    return {
        "root": root,
        "warm": warm,
        "model": model,
        "experiment": study.experiment,
        "other": study.folder / "other.toml",
        "messages": study.folder / "messages.csv",
        "out": tmp_path / "said",
    }


def told(child):
    """Give the faults that a command told; it ended with code 2 and showed no traceback."""
    assert child.wait() == 2, child.err
    assert "Traceback" not in child.err
    return [line for line in child.err.splitlines() if line.startswith("themeloom: ")]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", FULL)
def test_a_full_disk_is_one_sentence_and_costs_nothing_good(case, places, tmp_path):
    """Here no file may grow beyond so many bytes, which is told as a full disk or a used-up quota is."""
    arguments, size, word = FULL[case]
    before = contents(places["model"]) | contents(places["warm"])
    said = tmp_path / "said"
    child = start(command, words(arguments, **places), size, said=said, environment={"TMPDIR": str(tmp_path)})
    [fault] = told(child)
    assert word in fault
    assert "cannot be written (File too large)" in fault
    assert before.items() <= (contents(places["model"]) | contents(places["warm"])).items()
    assert half_written(tmp_path) == []


def forbid(path):
    for place in (path, *path.rglob("*")):
        if place.is_dir():
            place.chmod(0o500)


def new(path):
    path.mkdir(parents=True)
    return path


RUN = ["run", "{experiment}", "--root", "{warm}"]
FORBIDDEN = {
    "models": (lambda p: forbid(new(p["warm"] / "models")), RUN, "models/small-", "cannot be written"),
    "the cache": (
        lambda p: forbid(p["warm"] / ".themeloom" / "cache"),
        ["run", "{other}", "--root", "{warm}"],
        ".themeloom/cache",
        "cannot be written",
    ),
    "the table's folder": (
        lambda p: forbid(p["root"]),
        ["assign", "{model}", "{messages}", "--out", "{root}/a.csv"],
        "root/a.csv",
        "cannot be written",
    ),
    "the root": (
        lambda p: forbid(p["root"]),
        ["check", "{experiment}", "--root", "{root}"],
        ".themeloom/private/small",
        "cannot be used",
    ),
    "the messages": (lambda p: p["messages"].chmod(0), RUN, "messages.csv", "cannot be read"),
    "the codebook": (
        lambda p: (p["study"] / "codebook.yaml").chmod(0),
        ["check", "{experiment}", "--root", "{warm}"],
        "codebook.yaml",
        "cannot be read",
    ),
    "the labels": (lambda p: (p["study"] / "labels.csv").chmod(0), RUN, "labels.csv", "cannot be read"),
    "the key": (
        lambda p: (p["warm"] / ".themeloom" / "private").chmod(0),
        RUN,
        ".themeloom/private/small",
        "cannot be used",
    ),
    "the model": (
        lambda p: (p["model"] / "topics.json").chmod(0),
        ["report", "{model}", "--root", "{root}"],
        "topics.json",
        "cannot be read",
    ),
    "the database": (
        lambda p: (new(p["warm"] / "mlruns") / "mlflow.db").touch(mode=0),
        ["register", "{model}", "--root", "{warm}"],
        "mlflow.db",
        "see that you may read and write it",
    ),
}


def damage(path, at=0.5, size=8192):
    """Overwrite a part of a file."""
    content = bytearray(path.read_bytes())
    start = int(len(content) * at)
    content[start : start + size] = b"\xde\xad" * (size // 2)
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def label_file(places):
    with Store.open(Folders(places["warm"]).label_file("small"), "small") as store:
        for number in range(400):
            store.add("note", "Ana", detail=f"{number} " * 40)
    return Folders(places["warm"]).label_file("small")


def database(places):
    shutil.copytree(places["whole"] / "mlruns", places["warm"] / "mlruns")
    return places["warm"] / "mlruns" / "mlflow.db"


def spoilt_model(places):
    truncate(places["model"] / "embeddings.safetensors")


def wait_badly(places):
    new(Folders(places["warm"]).outbox)
    (Folders(places["warm"]).outbox / "small-1.json").write_text("{")


ALTERED = "was altered after it was written; copy the whole folder again"
DAMAGED = {
    "a model, to assign": (
        spoilt_model,
        ["assign", "{model}", "{messages}", "--out", "{root}/a.csv"],
        "embeddings.safetensors",
        ALTERED,
    ),
    "a model, to report": (spoilt_model, ["report", "{model}"], "embeddings.safetensors", ALTERED),
    "a model, to compare": (
        spoilt_model,
        ["compare", "{model}", "{kept}"],
        "embeddings.safetensors",
        ALTERED,
    ),
    "a database, to register": (
        lambda p: damage(database(p)),
        ["register", "{model}", "--root", "{warm}"],
        "mlflow.db",
        "restore it from a copy, or move it away",
    ),
    "a database, to clean": (
        lambda p: truncate(database(p)),
        ["clean", "--root", "{warm}"],
        "mlflow.db",
        "restore it from a copy, or move it away",
    ),
    "a label file": (
        lambda p: damage(label_file(p)),
        ["export-labels", "{experiment}", "--out", "{root}/codes.csv", "--root", "{warm}"],
        "labels/small.sqlite",
        "put it back from a backup",
    ),
    "a run that waits": (wait_badly, ["sync", "--root", "{warm}"], "small-1.json", "remove it"),
}


@pytest.fixture
def own_study(study, whole, places):
    """A copy of the study that may be spoilt."""
    folder = places["root"].parent / "own"
    shutil.copytree(study.folder, folder)
    kept = whole_models(whole)[-1]
    own = {"study": folder, "experiment": folder / "experiment.toml", "messages": folder / "messages.csv"}
    return places | own | {"other": folder / "other.toml", "kept": kept, "whole": whole}


@pytest.mark.parametrize("case", [*FORBIDDEN, *DAMAGED])
def test_what_is_forbidden_or_damaged_is_one_sentence_and_stays_as_it_is(case, own_study, tmp_path):
    spoil, arguments, word, cure = (FORBIDDEN | DAMAGED)[case]
    spoil(own_study)
    before = contents(tmp_path)
    child = begun(tmp_path, _trials.powerless, words(arguments, **own_study))
    [fault] = told(child)
    assert word in fault
    assert cure in fault
    after = contents(tmp_path)
    assert before.items() <= after.items()
    assert half_written(tmp_path) == []


def test_a_database_that_is_damaged_costs_no_run(own_study, tmp_path):
    """The run ends well and waits; the damaged file stays as it is for whoever can mend it."""
    file = database(own_study)
    damage(file)
    before = file.read_bytes()
    child = begun(tmp_path, command, words(RUN, **own_study))
    assert child.wait() == 0, child.err
    assert "is not a readable MLflow database" in " ".join(child.err.split())
    [waiting] = Folders(own_study["warm"]).outbox.glob("*.json")
    assert (own_study["warm"] / "models" / waiting.stem).is_dir()
    assert file.read_bytes() == before


def test_a_damaged_cache_is_made_anew(own_study, whole, tmp_path):
    for path in (Folders(own_study["warm"]).cache / "describe").glob("*.safetensors"):
        truncate(path)
    child = begun(tmp_path, _trials.run, own_study["experiment"], own_study["warm"], tmp_path / "book")
    assert child.wait() == 0, child.err
    assert same(found_by(whole_models(own_study["warm"])[-1]), found_by(whole_models(whole)[-1]))


@pytest.mark.parametrize("how", ["changed", "removed"])
def test_messages_that_change_while_they_are_read_are_told(own_study, tmp_path, how):
    child = begun(
        tmp_path,
        _trials.check_meanwhile,
        own_study["experiment"],
        own_study["warm"],
        own_study["messages"],
        how,
    )
    [fault] = told(child)
    assert f"messages.csv: was {how} while it was read" in fault


def test_rows_in_another_order_and_another_number_of_threads_change_nothing(study, whole, tmp_path):
    """In a process of its own, with nothing in the cache."""
    root = beside(whole, tmp_path, cache=False)
    shutil.copytree(study.folder, root / "shuffled")
    messages = root / "shuffled" / "messages.csv"
    head, *rows = messages.read_text(encoding="utf-8").splitlines()
    messages.write_text("\n".join([head, *reversed(rows)]) + "\n", encoding="utf-8")
    child = start(
        _trials.run,
        root / "shuffled" / "experiment.toml",
        root,
        root / "book",
        said=root / "said",
        environment={"OMP_NUM_THREADS": "2"},
    )
    assert child.wait() == 0, child.err
    assert same(found_by(whole_models(root)[-1]), found_by(whole_models(whole)[-1]))
