"""What a study is learned and judged by."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

import themeloom
from studies import CODEBOOK, write_study
from themeloom import cli
from themeloom.config import STRATEGIES
from themeloom.console.results import show_result
from themeloom.discovery import embed
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.plain import REDUCE, plain_topics
from themeloom.discovery.reduce import reduce
from themeloom.members import strategy_of
from themeloom.running import learning
from themeloom.running.shares import NOT_STATED


@pytest.mark.parametrize("consensus", [1, 8])
def test_plain_bertopic_is_judged_by_its_own_layout_and_not_by_a_short_one(tmp_path, monkeypatch, consensus):
    study, layouts = write_study(tmp_path / "study"), []

    def watched(embeddings, seed, layout, progress, cache):
        assert not vars(embed._LAST), "the encoder is let go of once all is encoded"
        layouts.append((layout, embeddings.vectors, seed))
        return plain_topics(embeddings, seed, layout, progress, cache)

    monkeypatch.setattr(learning, "plain_topics", watched)
    study.rewrite("experiment.toml", "consensus = 8", f"consensus = {consensus}")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    themeloom.run(study.experiment, tmp_path / "root")
    [(layout, vectors, seed)] = layouts
    assert (layout is None) == (consensus > 1)
    if layout is not None:
        assert np.array_equal(layout.reduced, reduce(Neighbourhood(vectors), REDUCE, seed).reduced)


def test_plain_bertopic_is_fitted_again_by_other_versions(tmp_path, monkeypatch):
    study, fitted = write_study(tmp_path / "study"), []

    def watched(*given):
        fitted.append(learning.versions()["umap-learn"])
        return plain_topics(*given)

    monkeypatch.setattr(learning, "plain_topics", watched)
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    for number in ("1", "1", "2"):
        monkeypatch.setattr(learning, "versions", lambda number=number: {"umap-learn": number})
        themeloom.run(study.experiment, tmp_path / "root")
    assert fitted == ["1", "2"]


def test_one_author_of_most_labels_and_shares_that_nobody_asked_for_are_told(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    study.rewrite("experiment.toml", 'text = "text" }', 'text = "text", author = "author" }')
    rows = (study.folder / "messages.csv").read_text(encoding="utf-8").splitlines()
    authors = ["author", *("ann" if number < 12 else f"a{number}" for number in range(len(rows) - 1))]
    study.write(
        "messages.csv", "\n".join(f"{row},{author}" for row, author in zip(rows, authors, strict=True))
    )
    said, root = "One author wrote 12 of the 24 labelled messages (50%). ", str(tmp_path / "root")
    for command in ("check", "run"):
        told = CliRunner().invoke(cli.app, [command, str(study.experiment), "--root", root]).output
        assert said in " ".join(told.split())
        assert " ".join(told.split()).count(NOT_STATED) == 1
    [folder] = (tmp_path / "root" / "models").iterdir()
    assert said in (folder / "report.html").read_text(encoding="utf-8")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "labels.csv"\nsample = "random"')
    told = CliRunner().invoke(cli.app, ["check", str(study.experiment), "--root", root]).output
    assert "not estimated" not in told


def test_messages_on_which_coders_tie_are_counted_beside_the_labels(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    header, *rows = (study.folder / "labels.csv").read_text(encoding="utf-8").split()
    codes = sorted({row.split(",")[1] for row in rows})
    tied = [f"{row.split(',')[0]},{','.join(codes[:2])}" for row in rows[:2]]
    agreed = [f"{row},{row.split(',')[1]}" for row in rows[2:]]
    study.write("labels.csv", "\n".join([f"{header},other", *tied, *agreed]))
    study.write("codebook.yaml", CODEBOOK + "  - {key: tax, name: Tax, definition: Paying it.}\n")
    result = themeloom.run(study.experiment, tmp_path / "root")
    assert (result.model.record.tied, result.summary.tied) == (2, 2)
    assert result.summary.coded == {"coders": 2, "several": len(rows), "adjudicated": 0}
    assert len(result.model.record.labelled) == len(rows) - 2
    seen = StringIO()
    show_result(Console(file=seen, width=200), result)
    assert (
        "2 messages have no label: coders tie on them and nobody decided, or they are unclear."
        in seen.getvalue()
    )
    assert "No label is of the theme tax: how well it is found cannot be told." in seen.getvalue()


def test_the_terminal_tells_which_strategy_auto_took(tmp_path):
    study = write_study(tmp_path / "study")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    study.rewrite("experiment.toml", 'labels = "labels.csv"', 'labels = "labels.csv"\nstrategy = "auto"')
    result = themeloom.run(study.experiment, tmp_path / "root")
    taken = strategy_of(result.model.record.mapping)
    assert taken in STRATEGIES
    seen = StringIO()
    show_result(Console(file=seen, width=200), result)
    assert (
        f"Of several strategies \u2018{taken}\u2019 was taken, which predicts best inside the training "
        "folds; each fold that is judged chose for itself." in seen.getvalue()
    )
