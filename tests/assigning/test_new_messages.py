"""A model and files of new messages: in parts, after a kill, past rows that cannot be read."""

import csv
import gzip
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies import ENDINGS, SUBJECTS, write_study
from themeloom import pipeline
from themeloom.assigning import assignment
from themeloom.assigning.assignment import PLAIN, Asked, Here, Paced, Part, assign_file
from themeloom.assigning.ray_engine import Ray, RayAssignment
from themeloom.config import ColumnsConfig
from themeloom.errors import EngineError, InputError, OutputError
from themeloom.model import Model, load
from themeloom.reporting.summary import summarise
from themeloom.running.result import RunResult

COLUMNS = ColumnsConfig(id="id")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    root = tmp_path_factory.mktemp("root")
    study = write_study(root / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    return load(pipeline.run(study.experiment, root).folder)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(assignment, "PART", 16)


def write_messages(path: Path, number: int = 60) -> list[str]:
    rng = random.Random(0)  # noqa: S311 (made-up messages)
    starts = [start for subject in SUBJECTS.values() for start in subject]
    texts = [
        f"{rng.choice(starts)} {rng.choice(ENDINGS)}, she said {number % 40}" for number in range(number)
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["id", "text"], *([f"n{at}", text] for at, text in enumerate(texts))])
    return texts


class Stopping(Here):
    """Is stopped after some parts."""

    def assign(self, parts, progress) -> None:
        for number, part in enumerate(parts):
            if number == 2:
                raise KeyboardInterrupt
            super().assign(iter([part]), progress)


class Counting(Here):
    """Says which parts it was given."""

    given: list[Part] = []  # noqa: RUF012 (of the class, as the engine is frozen)

    def assign(self, parts, progress) -> None:
        super().assign((self.given.append(part) or part for part in parts), progress)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_in_parts_is_what_the_model_says_of_all_at_once(model, tmp_path, ending):
    texts = write_messages(tmp_path / "new.csv")
    out = tmp_path / f"out.{ending}"
    done = assign_file(model, tmp_path / "new.csv", out, COLUMNS)
    table = pl.read_csv(out) if ending == "csv" else pl.read_parquet(out)
    assert (done.rows, done.found, done.unreadable) == (60, 0, 0)
    assert table["source_id"].to_list() == [f"n{at}" for at in range(60)]
    assert table["line"].to_list() == list(range(2, 62))
    expected = model.assign(texts)
    assert table.select("topic", "theme").equals(expected.select("topic", "theme"))
    assert (table["theme_probability"] - expected["theme_probability"]).abs().max() < 1e-6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", out.name]


def test_a_model_is_itself_alone_and_can_be_a_key(model):
    again = Model(model.record)
    results = [
        RunResult(one, summarise(one.record, paths={}, tracked={}), Path(), Path(), None)
        for one in (model, again)
    ]
    assert len({model, again, model}) == len({*results, results[0]}) == 2
    assert model != again
    assert results[0] != results[1]


