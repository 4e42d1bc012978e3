"""A made-up world in which a learner's worth can be known: normal classes, told by the nearest centroid."""

import numpy as np
from sklearn.model_selection import StratifiedKFold

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
FOLDS = 5


class Gaussians:
    def __init__(self, generator, dimensions=10, apart=0.5):
        self.generator = generator
        self.means = generator.normal(size=(len(SHARES), dimensions)) * apart

    def draw(self, messages):
        """Vectors, and their themes."""
        theme = self.generator.choice(len(SHARES), messages, p=SHARES)
        return self.means[theme] + self.generator.normal(size=(messages, self.means.shape[1])), theme

    def learn(self, vectors, theme, sharpness=1):
        """What gives the posterior of any vectors; at sharpness 1, about as sure as it should be."""
        counts = np.bincount(theme, minlength=len(SHARES))
        sums = np.eye(len(SHARES))[theme].T @ vectors
        centroids = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], 99)

        def posterior_of(others):
            distance = ((others[:, None] - centroids) ** 2).sum(axis=-1)
            score = sharpness * (np.log(counts + 1) - distance / 2)
            shares = np.exp(score - score.max(axis=1, keepdims=True))
            return shares / shares.sum(axis=1, keepdims=True)

        return posterior_of


class Topics:
    """Topics, each of mostly one theme, told by the labels that fall into them: few a topic, so they err."""

    def __init__(self, generator, topics=40, purity=0.9):
        self.generator, even = generator, 1 / len(SHARES)
        self.sizes = generator.dirichlet(np.full(topics, 3.0))
        self.within = (1 - purity) * even + purity * generator.dirichlet(np.full(len(SHARES), 0.2), topics)

    def draw(self, messages):
        """Topics, and their themes."""
        topic = self.generator.choice(len(self.sizes), messages, p=self.sizes)
        steps = self.within[topic].cumsum(axis=1)[:, :-1]
        return topic, (self.generator.random((messages, 1)) > steps).sum(axis=1)

    def learn(self, topic, theme):
        """What gives the posterior of any topics: shares of its labels, which together weigh one more."""
        counts = np.zeros((len(self.sizes), len(SHARES)))
        np.add.at(counts, (topic, theme), 1)
        counts += counts.sum(axis=0) / counts.sum()
        return lambda others: (counts / counts.sum(axis=1, keepdims=True))[others]


def cross_fitted(world, vectors, theme, repeats):
    """Posteriors by what the other folds taught: (repeats, messages, themes)."""
    posterior = np.zeros((repeats, len(theme), len(SHARES)))
    for repeat in range(repeats):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=repeat)
        for train, test in folds.split(vectors, theme):
            posterior[repeat, test] = world.learn(vectors[train], theme[train])(vectors[test])
    return posterior
