"""How often a run adapts the encoder is known before it does."""

import numpy as np
import polars as pl
import pytest

from themeloom.config import Experiment
from themeloom.members import Labels
from themeloom.records import Corpus, LabelledSample
from themeloom.running.trials import adaptations, learned_from, trials_of

LABELS = 40
THEME = np.arange(LABELS) % 3
SAMPLE = LabelledSample(np.arange(LABELS), THEME, ("coder",), THEME[:, None])
CORPUS = Corpus(pl.DataFrame({"author": [None] * LABELS}, schema={"author": pl.String}), pl.DataFrame(), {})


def experiment(**sections):
    base = {
        "study": {"name": "small"},
        "sources": [{"path": "messages.csv"}],
        "themes": {"codebook": "codebook.yaml", "labels": "labels.csv"} | sections.pop("themes", {}),
    }
    return Experiment.model_validate(base | sections)


@pytest.mark.parametrize(
    ("sections", "times"),
    [
        ({}, 1 + 5),  # all labels, all but a fold
        ({"validate": {"folds": 4}}, 1 + 4),
        ({"validate": {"held_out": 0.2}}, 1 + 5),
        ({"themes": {"strategy": "auto"}}, 1 + 5 + 10),  # all but two folds, by which a trial chooses
        ({"themes": {"strategy": "auto"}, "validate": {"folds": 4}}, 1 + 4 + 6),
        ({"themes": {"strategy": "auto"}, "validate": {"held_out": 0.2}}, 1 + 5),
        ({"adapt": {"enabled": False}}, 0),
        ({"themes": {"strategy": "bayes"}}, 0),
        ({"themes": {"strategy": "zero-shot"}}, 0),
        ({"themes": {"strategy": "zero-shot"}, "discover": {"vectors": "raw+adapted"}}, 1 + 5),
    ],
)
def test_as_often_as_there_are_sets_of_labels_to_learn_from(sections, times):
    assert adaptations(CORPUS, SAMPLE, experiment(**sections)) == times


def test_every_label_is_judged_once():
    kept, trials = trials_of(CORPUS, SAMPLE, experiment())
    assert kept.learned.tolist() == list(range(LABELS))
    assert sorted(np.concatenate([trial.judged for trial in trials]).tolist()) == list(range(LABELS))


@pytest.mark.parametrize("strategy", ["stacked", "zero-shot"])
def test_a_trial_that_foresees_its_worth_learns_from_all_but_two_folds(strategy):
    config = experiment(themes={"strategy": strategy})
    labels = Labels(SAMPLE.position, SAMPLE.theme, 3)
    kept, trials = trials_of(CORPUS, SAMPLE, config)
    found = learned_from(labels, kept, trials, config, foresees=True)
    assert sorted({len(one.theme) for one in found}) == [24, 32]
    assert len({one.position.tobytes() for one in found}) == 5 + 10
    alone = learned_from(labels, kept, trials, config)
    assert {one.position.tobytes() for one in alone} == {one.position.tobytes() for one in found[:5]}
