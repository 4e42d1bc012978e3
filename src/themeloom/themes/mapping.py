"""From topics to themes: a posterior for each message, and from its members one for each topic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from themeloom.config import POOL, STRATEGIES, ThemesConfig
from themeloom.members import Labels, Members, Messages
from themeloom.records import Doubles, Floats, Ints, Mapping
from themeloom.themes._parts import PARTS, label_shares, places, wanted
from themeloom.themes._pool import fit_weights, log_loss, log_parts, pooled

START = {
    "majority": 0.5,
    "hierarchy": 0.2,
    "raw": 0.5,
    "adapted": 0.8,
    "surface": 0.2,
    "graph": 0.5,
    "codebook": 0.2,
}
"""What parts weigh to each other before labels have been asked."""
TOGETHER = 1.8  # what all parts weigh together, before
_ROUNDED = 1e-9  # so that an even posterior is never below chance
_CHUNK = 16_384  # messages asked for at once
SHARES = 0.3  # what the themes' shares weigh, before
AUTO = tuple(name for name in STRATEGIES if name != "zero-shot")
"""What 'auto' chooses from."""
ROWS_OF_TOPICS = tuple(name for name, part in PARTS.items() if part.of_topics)
"""Parts of a mapping that have a row a topic, and a last one for messages without."""


class View(Protocol):
    """What is known of the communications when some labels may be learned from, and no others."""

    def members(self, labels: Labels) -> Members:
        """Return the communications that are learned from."""

    def messages(self, labels: Labels) -> Messages:
        """Return all communications."""

    @property
    def untouched(self) -> Members:
        """The communications that are learned from, as no label has touched them."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned from labels, of the members."""

    members: Members
    names: tuple[str, ...]
    parts: dict[str, Doubles]
    weights: Doubles  # (parts + 1,), in the order of the names
    shares: Doubles  # (themes,)
    messages: Doubles  # (members, themes): posterior
    topics: Doubles  # (topics, themes): posterior

    def say(self, messages: Messages) -> Doubles:
        """Give messages their posterior, (messages, themes), some at a time."""
        parts, members = [], self.members.messages.both
        for start in range(0, len(messages.topic), _CHUNK):
            some = messages.rows(np.arange(start, min(start + _CHUNK, len(messages.topic))))
            parts.append(_pooled(self.names, self.parts, self.weights, self.shares, some, members))
        return np.concatenate(parts)


def learn(
    view: View, labels: Labels, folds: Sequence[Ints], strategy: str, *, adapts: bool = True
) -> Learned:
    """Learn from labels, and from nothing else that people said.

    Each part of the strategy (a topic's labelled members, a classifier, the graph of neighbours …) gives each
    message a posterior. They are pooled with weights that make labels likely which the parts had not seen:
    every fold is predicted by parts learned from the others. A topic's posterior is the mean of its members',
    labelled ones as they are.

    Parameters
    ----------
    view
        What is known of the communications, given labels.
    labels
        The labels.
    folds
        Places among the labels: for the choice of weights, and of a strategy by 'auto'.
    strategy
        One of `STRATEGIES`, or 'auto': the one that predicts the folds best, by log loss.
    adapts
        Whether the encoder is adapted to each set of folds, too. Else parts are weighed as no label has
        touched them: a classifier of adapted vectors weighs what one of raw vectors would.
    """
    members = view.members(labels)
    candidates = AUTO if strategy == "auto" else (strategy,)
    asked = {name: wanted(name, members) for name in candidates}
    needed = tuple(dict.fromkeys(part for parts in asked.values() for part in parts))
    known = view.members if adapts else lambda _: view.untouched
    unseen = _unseen(known, labels, folds, needed) if strategy != "zero-shot" else {}
    shares = label_shares(labels)
    if strategy == "auto":
        strategy = min(candidates, key=lambda name: _surprise(unseen, asked[name], labels, folds))
    names = asked[strategy]
    weights = _weights(unseen, names, labels) if strategy != "zero-shot" else np.array([1.0, 0.0])
    parts = {name: PARTS[name].learn(members, labels) for name in names}
    messages = _pooled(names, parts, weights, shares, members.messages, members.messages.both)
    return Learned(members, names, parts, weights, shares, messages, _topics(members, messages, labels))


