"""How far the themes can be trusted: scores on labels that the mapping never saw, beside reference lines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL, HeldOut, Labels, LineScores
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Codebook, Doubles, Floats, Ints, LabelledSample
from themeloom.scored import Scores
from themeloom.themes._classifier import fit_classifier, posterior_of
from themeloom.themes.abstain import conformal_threshold, coverage_curve
from themeloom.themes.folds import Trial
from themeloom.themes.mapping import Learned, View, best_themes, foresee, learn
from themeloom.themes.scores import calibration, difference, score

VOTE = "topics by labelled members"
BERTOPIC = "plain BERTopic"
REDUCED = "plain BERTopic, outliers reduced"
REGRESSION = "logistic regression"
ZERO_SHOT = "codebook alone"
MAJORITY = "majority class"
CODERS = "coders"
CONFORMAL = 0.9
"""Share of messages whose prediction set holds their theme."""

Line = Callable[[Labels, Ints], Ints]
"""A reference: learns from labels, and says what other communications are, named by position; -1: nothing."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Predictions of labels by mappings that did not see them."""

    topics: HeldOut
    messages: HeldOut
    rest: Doubles  # (members without a label, themes): mean over the mappings
    foreseen: tuple["Foreseen", ...] = ()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a trial could tell of its own worth from the labels that it learned from, before it was judged."""

    trial: Trial
    topics: Ints  # (labels learned from,): predicted from the trial's other folds; -1 where abstained
    messages: Ints


def judge(  # noqa: PLR0913 (who is judged by whom, and whether for a choice)
    view: View,
    labels: Labels,
    group: Ints,
    trials: tuple[Trial, ...],
    config: ThemesConfig,
    progress: Progress = UNWATCHED,
    *,
    foresees: bool = False,
) -> Judged:
    """Learn a mapping in each trial and let it predict what it may not learn from.

    Parameters
    ----------
    view
        What is known of the communications, given labels.
    labels
        All labels.
    group
        (labels,): number of the author.
    trials
        Who is learned from and who is judged.
    config
        ``strategy`` and ``mixed_below``.
    progress
        Told of the trials.
    foresees
        Whether each trial also predicts its own labels from its other folds, for a choice between mappings.
    """
    repeats = max(trial.repeat for trial in trials) + 1
    shape = (repeats, len(labels.theme), labels.themes)
    of_topic, of_message = np.full(shape, np.nan), np.full(shape, np.nan)
    rest, foreseen = [], []
    progress.begin(len(trials), "mappings")
    for trial in trials:
        known = labels.at(trial.learned)
        learned = learn(view, known, trial.inner(), config.strategy, adapts=trial.adapts)
        if foresees:
            foreseen.append(_foreseen(view, known, trial, learned, config.mixed_below))
        place = np.searchsorted(learned.members.position, labels.position[trial.judged])
        topic = learned.members.messages.topic[place]
        nowhere = np.full((1, labels.themes), np.nan)
        of_topic[trial.repeat, trial.judged] = np.vstack([learned.topics, nowhere])[topic]
        of_message[trial.repeat, trial.judged] = learned.messages[place]
        rest.append(_of_rest(learned, labels))
        progress.advance()
    coded = np.where(
        np.isin(np.arange(len(labels.theme)), np.concatenate([t.judged for t in trials])), labels.theme, -1
    )
    return Judged(
        topics=_held_out(of_topic, coded, group, config.mixed_below),
        messages=_held_out(of_message, coded, group, 0.0),
        rest=np.mean(rest, axis=0),
        foreseen=tuple(foreseen),
    )


def reference_lines(
    topics: Mapping[str, Ints], vectors: Floats, codebook: Floats, theme: Ints
) -> dict[str, Line]:
    """Return the reference lines.

    Parameters
    ----------
    topics
        Topics of all communications, by the name of the line that gives each of them its most frequent label.
    vectors
        (communications, dimensions): raw, unit length.
    codebook
        (themes, dimensions): of the codebook's texts, unit length.
    theme
        (labels,): of all labels.

    Notes
    -----
    'logistic regression' is scikit-learn's on raw vectors, themes weighted evenly, ``C = 1``.

    'majority class' gives everything the commonest code of all labels: no constant is right more often, and
    its kappa is 0. What is commonest among the others of each fold would be another code in each, and wrong
    more often than any one of them.
    """
    lines: dict[str, Line] = {name: _by_topic(topic) for name, topic in topics.items()}
    return lines | {
        REGRESSION: _regression(vectors),
        ZERO_SHOT: _zero_shot(vectors, codebook),
        MAJORITY: _always(int(np.bincount(theme).argmax())),
    }


def refer(line: Line, labels: Labels, group: Ints, trials: tuple[Trial, ...], coded: Ints) -> HeldOut:
    """Let a reference line predict what it may not learn from, in the same trials."""
    predicted = np.full((max(trial.repeat for trial in trials) + 1, len(labels.theme)), -1)
    for trial in trials:
        predicted[trial.repeat, trial.judged] = line(labels.at(trial.learned), labels.position[trial.judged])
    return HeldOut(coded, predicted, np.zeros((0, 0, 0)), group)


def scored(  # noqa: PLR0913, PLR0917 - each is a thing of its own
    judged: Judged,
    references: Mapping[str, HeldOut],
    coders: list[HeldOut],
    codebook: Codebook,
    config: ValidateConfig,
    seed: int,
    progress: Progress = UNWATCHED,
) -> Scores:
    """Score held-out predictions beside the reference lines.

    The headline is the topic level, each message having its topic's theme; the line 'message level' is each
    message's own most probable theme. An abstained message counts as wrong in all but coverage. 'coders'
    takes one coder as truth and the other as prediction, mean over pairs, with messages that have no label
    because coders tie or say unclear: without them coders would agree by selection.

    Parameters
    ----------
    judged
        The mapping's predictions.
    references
        The reference lines' predictions.
    coders
        The coders' pairs, if there are any.
    codebook
        The themes.
    config
        Folds and bootstrap draws.
    seed
        Seed of the bootstrap.
    progress
        Told of the lines.
    """
    judged = replace(judged, topics=_coded(judged.topics), messages=_coded(judged.messages))
    references = {name: _coded(line) for name, line in references.items()}
    themes, draws = len(codebook.keys), config.bootstrap
    folds = None if config.held_out else config.folds
    progress.begin(2 + len(references) + bool(coders), "lines")

    def worth(line: HeldOut | list[HeldOut], widened: int | None) -> LineScores:
        progress.advance()
        return score(line, themes, draws, seed, folds=widened)

    topics, messages = worth(judged.topics, folds), worth(judged.messages, folds)
    lines = {MESSAGE_LEVEL: messages.overall}
    lines |= {
        name: worth(line, None if name in {MAJORITY, ZERO_SHOT} else folds).overall
        for name, line in references.items()
    }
    lines |= {CODERS: worth(coders, None).overall} if coders else {}
    levels = {TOPIC_LEVEL: judged.topics, MESSAGE_LEVEL: judged.messages}
    return Scores(
        overall=topics.overall,
        per_theme=dict(zip(codebook.keys, topics.per_theme, strict=True)),
        confusion=topics.confusion,
        lines=lines,
        labels=int((judged.messages.coded >= 0).sum()),
        folds=config.folds,
        repeats=len(judged.messages.predicted),
        message_per_theme=dict(zip(codebook.keys, messages.per_theme, strict=True)),
        message_confusion=messages.confusion,
        differences={
            f"{level}, less {name}": difference(of_level, line, themes, draws, seed, folds=folds)
            for level, of_level in levels.items()
            for name, line in references.items()
        },
        calibration=calibration(judged.messages),
        coverage=coverage_curve(judged.messages),
        conformal=_conformal(judged.messages),
    )


def coder_pairs(sample: LabelledSample, group: Ints) -> list[HeldOut]:
    """Take each two coders, one as truth and one as prediction, on the messages that both coded."""
    pairs = []
    for first, second in combinations(sample.codes.T, 2):
        both = (first >= 0) & (second >= 0)
        if both.any():
            truth, said = np.where(both, first, -1), np.where(both, second, -1)
            pairs.append(HeldOut(truth, said[None], np.zeros((0, 0, 0)), group))
    return pairs


def _foreseen(view: View, labels: Labels, trial: Trial, learned: Learned, mixed_below: float) -> Foreseen:
    topics, messages = foresee(view, labels, trial.inner(), learned)
    known = np.asarray(np.isfinite(topics).all(axis=1))
    of_topic = best_themes(np.where(known[:, None], topics, 1 / labels.themes), mixed_below)
    return Foreseen(trial, np.where(known, of_topic, -1), messages.argmax(axis=1))


def _of_rest(learned: Learned, labels: Labels) -> Doubles:
    return np.delete(learned.messages, np.searchsorted(learned.members.position, labels.position), axis=0)


def _held_out(posterior: Doubles, coded: Ints, group: Ints, mixed_below: float) -> HeldOut:
    known = np.asarray(np.isfinite(posterior).all(axis=2))
    filled = np.where(known[:, :, None], posterior, 1 / posterior.shape[2])
    predicted = np.stack([best_themes(each, mixed_below) for each in filled])
    return HeldOut(coded, np.where(known, predicted, -1), filled, group)


def _coded(line: HeldOut) -> HeldOut:
    """Leave out those that nobody judged: they were learned from."""
    known = line.coded >= 0
    posterior = line.posterior[:, known] if line.posterior.size else line.posterior
    return HeldOut(line.coded[known], line.predicted[:, known], posterior, line.group[known])


def _conformal(messages: HeldOut) -> float:
    return conformal_threshold(messages.posterior[0], messages.coded, CONFORMAL)


def _by_topic(topic: Ints) -> Line:
    def say(labels: Labels, asked: Ints) -> Ints:
        counts = np.zeros((int(topic.max(initial=-1)) + 2, labels.themes))
        np.add.at(counts, (topic[labels.position], labels.theme), 1)
        counts[-1] = 0  # topic -1
        best = np.asarray(np.where(counts.max(axis=1) > 0, counts.argmax(axis=1), -1))
        return np.asarray(best[topic[asked]])

    return say


def _regression(vectors: Floats) -> Line:
    def say(labels: Labels, asked: Ints) -> Ints:
        fitted = fit_classifier(vectors[labels.position], labels, strength=1.0)
        return np.asarray(posterior_of(vectors[asked], fitted).argmax(axis=1))

    return say


def _zero_shot(vectors: Floats, codebook: Floats) -> Line:
    def say(labels: Labels, asked: Ints) -> Ints:  # noqa: ARG001
        return np.asarray((vectors[asked] @ codebook.T).argmax(axis=1))

    return say


def _always(theme: int) -> Line:
    def say(labels: Labels, asked: Ints) -> Ints:  # noqa: ARG001
        return np.full(len(asked), theme)

    return say
