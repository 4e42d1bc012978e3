"""The command line: every bad input has its sentence and exit code 2, and leaves nothing behind."""

import gzip
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from builders import make_record
from studies import CODEBOOK, write_study
from themeloom import cli
from themeloom.cli.stopping import orderly
from themeloom.history import store
from themeloom.system.folders import Folders

DEMO = Path(str(files("themeloom") / "data" / "dearmhp"))


@pytest.fixture
def study(tmp_path):
    return write_study(tmp_path / "study")


@pytest.fixture
def said(monkeypatch, capsys, tmp_path):
    """Run a command in this process; give its exit code and what it wrote to standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["themeloom", *map(str, arguments)])
        monkeypatch.chdir(tmp_path)
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        code = stopped.value.code
        return (0 if code is None else code), capsys.readouterr().err

    return run


def faults(err):
    return [line for line in err.splitlines() if line.startswith("themeloom: ")]


def unset(study, name):
    (study.folder / name).unlink()


def long_list_of_words(count):
    return [f"word{i} and then some more of number {i} or {i * 7}" for i in range(count)]


SPOILT = {
    "missing file": (lambda s: unset(s, "messages.csv"), "messages.csv"),
    "empty file": (lambda s: s.write("messages.csv", ""), "empty"),
    "not the format it says": (
        lambda s: (s.folder / "messages.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200)),
        "messages.csv",
    ),
    "a column that is not there": (lambda s: s.rewrite("experiment.toml", '"text" }', '"body" }'), "body"),
    "unknown config key": (lambda s: s.rewrite("experiment.toml", "folds = 3", "fold = 3"), "fold"),
    "wrong type": (
        lambda s: s.rewrite("experiment.toml", "bootstrap = 100", 'bootstrap = "many"'),
        "validate.bootstrap",
    ),
    "not TOML": (lambda s: s.write("experiment.toml", "[study\n"), "TOML"),
    "a label for an unknown id": (lambda s: s.rewrite("labels.csv", "m3,", "m999,"), "labels.csv:5"),
    "a label of a message that was set aside": (
        lambda s: s.rewrite("messages.csv", "m3,the assessment after two long years", "m3,"),
        "was set aside (messages.csv:5: no text)",
    ),
    "a label not in the codebook": (lambda s: s.rewrite("labels.csv", "m3,waiting", "m3,wating"), "wating"),
    "a duplicate label": (lambda s: s.rewrite("labels.csv", "m3,", "m2,"), "labels.csv:5"),
    "a missing codebook": (lambda s: unset(s, "codebook.yaml"), "codebook.yaml"),
    "fewer than two themes": (
        lambda s: s.write("codebook.yaml", "themes:\n  - {key: waiting, name: W, definition: D}\n"),
        "codebook.yaml",
    ),
    "fewer labels than folds": (
        lambda s: s.write("labels.csv", "id,coder\nm0,waiting\nm4,listening\n"),
        "folds",
    ),
    "fewer than 20 messages": (lambda s: s.write_messages(long_list_of_words(19)), "19 unique messages"),
    "all messages identical": (lambda s: s.write_messages(["just the same words"] * 40), "the same"),
    "a corpus of one word": (
        lambda s: s.write_messages([" ".join(["word"] * n) for n in range(1, 41)]),
        "one word",
    ),
}


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_study_is_told_and_nothing_is_left(study, said, tmp_path, case, command):
    spoil, word = SPOILT[case]
    spoil(study)
    code, err = said(command, study.experiment)
    assert code == 2
    assert any(word in fault for fault in faults(err)), err
    assert "Traceback" not in err
    assert not (tmp_path / "models").exists()
    assert not (tmp_path / "mlruns").exists()
    assert not list(tmp_path.rglob("*.part"))


def test_every_fault_is_told_at_once(study, said):
    study.rewrite("labels.csv", "m3,", "m999,")
    study.rewrite("labels.csv", "m5,listening", "m5,lsn")
    study.write_messages(long_list_of_words(12))
    code, err = said("check", study.experiment)
    assert code == 2
    told = "\n".join(faults(err))
    assert "m999" in told or "labels.csv:5" in told
    assert "lsn" in told
    assert "12 unique messages" in told


def test_faults_of_sources_and_codebook_are_told_together(study, said):
    unset(study, "messages.csv")
    unset(study, "codebook.yaml")
    code, err = said("check", study.experiment)
    assert code == 2
    assert len(faults(err)) == 2


def test_a_missing_experiment_is_one_sentence(said):
    code, err = said("run", "nowhere.toml")
    assert (code, len(faults(err))) == (2, 1)
    assert "nowhere.toml: there is no such experiment file" in err


def test_a_read_only_folder_is_one_sentence(study, said, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(closed, os.W_OK):  # root may write everywhere but here
        closed = Path("/proc")
    code, err = said("run", study.experiment, "--root", closed)
    assert (code, len(faults(err))) == (2, 1)
    assert str(closed) in err


def test_a_root_that_is_a_file_is_one_sentence(study, said, tmp_path):
    (tmp_path / "taken").write_text("a file")
    code, err = said("run", study.experiment, "--root", tmp_path / "taken")
    assert (code, len(faults(err))) == (2, 1)
    assert "taken" in err
    assert (tmp_path / "taken").read_text() == "a file"


def test_check_tells_messages_on_which_coders_tie(study, tmp_path):
    rows = (study.folder / "labels.csv").read_text(encoding="utf-8").splitlines()
    twice = ["id,ann,bob", *(f"{row},{row.partition(',')[2]}" for row in rows[1:])]
    twice[3] = "m2,waiting,listening"
    study.write("labels.csv", "\n".join(twice))
    told = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", str(tmp_path)]).output
    assert "2 codes, 23 labelled messages, and 1 tied or unclear: " in " ".join(told.split())


def test_check_tells_labels_of_repeats(study, tmp_path):
    with (study.folder / "messages.csv").open("a", encoding="utf-8") as file:
        file.write("again,the waiting list after two long years\n")
    study.rewrite("labels.csv", "m0,waiting\n", "m0,waiting\nagain,waiting\n")
    told = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", str(tmp_path)]).output
    assert "2 codes, 24 labelled messages: " in " ".join(told.split())
    assert "1 row(s) label a repeat of another labelled message by the same codes: " in " ".join(told.split())


def test_check_tells_themes_of_no_label_or_one(study, tmp_path):
    more = "".join(f"  - {{key: {key}, name: N {key}, definition: D}}\n" for key in ("tax", "hair", "shoes"))
    study.write("codebook.yaml", CODEBOOK + more)
    study.rewrite("labels.csv", "m3,waiting", "m3,hair")
    told = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", str(tmp_path)]).output
    assert (
        "No label is of the themes tax, shoes: how well they are found cannot be told. Only one label is of "
        "the theme hair: its scores hang on that one, and macro-F1 counts"
    ) in " ".join(told.split())


def test_check_tells_years_of_another_calendar(study, tmp_path):
    rows = (study.folder / "messages.csv").read_text(encoding="utf-8").splitlines()
    sent = ["sent", "1403-05-19", "2567-05-19", *["2024-05-19"] * (len(rows) - 3)]
    study.write("messages.csv", "\n".join(f"{row},{day}" for row, day in zip(rows, sent, strict=True)))
    study.rewrite("experiment.toml", 'text = "text" }', 'text = "text", created_at = "sent" }')
    told = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", str(tmp_path)]).output
    assert "messages are of years from 1403 to 2567: is their calendar another" in " ".join(told.split())


def test_check_finds_nothing_to_mend_and_starts_no_encoder(study, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['themeloom', 'check', sys.argv[1]]\n"
            "from themeloom import cli\n"
            "heavy = {'sentence_transformers', 'umap', 'mlflow', 'bertopic'}\n"
            "try: cli.main()\n"
            "finally: print(*sorted(heavy & set(sys.modules)), 'loaded')",
            str(study.experiment),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing stands in the way" in done.stdout
    assert "adapts the encoder to the labels 4 times, 2 steps each" in " ".join(done.stdout.split())
    assert done.stdout.splitlines()[-1] == "loaded"


def test_messages_that_are_not_english_or_too_long_are_told_before_a_run_and_after(study, tmp_path):
    starts = ["ich warte auf den brief", "meine überweisung fehlt", "du hast zugehört", "sie war freundlich"]
    ends = ["seit zwei langen jahren", "am nassen montag", "und das hat alles geändert", "immer wieder"]
    days = ("heute", "hier", "dort", "bald")
    texts = [f"{start} {end} {day}" for end in ends for start in starts for day in days]
    thai = ["รอคิวผ่าตัดที่โรงพยาบาลนานมาก", "หมอใจดีและฟังเราทุกคนเสมอ"]
    study.write_messages([*texts[:-3], *thai, f"{texts[-1]} {'und noch ein Wort ' * 99}"])
    study.rewrite("experiment.toml", "steps = 2\nlayers = 1", "enabled = false")
    study.rewrite("experiment.toml", "[validate]", "[repeats]\nnear_duplicates = 1.0\n\n[validate]")
    said = (
        "64 of 64 messages seem not to be English",
        "anonymise.names = false",
        "1 distinct message is longer than the 256 word pieces",
        "The encoder has no signs for 2 of 64 distinct messages",
    )
    for command in ("check", "run"):
        done = CliRunner().invoke(cli.app, [command, str(study.experiment), "--root", str(tmp_path)])
        assert done.exit_code == 0, done.output
        assert [one for one in said if one not in " ".join(done.output.split())] == []
    (page,) = tmp_path.glob("models/*/report.html")
    assert [one for one in said if one not in page.read_text(encoding="utf-8")] == []


SWEEP = '\n[sweep.grid]\ncluster.min_cluster_size = [4, 6]\n"cluster.{}" = [1, 2]\n'


def test_check_misses_an_encoder_s_folder(study, said):
    study.rewrite("experiment.toml", "[study]", '[encoder]\nname = "./none"\n\n[study]')
    code, err = said("check", study.experiment)
    assert code == 2
    assert f"encoder.name: there is no folder {Path('none').absolute()}; give 'bundled'" in err


def test_check_looks_at_a_sweep_too(study, said, tmp_path):
    whole = study.experiment.read_text(encoding="utf-8")
    study.write("experiment.toml", whole + SWEEP.format("min_samples"))
    told = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", str(tmp_path)]).output
    assert "A sweep tries 4 configurations; runs: 4." in told
    study.write("experiment.toml", whole + SWEEP.format("least"))
    code, err = said("check", study.experiment)
    assert (code, len(faults(err))) == (2, 1)
    assert "cluster.least" in err


def test_rows_that_cannot_be_read_are_told_and_stop_only_a_strict_run(study, said):
    study.rewrite("messages.csv", "m40,", "m40,one column,too many,")
    code, _ = said("check", study.experiment)
    assert code == 0
    study.rewrite("experiment.toml", "[validate]", "[ingest]\nstrict = true\n\n[validate]")
    code, err = said("check", study.experiment)
    assert code == 2
    assert "messages.csv:42" in err


def test_a_source_that_breaks_off_is_told_apart(study, said):
    whole = (
        (study.folder / "messages.csv").read_text()
        + "bad\n" * 60
        + "".join(f"n{at},you listened to {at}\n" for at in range(900))
    )
    (study.folder / "messages.csv.gz").write_bytes(gzip.compress(whole.encode())[:-10])
    study.rewrite("experiment.toml", "messages.csv", "messages.csv.gz")
    code, err = said("check", study.experiment)
    assert code == 0
    assert re.search(
        r"\n\nthemeloom: messages\.csv\.gz:\d+: the compressed data is cut off; what follows is lost\. "
        r"Only what stands before is read; give it whole\.\n$",
        err,
    )


def test_a_small_study_runs_whole(study, said, tmp_path):
    code, err = said("run", study.experiment, "--json", tmp_path / "summary.json")
    assert code == 0, err
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["flow"]["unique"] == 64
    (model,) = (tmp_path / "models").iterdir()
    table = pl.read_parquet(model / "communications.parquet")
    assert len(table) == 64

    messages = tmp_path / "new.jsonl.gz"
    messages.write_bytes(
        gzip.compress(b'{"text": "my referral is lost"}\n{"text": "you listened to me"}\n{broken\n')
    )
    code, err = said("assign", model, messages, "--out", tmp_path / "assigned.csv")
    assert code == 0, err
    assigned = pl.read_csv(tmp_path / "assigned.csv")
    assert assigned.columns == [
        "source_id", "line", "topic", "membership", "topic_theme", "theme", "theme_probability",
    ]  # fmt: skip
    assert assigned["line"].to_list() == [1, 2]
    assert "new.jsonl.gz:3: set aside:" in err
    code, err = said("assign", model, messages, "--out", tmp_path / "assigned.csv")
    assert code == 0, "over its own earlier result"

    (model / "embeddings.safetensors").unlink()
    code, err = said("assign", model, messages, "--out", tmp_path / "again.csv")
    assert (code, len(faults(err))) == (2, 1)
    assert "embeddings.safetensors is missing" in err
    assert not (tmp_path / "again.csv").exists()


def test_what_belongs_to_another_user_is_one_sentence(said, monkeypatch, tmp_path):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied", "models/of-ann")

    monkeypatch.setattr("themeloom.studies.cleaning.find_leftovers", forbidden)
    told = "themeloom: models/of-ann: cannot be used (Permission denied); see that you may read and write it"
    code, err = said("clean", "--root", tmp_path)
    assert code == 2
    assert err.startswith(told)


def test_ctrl_c_that_a_parent_has_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with orderly():
            assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in {signal.SIG_IGN, signal.SIG_DFL}
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_model_of_a_newer_version_is_one_sentence(said, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "manifest.json").write_text('{"format": 999}')
    code, err = said("assign", tmp_path / "model", tmp_path / "x.csv", "--out", tmp_path / "y.csv")
    assert (code, len(faults(err))) == (2, 1)
    assert "newer" in err


def test_help_names_every_command():
    done = subprocess.run(
        [sys.executable, "-m", "themeloom", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("run", "check", "demo", "audit", "assign", "ui"):
        assert command in done.stdout


def test_a_shell_completes_commands():
    word = "themeloom"
    asked = {"_THEMELOOM_COMPLETE": "complete_bash", "COMP_WORDS": "themeloom re", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = ['{word}']; from themeloom.cli import main; main()"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["report", "register"]


def test_the_version_is_told():
    done = subprocess.run(
        [sys.executable, "-m", "themeloom", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"themeloom {version('themeloom')}\n"


def test_the_demonstration_is_copied_whole_and_over_nothing(said, tmp_path):
    assert said("demo", "--copy", "mine/dearmhp") == (0, "")
    packaged = {path.name: path.read_bytes() for path in DEMO.iterdir() if path.is_file()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "mine" / "dearmhp").iterdir()} == packaged
    assert said("check", "mine/dearmhp/experiment.toml")[0] == 0
    code, err = said("demo", "--copy", "mine")
    assert (code, faults(err)) == (2, ["themeloom: --copy: mine: exists already; name a new folder."])


def test_an_audit_says_that_it_makes_a_key_and_makes_none_beside_runs_of_another(study, said, tmp_path):
    words = ("audit", study.experiment, "--out", "audit.csv")
    key = Folders(tmp_path).key("small")
    code, err = said(*words)
    assert (code, key.exists()) == (0, True)
    assert "The study 'small' had no key in" in " ".join(err.split())
    code, err = said(*words)
    assert (code, "had no key" in err) == (0, False)
    store.save(replace(make_record(), run="small-20260102-030405-0000", study="small"), tmp_path / "models")
    shutil.rmtree(key.parent)
    before = (tmp_path / "audit.csv").read_bytes()
    code, err = said(*words)
    assert code == 2
    assert "is there, and a new key gives other doc_ids; put it back from a backup" in err
    assert not key.exists()
    assert (tmp_path / "audit.csv").read_bytes() == before


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_what_a_shell_has_closed_is_written_to_nobody(study, tmp_path, closed):
    """The first file that is opened would be standard output, for compiled code and other processes."""
    words = [sys.executable, "-m", "themeloom", "audit", str(study.experiment), "--out", "audit.csv"]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {closed}', "sh", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "fault" not in done.stderr
    assert pl.read_csv(tmp_path / "audit.csv").columns[:3] == ["source_id", "file", "line"]
    faulty = ["sh", "-c", f'"$@" {closed}', "sh", *words[:3], "check", "none.toml"]
    assert subprocess.run(faulty, cwd=tmp_path, capture_output=True, check=False).returncode == 2


def test_a_fault_cannot_write_to_the_terminal_but_as_text():
    from themeloom.cli import _printable

    assert _printable("a\x1b[2J\x07\u202e.csv: é, 字\n") == "a\\x1b[2J\\x07\\u202e.csv: é, 字\n"