def foresee(view: View, labels: Labels, folds: Sequence[Ints], learned: Learned) -> tuple[Doubles, Doubles]:
    """Predict each label by what the other folds teach, pooled as all of them are.

    Parameters
    ----------
    view
        What is known of the communications, given labels; of all members.
    labels
        The labels that `learned` was learned from.
    folds
        Places among them.
    learned
        Its parts and weights are used.

    Returns
    -------
    topics, messages
        (labels, themes): posteriors of each label's topic (NaN where it has none), and its own.
    """
    shape = (len(labels.theme), labels.themes)
    of_topic, of_message = np.full(shape, np.nan), np.full(shape, np.nan)
    for fold in folds:
        others = labels.but(fold)
        members = view.members(others)
        parts = {name: PARTS[name].learn(members, others) for name in learned.names}
        said = _pooled(
            learned.names,
            parts,
            learned.weights,
            label_shares(others),
            members.messages,
            members.messages.both,
        )
        place = np.searchsorted(members.position, labels.position[fold])
        nowhere = np.full((1, labels.themes), np.nan)
        of_topic[fold] = np.vstack([_topics(members, said, others), nowhere])[members.messages.topic[place]]
        of_message[fold] = said[place]
    return of_topic, of_message


def learn_mapping(view: View, labels: Labels, folds: Sequence[Ints], config: ThemesConfig) -> Mapping:
    """Learn the mapping that is kept.

    Parameters
    ----------
    view
        What is known of the communications, given labels.
    labels
        The labels.
    folds
        Places among the labels, for choices.
    config
        ``strategy`` and ``mixed_below``.

    Returns
    -------
    Mapping
        A topic is mapped to its most probable theme, and is 'mixed' where that is hardly better than chance.
    """
    learned = learn(view, labels, folds, config.strategy)
    whole = view.messages(labels)
    topics, themes = learned.topics.shape
    counts = np.zeros((topics, themes), dtype=np.int64)
    inside = whole.topic[labels.position] >= 0
    np.add.at(counts, (whole.topic[labels.position][inside], labels.theme[inside]), 1)
    weights = dict(zip((*learned.names, "shares"), learned.weights, strict=True))
    parts = {**learned.parts, "shares": learned.shares[None]}
    return Mapping(
        posterior=learned.topics,
        theme=best_themes(learned.topics, config.mixed_below),
        labels=counts,
        messages=learned.say(whole),
        weights=np.array([weights.get(name, 0.0) for name in POOL]),
        parts={name: parts.get(name, np.zeros((0, themes))) for name in POOL},
        members=learned.members.position,
    )


def best_themes(posterior: Doubles, mixed_below: float) -> Ints:
    """Choose each topic's theme; -1 where none is likely enough.

    Parameters
    ----------
    posterior
        (topics, themes).
    mixed_below
        How likely is enough, by `above_chance`.
    """
    if not len(posterior):
        return np.empty(0, np.int64)
    return np.where(above_chance(posterior) >= mixed_below - _ROUNDED, posterior.argmax(axis=1), -1)


def above_chance(posterior: Doubles) -> Doubles:
    """Return how likely each topic's best theme is, corrected for chance as kappa is (Cohen 1960), (topics,).

    0 is as likely as any other theme, 1 is certain: the more themes there are, the more a probability says.
    """
    chance = 1 / max(posterior.shape[1], 2)
    return np.asarray((posterior.max(axis=1, initial=0) - chance) / (1 - chance))