def test_texts_may_come_one_by_one_and_be_broken(model):
    whole = model.assign(["you listened", "my referral, again"])
    assert model.assign(text for text in ("you listened", "my referral, again")).equals(whole)
    assert model.assign(["you\ud83d listened", "my referral, again"]).equals(whole)
    assert model.assign(["you\ud83d listened", "my referral, again"], masked=True).equals(whole)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        ("abc", "texts: is a single text"),
        (pl.DataFrame({"text": ["you listened"]}), "texts: is a table"),
        (["you listened", None], r"texts\[1\]: is None, not text"),
        (["you listened", float("nan")], r"texts\[1\]: is nan, not text"),
        (["you listened", ""], r"texts\[1\]: is '', without a word"),
        (["you listened", " \n"], r"texts\[1\]: is ' \\n', without a word"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(model, texts, sentence):
    for masked in (False, True):
        with pytest.raises(InputError, match=sentence):
            model.assign(texts, masked=masked)


def test_what_was_finished_before_a_kill_is_not_done_again(model, tmp_path):
    source, out = tmp_path / "new.csv", tmp_path / "out.parquet"
    write_messages(source)
    with pytest.raises(KeyboardInterrupt):
        assign_file(model, source, out, COLUMNS, engine=Stopping(model, PLAIN))
    assert not out.exists()
    (tmp_path / ".out.parquet.pieces" / "half.part").write_text("what a kill left")
    again = Counting(model, PLAIN)
    again.given.clear()
    done = assign_file(model, source, out, COLUMNS, engine=again)
    assert (done.rows, done.found, len(again.given)) == (60, 32, 2)
    assign_file(model, source, tmp_path / "whole.parquet", COLUMNS)
    assert (
        pl.read_parquet(out)
        .drop("membership", "theme_probability")
        .equals(pl.read_parquet(tmp_path / "whole.parquet").drop("membership", "theme_probability"))
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.parquet", "whole.parquet"]


class Twice(Here):
    """Has the same result asked for once more while it works."""

    def __init__(self, model: Model, file: Path, also: Path) -> None:
        super().__init__(model, PLAIN)
        object.__setattr__(self, "again", (model, file, also, COLUMNS))

    def assign(self, parts, progress) -> None:
        for part in parts:
            super().assign(iter([part]), progress)
            with pytest.raises(OutputError, match=r": another process writes it already; wait for it to end"):
                assign_file(*self.again)


@pytest.mark.parametrize("also", ["out.csv", "link.csv"])
def test_a_result_that_is_being_written_is_refused_to_a_second(model, tmp_path, also):
    write_messages(tmp_path / "new.csv", 20)
    (tmp_path / "link.csv").symlink_to("out.csv")
    (tmp_path / ".out.csv.lock").touch()  # what a kill left
    engine = Twice(model, tmp_path / "new.csv", tmp_path / also)
    assert assign_file(model, tmp_path / "new.csv", tmp_path / "out.csv", COLUMNS, engine=engine).rows == 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "new.csv", "out.csv"]


def test_a_file_or_a_question_that_changed_is_assigned_anew(model, tmp_path):
    source, out = tmp_path / "new.csv", tmp_path / "out.parquet"
    write_messages(source)
    with pytest.raises(KeyboardInterrupt):
        assign_file(model, source, out, COLUMNS, engine=Stopping(model, PLAIN))
    asked = Asked(probabilities=True)
    with pytest.raises(KeyboardInterrupt):
        assign_file(model, source, out, COLUMNS, asked, engine=Stopping(model, asked))
    source.write_text(source.read_text().replace("n3,", "n3000,"))
    done = assign_file(model, source, out, COLUMNS, asked)
    assert done.found == 16  # the first part changed, the second did not
    table = pl.read_parquet(out)
    assert table["source_id"][3] == "n3000"
    assert [name for name in table.columns if name.startswith("p_")] == ["p_waiting", "p_listening"]


def test_rows_set_aside_are_told_and_leave_no_hole(model, tmp_path, monkeypatch):
    monkeypatch.setattr(assignment, "TOLD", 20)
    source = tmp_path / "new.csv"
    good = "\n".join(f"n{at},you listened" for at in range(5))
    source.write_text("id,text\n" + "bad\n" * 40 + good + "\n")
    done = assign_file(model, source, tmp_path / "out.csv", COLUMNS)
    assert (done.rows, done.unreadable, len(done.told)) == (5, 40, 20)
    assert done.told["line"].to_list() == list(range(2, 22))
    with pytest.raises(InputError, match="no such file"):
        assign_file(model, tmp_path / "none.csv", tmp_path / "no.csv", COLUMNS)
    with pytest.raises(OutputError, match=r"use \.csv or \.parquet"):
        assign_file(model, source, tmp_path / "out.xlsx", COLUMNS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "out.csv"]


def test_a_file_that_breaks_off_is_remembered_past_all_other_rows(model, tmp_path, monkeypatch):
    monkeypatch.setattr(assignment, "TOLD", 20)
    rows = "".join(f"n{at},you listened\n" if at % 2 else "bad\n" for at in range(200))
    (tmp_path / "new.csv.gz").write_bytes(gzip.compress(f"id,text\n{rows}".encode())[:-10])
    done = assign_file(model, tmp_path / "new.csv.gz", tmp_path / "out.csv", COLUMNS)
    assert done.unreadable > len(done.told) == 21
    assert done.told["reason"][-1] == "the compressed data is cut off; what follows is lost"


def test_a_csv_of_assignments_is_safe_to_open(model, tmp_path):
    source = tmp_path / "new.csv"
    source.write_text('id,text\n"=HYPERLINK(1)",you listened\n366000031296528431,you listened\n')
    assign_file(model, source, tmp_path / "out.csv", COLUMNS)
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["source_id"] for row in csv.DictReader(file)] == ["'=HYPERLINK(1)", "'366000031296528431"]


def test_memory_does_not_grow_with_the_file(model, tmp_path, monkeypatch):
    monkeypatch.setattr(assignment, "PART", 60)
    peaks = []
    for number in (300, 900):
        source = tmp_path / "new.csv"
        source.write_text("text\n" + f"{'you listened and listened ' * 150}\n" * number)
        tracemalloc.start()
        assign_file(model, source, tmp_path / f"out{number}.csv", asked=Asked(masked=True))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]  # of which most is the first MiB, by which the format is told


class Told:
    """Adds up what it is told."""

    done = 0

    def begin(self, total, unit) -> None: ...

    def advance(self, steps: int = 1) -> None:
        self.done += steps


@given(st.lists(st.tuples(st.integers(0, 10_000), st.lists(st.integers(1, 64), max_size=5)), max_size=10))
def test_bytes_are_told_as_messages_are_done_and_all_of_them_at_the_end(parts):
    told = Told()
    paced = Paced(told)
    for size, batches in parts:
        paced.reading.advance(size)
        before = told.done
        paced.begin(sum(batches), "messages")
        for batch in batches:
            paced.advance(batch)
        assert told.done >= before
        paced.skip()
    assert told.done == sum(size for size, _ in parts)


def test_without_ray_a_run_says_so_before_anything_is_read(tmp_path):
    script = (
        "import sys; sys.modules['ray'] = None\n"
        "from themeloom import pipeline\n"
        "from themeloom.assigning.ray_engine import Ray\n"
        "try: pipeline.run(sys.argv[1], sys.argv[2], cluster=Ray())\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    study = write_study(tmp_path / "study")
    study.write("codebook.yaml", "nothing of this has been read by then")
    asked = [sys.executable, "-c", script, str(study.experiment), str(tmp_path)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("EngineError --engine ray: Ray is not installed; install it with")


@pytest.mark.parametrize(
    ("address", "said"), [("127.0.0.1:1", "nothing answers at 127.0.0.1:1"), ("head", "is no address")]
)
def test_a_cluster_that_is_not_there_is_a_sentence_at_once(model, tmp_path, address, said):
    pytest.importorskip("ray", reason="the extra 'ray' is not installed")
    write_messages(tmp_path / "new.csv", 3)
    engine = RayAssignment(Ray(address), tmp_path, None, PLAIN)
    with pytest.raises(EngineError, match=said):
        assign_file(model, tmp_path / "new.csv", tmp_path / "out.csv", COLUMNS, engine=engine)
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]
