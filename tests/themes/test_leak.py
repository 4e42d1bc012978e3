"""No label tells of itself: with shuffled labels every strategy scores what chance does."""

import numpy as np
import pytest

from planted import World
from themeloom.config import STRATEGIES, ThemesConfig, ValidateConfig
from themeloom.themes.folds import draw_trials
from themeloom.themes.scores import score
from themeloom.themes.validation import judge

FOLDS = 4
SHUFFLES = 4


def kappas(world, labels, strategy):
    """Kappa with its interval, at the topic level and at the message level."""
    config = ThemesConfig(codebook="c", labels="l", strategy=strategy, mixed_below=0.0)
    group = np.arange(len(labels.theme))
    _, trials = draw_trials(labels.theme, group, ValidateConfig(folds=FOLDS), world.seed)
    found = judge(world, labels, group, trials, config)
    return [
        score(level, world.themes, 200, 0, folds=FOLDS).overall["kappa"]
        for level in (found.topics, found.messages)
    ]


@pytest.mark.parametrize("strategy", [*STRATEGIES, "auto"])
def test_shuffled_labels_score_as_chance_does_and_true_ones_well(strategy):
    worlds = [World(seed=seed, messages_=240) for seed in range(SHUFFLES)]
    by_chance = [kappas(world, world.shuffled, strategy) for world in worlds]
    for level in zip(*by_chance, strict=True):
        assert sum(kappa.low <= 0 <= kappa.high for kappa in level) >= SHUFFLES - 1, level
        assert abs(np.mean([kappa.value for kappa in level])) < 0.1, level
    for kappa in kappas(worlds[0], worlds[0].labels, strategy):
        assert kappa.low > 0.15, kappa


class Leaky(World):
    """Lets whatever it is asked for know all labels."""

    def members(self, labels):
        del labels
        return super().members(self.shuffled)


@pytest.mark.parametrize("strategy", ["soft", "stacked", "auto"])
def test_a_leak_would_show(strategy):
    world = Leaky(messages_=240)
    _, messages = kappas(world, world.shuffled, strategy)
    assert messages.value > 0.5
