"""How far the themes can be trusted: scores on labels that the mapping never saw."""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.errors import LabelError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Codebook, Doubles, Ints, LabelledSample, Members, Score, Scores
from themeloom.themes._classifier import fit_classifier, posterior_of
from themeloom.themes._scoring import OVERALL, PER_THEME, Counter, refit_scores, score_sets, tables
from themeloom.themes._strategies import MajorityPosterior
from themeloom.themes._vote import MemberVote

Predictor = Callable[[Doubles, Ints], Ints]
"""Takes weights (draws, labels), which are 0 for labels that must not be learned from, and the labels to
predict; gives (draws, labels to predict) theme indices, -1 to abstain."""

Folds = list[tuple[Ints, Ints]]
"""Indices to learn from and to predict, fold after fold, repeat after repeat."""

MESSAGES = "message level"
VOTE = "topics by labelled members"
MAJORITY = "majority class"
CODERS = "coders"


def check_sample(sample: LabelledSample, themes_config: ThemesConfig, config: ValidateConfig) -> None:
    """Make sure that the sample can be cross-fitted at all.

    Raises
    ------
    LabelError
        If there are fewer labels than folds, or fewer than two themes among them; both are told.
    """
    coded = sample.theme[sample.decided]
    faults = []
    if len(coded) < config.folds:
        faults.append(
            f"{themes_config.labels}: has {len(coded)} label(s), fewer than the {config.folds} folds of "
            "validation; label more messages, or lower validate.folds."
        )
    found = len(np.unique(coded))
    if found < 2:
        faults.append(
            f"{themes_config.labels}: its labels name {found} theme(s), which leaves nothing to tell apart; "
            "label messages of at least two themes."
        )
    if faults:
        raise LabelError(*faults)


def cross_fit(  # noqa: PLR0913, PLR0917 - each is a thing of its own, and a record of them would have no other use
    sample: LabelledSample,
    members: Members,
    codebook: Codebook,
    themes_config: ThemesConfig,
    config: ValidateConfig,
    seed: int,
    progress: Progress = UNWATCHED,
) -> Scores:
    """Score the mapping on the labelled sample, each label predicted by a mapping that never saw it.

    Stratified folds are drawn ``config.repeats`` times; every score is the mean over the repeats. Its
    95% interval is a bootstrap over the labelled messages in which the mapping is fitted anew in every
    draw and fold (all copies of a message in one fold), because which messages happened to be labelled
    decides the mapping as well as its score: with predictions held fixed the intervals were
    found to cover the truth 75 to 87 times in a hundred only. An abstained message counts as wrong
    in kappa, accuracy, recall and F1; coverage stands beside them. Scores of a theme that no label
    names are NaN.

    With ``strategy = "vote"`` the headline is the topic level, each message having its topic's theme, and the
    line 'message level' the classifier's own guess of each message. There the refits are few, so that
    the interval is the normal one, by the standard deviation over refits.

    Reference lines are scored in the same way: 'topics by labelled members', where each topic has the theme
    of most of its labelled members; 'majority class', the most frequent code of the training folds; and
    'coders', where two or more coded the same messages: the first as truth, the second as prediction,
    mean over pairs. The coders' line includes messages without a label because coders tie: without
    them coders would agree by selection. Its coverage is the share of messages that both coded.

    Parameters
    ----------
    sample
        The labelled sample, sorted by position.
    members
        The communications' topics, found without labels, and vectors.
    codebook
        The themes.
    themes_config
        ``prior`` and ``mixed_below`` of the mapping.
    config
        Folds, repeats and bootstrap draws.
    seed
        Seed of the folds and the bootstrap.
    progress
        Told of the bootstrap's draws.

    Raises
    ------
    LabelError
        If there are fewer labels than folds, or fewer than two themes among them.
    """
    check_sample(sample, themes_config, config)
    themes, coded = len(codebook.keys), sample.theme[sample.decided]
    folds = draw_folds(coded, config, seed)

    def repeats(predict: Predictor) -> list[Counter]:
        return cross_fitted(predict, coded, folds, config, themes)

    def quickly(counters: list[Counter], messages: int, watcher: Progress = UNWATCHED) -> list[Score]:
        return score_sets(counters, messages, themes, config.bootstrap, seed, watcher)

    vote = repeats(_majority_vote(sample, members.topic, themes, themes_config))
    lines = {}
    if themes_config.strategy == "majority":
        counters = vote
        scores = quickly(counters, len(coded), progress)
    else:
        by_topic, by_message = _member_vote(sample, members, themes, themes_config)
        counters = repeats(by_topic)
        scores = refit_scores(counters, len(coded), seed, progress)
        lines[MESSAGES] = refit_scores(repeats(by_message), len(coded), seed)
        lines[VOTE] = quickly(vote, len(coded))
    lines[MAJORITY] = quickly(repeats(_constant(coded, themes)), len(coded))
    if pairs := _pairs(sample, themes):
        lines[CODERS] = quickly(pairs, len(sample.position))
    return Scores(
        overall=_overall(scores),
        per_theme=_per_theme(scores, codebook.keys),
        confusion=np.mean([count(np.ones((1, len(coded))))[0] for count in counters], axis=0),
        lines={name: _overall(line) for name, line in lines.items()},
        labels=len(coded),
        folds=config.folds,
        repeats=config.repeats,
    )


