"""Who is learned from and who is judged, of a study's labels; and how often that adapts the encoder."""

from dataclasses import replace

import numpy as np

from themeloom.config import Experiment
from themeloom.members import Labels
from themeloom.records import Corpus, LabelledSample
from themeloom.running.authors import authors_of
from themeloom.themes.folds import Trial, draw_trials


def trials_of(corpus: Corpus, sample: LabelledSample, config: Experiment) -> tuple[Trial, tuple[Trial, ...]]:
    """Return what the kept mapping is learned from, and the trials by which a study is judged."""
    group, decided = authors_of(corpus)[sample.position], sample.decided
    kept, trials = draw_trials(sample.theme[decided], group[decided], config.validate_, config.study.seed)
    if config.themes.strategy == "auto":  # chooses in each trial anew
        trials = tuple(replace(trial, adapts=True) for trial in trials)
    return kept, trials


def learned_from(
    labels: Labels, kept: Trial, trials: tuple[Trial, ...], config: Experiment, *, foresees: bool = False
) -> list[Labels]:
    """Return the sets of labels that are learned from: in trials, and for choices made in a mapping."""
    judged = [labels.at(trial.learned) for trial in trials]
    asked = [trial for trial in (kept, *trials) if foresees or trial.adapts]
    if config.themes.strategy == "zero-shot" and not foresees:
        return judged
    inner = [labels.at(np.setdiff1d(trial.learned, fold)) for trial in asked for fold in trial.folds]
    return judged + inner


def adaptations(corpus: Corpus, sample: LabelledSample, config: Experiment) -> int:
    """Return how many times a run adapts the encoder: most of the time that it takes when it is the first."""
    if not config.adapts:
        return 0
    labels = Labels(sample.position[sample.decided], sample.theme[sample.decided], 0)
    kept, trials = trials_of(corpus, sample, config)
    every = [labels.at(kept.learned), *learned_from(labels, kept, trials, config)]
    return len({labels.position.tobytes() for labels in every})