def message_posterior(messages: Messages, members: Floats, mapping: Mapping) -> Doubles:
    """Give messages that a mapping did not know their posterior.

    Parameters
    ----------
    messages
        The messages.
    members
        (members, dimensions): raw and adapted vectors, side by side, of what the mapping learned from.
    mapping
        The mapping.

    Returns
    -------
    Doubles
        (messages, themes): rows sum to 1.
    """
    names = tuple(name for name in PARTS if len(mapping.parts[name]))
    weights = dict(zip(POOL, mapping.weights.tolist(), strict=True))
    chosen = np.array([weights[name] for name in (*names, "shares")])
    return _pooled(names, mapping.parts, chosen, mapping.parts["shares"][0], messages, members)


def topic_themes(topic: Ints, mapping: Mapping) -> tuple[Ints, Doubles]:
    """Give each communication the theme of its topic.

    Parameters
    ----------
    topic
        (communications,): their topics, -1 where none.
    mapping
        Which theme each topic belongs to.

    Returns
    -------
    tuple
        (communications,) index of the theme and (communications,) its probability; -1 and NaN where the
        communication has no topic, or its topic is mixed.
    """
    theme = np.append(mapping.theme, -1)[topic]
    probability = np.full(len(topic), np.nan)
    themed = np.flatnonzero(theme >= 0)
    probability[themed] = mapping.posterior[topic[themed], theme[themed]]
    return theme, probability


def _pooled(
    names: Sequence[str],
    parts: dict[str, Doubles],
    weights: Doubles,
    shares: Doubles,
    messages: Messages,
    members: Floats,
) -> Doubles:
    said = [PARTS[name].say(parts[name], messages, members) for name in names]
    return pooled(log_parts(said, shares), weights)


def _unseen(
    known: Callable[[Labels], Members], labels: Labels, folds: Sequence[Ints], names: Sequence[str]
) -> dict[str, Doubles]:
    """Let parts predict each label from the other folds: name → (labels, themes)."""
    said = {name: np.zeros((len(labels.theme), labels.themes)) for name in names}
    for fold in folds:
        others = labels.but(fold)
        members = known(others)
        judged = members.messages.rows(np.searchsorted(members.position, labels.position[fold]))
        vectors = members.messages.both
        for name in names:
            learned = PARTS[name].learn(members, others)
            said[name][fold] = PARTS[name].say(learned, judged, vectors)
    return said


def _weights(unseen: dict[str, Doubles], names: Sequence[str], labels: Labels) -> Doubles:
    parts = log_parts([unseen[name] for name in names], label_shares(labels))
    return fit_weights(parts, labels.theme, _start(names))


def _start(names: Sequence[str]) -> Doubles:
    start = np.array([START[name] for name in names])
    return np.append(TOGETHER * start / start.sum(), SHARES)


def _surprise(
    unseen: dict[str, Doubles], names: Sequence[str], labels: Labels, folds: Sequence[Ints]
) -> float:
    """Log loss of a strategy's pool, each fold by the weights that the others gave."""
    parts = log_parts([unseen[name] for name in names], label_shares(labels))
    losses = []
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(labels.theme)), fold)
        weights = fit_weights(parts[:, rest], labels.theme[rest], _start(names))
        losses.append(log_loss(parts[:, fold], labels.theme[fold], weights) * len(fold))
    return sum(losses) / len(labels.theme)


def _topics(members: Members, posterior: Doubles, labels: Labels) -> Doubles:
    """Return the mean posterior of each topic's members, labelled ones as they are."""
    said = posterior.copy()
    said[places(members, labels)] = np.eye(labels.themes)[labels.theme]
    topic = members.messages.topic
    topics = int(topic.max(initial=-1)) + 1
    sums = np.zeros((topics, labels.themes))
    np.add.at(sums, topic[topic >= 0], said[topic >= 0])
    return np.asarray(sums / np.maximum(np.bincount(topic[topic >= 0], minlength=topics), 1)[:, None])
