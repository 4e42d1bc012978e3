"""The studies that come along: complete, alike wherever they stand, and honest about their messages."""

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest

from themeloom.experiment import read_experiment
from themeloom.themes.codebook import read_codebook

ROOT = Path(__file__).resolve().parents[1]
DEMO = Path(str(files("themeloom") / "data" / "dearmhp"))
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.toml"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_every_experiment_can_be_read_and_is_in_the_table(path: Path) -> None:
    experiment = read_experiment(path)
    assert experiment.study.name == path.stem
    assert f"`{path.name}`" in (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")


def test_the_packaged_study_is_the_one_of_the_checkout() -> None:
    packaged = read_experiment(DEMO / "experiment.toml")
    checkout = read_experiment(ROOT / "experiments" / "dearmhp.toml")

    def without_folders(experiment: dict[str, object]) -> str:
        return json.dumps(experiment).replace(str(DEMO), "").replace(_through(ROOT / "experiments"), "")

    assert without_folders(packaged.model_dump(mode="json")) == without_folders(
        checkout.model_dump(mode="json")
    )


def _through(folder: Path) -> str:
    return f"{folder}/../src/themeloom/data/dearmhp"


def test_the_packaged_study_is_complete() -> None:
    experiment = read_experiment(DEMO / "experiment.toml")
    named = [*(source.path for source in experiment.sources), experiment.themes.codebook]
    for path in [*named, experiment.themes.labels]:
        assert Path(path).is_file()
        assert Path(path).parent == DEMO
    first, second = (Path(source.path) for source in experiment.sources)
    assert len(first.read_text(encoding="utf-8").splitlines()) == 773
    assert len(pl.read_csv(second, infer_schema=False)) == 422
    labels = pl.read_csv(experiment.themes.labels, infer_schema=False)
    assert len(labels) == labels["tweet_id"].n_unique() == 200


def test_the_packaged_codes_are_those_of_the_codebook() -> None:
    experiment = read_experiment(DEMO / "experiment.toml")
    codebook = read_codebook(experiment.themes.codebook)
    labels = pl.read_csv(experiment.themes.labels, infer_schema=False)
    used = set(labels.unpivot(index="tweet_id")["value"].drop_nulls())
    assert used <= set(codebook.keys)
    assert [theme.residual for theme in codebook.themes] == [False] * 4 + [True] * 3


def test_nobody_can_take_the_messages_for_real_ones() -> None:
    assert "synthetic" in tomllib.loads((DEMO / "experiment.toml").read_text())["study"]["note"]
    for page in (DEMO / "README.md", ROOT / "README.md", ROOT / "docs" / "tutorial.md"):
        assert "synthetic" in page.read_text(encoding="utf-8").lower(), page