def _majority_vote(sample: LabelledSample, topic: Ints, themes: int, config: ThemesConfig) -> Predictor:
    coded, member = sample.theme[sample.decided], topic[sample.position[sample.decided]]
    topics, member = np.unique(np.append(-1, member), return_inverse=True)  # only topics that labels reach
    member = member[1:] - 1
    strategy = MajorityPosterior(len(topics) - 1, themes, config.prior, config.mixed_below)

    def predict(weights: Doubles, test: Ints) -> Ints:
        return strategy.predict(member, coded, weights, member[test])

    return predict


def _constant(coded: Ints, themes: int) -> Predictor:
    def predict(weights: Doubles, test: Ints) -> Ints:
        most = (weights @ np.eye(themes)[coded]).argmax(axis=1)
        return np.repeat(most[:, None], len(test), axis=1)

    return predict


def _member_vote(
    sample: LabelledSample, members: Members, themes: int, config: ThemesConfig
) -> tuple[Predictor, Predictor]:
    """Predict by the topic and by the message; what one of them fitted, the other finds again."""
    position, coded = sample.position[sample.decided], sample.theme[sample.decided]
    strategy = MemberVote(members, position, coded, themes, config.mixed_below)
    known: dict[bytes, tuple[Ints, Ints]] = {}

    def both(weights: Doubles) -> tuple[Ints, Ints]:
        key = weights.tobytes()
        if key not in known:
            classifier, posterior = strategy.learn(weights)
            of_topic = np.append(strategy.best(posterior), -1)  # topic -1 is the last
            of_message = posterior_of(members.vectors[position], classifier).argmax(axis=1)
            known[key] = (of_topic[members.topic[position]], of_message)
        return known[key]

    def level(which: int) -> Predictor:
        def predict(weights: Doubles, test: Ints) -> Ints:
            return np.stack([both(row)[which][test] for row in weights])

        return predict

    return level(0), level(1)


def cross_fitted_posteriors(
    sample: LabelledSample, members: Members, themes: int, config: ValidateConfig, seed: int
) -> tuple[Doubles, Doubles]:
    """Predict each communication by classifiers that did not see its label.

    Parameters
    ----------
    sample
        The labelled sample.
    members
        The communications' vectors.
    themes
        Number of themes.
    config
        How many folds; they are drawn once.
    seed
        Seed of the folds.

    Returns
    -------
    labelled
        (labels, themes): by the classifier of the other folds; by all of them where coders tie.
    rest
        (others, themes): the mean over the classifiers, for those without a label, in their order.
    """
    known, coded = np.flatnonzero(sample.decided), sample.theme[sample.decided]
    vectors = members.vectors[sample.position]
    others = np.delete(members.vectors, sample.position, axis=0)
    labelled, rest = np.zeros((len(vectors), themes)), np.zeros((len(others), themes))
    for _, test in draw_folds(coded, config.model_copy(update={"repeats": 1}), seed):
        weights = np.ones(len(coded))
        weights[test] = 0
        classifier = fit_classifier(vectors[known], coded, themes, weights)
        seen_by_none = np.append(known[test], np.flatnonzero(~sample.decided))
        labelled[seen_by_none] += posterior_of(vectors[seen_by_none], classifier)
        rest += posterior_of(others, classifier) / config.folds
    return labelled / labelled.sum(axis=1, keepdims=True), rest


def draw_folds(coded: Ints, config: ValidateConfig, seed: int) -> Folds:
    """Draw stratified folds anew for each repeat.

    Themes with fewer labels than folds are one stratum together, which joins the largest theme where it
    is still too small: a rare theme is then spread by chance.
    """
    from sklearn.model_selection import RepeatedStratifiedKFold

    sizes = np.bincount(coded)
    rare = sizes[coded] < config.folds
    together = -1 if rare.sum() >= config.folds else sizes.argmax()
    strata = np.where(rare, together, coded)
    drawn = RepeatedStratifiedKFold(n_splits=config.folds, n_repeats=config.repeats, random_state=seed)
    return list(drawn.split(coded[:, None], strata))


def cross_fitted(
    predict: Predictor, coded: Ints, folds: Folds, config: ValidateConfig, themes: int
) -> list[Counter]:
    """Predict each label from the other folds alone: one counter of confusion matrices a repeat."""
    starts = range(0, len(folds), config.folds)
    return [_cross_fitted(predict, coded, folds[start : start + config.folds], themes) for start in starts]


def _cross_fitted(predict: Predictor, coded: Ints, folds: Folds, themes: int) -> Counter:
    def count(weights: Doubles) -> Doubles:
        table = np.zeros((len(weights), themes, themes + 1))
        for _, test in folds:
            training = weights.copy()
            training[:, test] = 0
            table += tables(coded[test], predict(training, test), weights[:, test], themes)
        return table

    return count


def _pairs(sample: LabelledSample, themes: int) -> list[Counter]:
    """Compare each two coders on the messages that both coded."""
    both = [
        (first, second, np.flatnonzero((first >= 0) & (second >= 0)))
        for first, second in combinations(sample.codes.T, 2)
    ]
    return [_pair(first[on], second[on], on, themes) for first, second, on in both if len(on)]


def _pair(first: Ints, second: Ints, on: Ints, themes: int) -> Counter:
    def count(weights: Doubles) -> Doubles:
        return tables(first, second, weights[:, on], themes)

    return count


def _overall(scores: list[Score]) -> dict[str, Score]:
    return dict(zip(OVERALL, scores, strict=False))


def _per_theme(scores: list[Score], keys: tuple[str, ...]) -> dict[str, dict[str, Score]]:
    by_figure = [scores[len(OVERALL) :][start :: len(keys)] for start in range(len(keys))]
    return {
        key: dict(zip(PER_THEME, figures, strict=True)) for key, figures in zip(keys, by_figure, strict=True)
    }
