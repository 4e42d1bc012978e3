"""How far the themes can be trusted: scores on labels that the mapping never saw."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array

from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.errors import LabelError
from themeloom.progress import UNWATCHED, Progress
from themeloom.records import Codebook, Ints, LabelledSample, Score, Scores
from themeloom.themes._scoring import OVERALL, PER_THEME, cells, score_sets, tables
from themeloom.themes._strategies import MajorityPosterior, themes_of

Predictor = Callable[[Ints, Ints], Ints]
"""Takes indices of labels to learn from and of labels to predict; gives theme indices, -1 to abstain."""

Folds = list[tuple[Ints, Ints]]
"""Indices to learn from and to predict, fold after fold, repeat after repeat."""

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
    topic: Ints,
    codebook: Codebook,
    themes_config: ThemesConfig,
    config: ValidateConfig,
    seed: int,
    progress: Progress = UNWATCHED,
) -> Scores:
    """Score the mapping on the labelled sample, each label predicted by a mapping that never saw it.

    Stratified folds are drawn ``config.repeats`` times. Every score is the mean over the repeats, with a
    95% percentile bootstrap interval over the labelled messages (the predictions stay, the messages are
    drawn again). An abstained message counts as wrong in kappa, accuracy, recall and F1; coverage
    stands beside them. Scores of a theme that no label names are NaN.

    Two reference lines are scored in the same way: 'majority class', the most frequent code of the
    training folds; and 'coders', where two or more coded the same messages: the first as truth, the second
    as prediction, mean over pairs. The coders' line includes messages without a label because coders
    tie: without them coders would agree by selection. Its coverage is the share of messages that both
    coded.

    Parameters
    ----------
    sample
        The labelled sample, sorted by position.
    topic
        (communications,): the topic of each, -1 where none; found without labels.
    codebook
        The themes.
    themes_config
        ``prior`` and ``mixed_below`` of the mapping.
    config
        Folds, repeats and bootstrap draws.
    seed
        Seed of the folds and the bootstrap.
    progress
        Told of each fold.

    Raises
    ------
    LabelError
        If there are fewer labels than folds, or fewer than two themes among them.
    """
    check_sample(sample, themes_config, config)
    themes = len(codebook.keys)
    coded = sample.theme[sample.decided]
    member = topic[sample.position[sample.decided]]
    strategy = MajorityPosterior(
        int(topic.max(initial=-1)) + 1, themes, themes_config.prior, themes_config.mixed_below
    )

    def mapped(train: Ints, test: Ints) -> Ints:
        return themes_of(member[test], strategy.fit(member[train], coded[train]))[0]

    def majority(train: Ints, test: Ints) -> Ints:
        return np.full(len(test), np.bincount(coded[train]).argmax())

    folds = draw_folds(coded, config, seed)
    predicted = _held_out(coded, cross_predict(mapped, folds, config.repeats, progress), themes)
    constant = _held_out(coded, cross_predict(majority, folds, config.repeats), themes)
    scores = score_sets(predicted, themes, config.bootstrap, seed)
    lines = {MAJORITY: _overall(score_sets(constant, themes, config.bootstrap, seed))}
    pairs = _pairs(sample, themes)
    if pairs:
        lines[CODERS] = _overall(score_sets(pairs, themes, config.bootstrap, seed))
    return Scores(
        overall=_overall(scores),
        per_theme=_per_theme(scores, codebook.keys),
        confusion=np.mean([tables(one, np.ones((1, len(coded))), themes)[0] for one in predicted], axis=0),
        lines=lines,
        labels=len(coded),
        folds=config.folds,
        repeats=config.repeats,
    )


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


def cross_predict(predict: Predictor, folds: Folds, repeats: int, progress: Progress = UNWATCHED) -> Ints:
    """Predict each label, in each repeat, from the other folds alone.

    Returns
    -------
    Ints
        (repeats, labels): theme indices, -1 where the predictor abstained.
    """
    progress.begin(len(folds), "folds")
    labels = sum(len(test) for _, test in folds) // repeats
    predicted = np.full((repeats, labels), -1, np.int64)
    for number, (train, test) in enumerate(folds):
        predicted[number * repeats // len(folds), test] = predict(train, test)
        progress.advance()
    return predicted


def _held_out(coded: Ints, predicted: Ints, themes: int) -> list[csr_array]:
    return [cells(coded, one, themes) for one in predicted]


def _pairs(sample: LabelledSample, themes: int) -> list[csr_array]:
    """Compare each two coders on the messages that both coded."""
    pairs = []
    for first, second in combinations(sample.codes.T, 2):
        both = (first >= 0) & (second >= 0)
        if both.any():
            pairs.append(cells(np.where(both, first, -1), second, themes))
    return pairs


def _overall(scores: list[Score]) -> dict[str, Score]:
    return dict(zip(OVERALL, scores, strict=False))


def _per_theme(scores: list[Score], keys: tuple[str, ...]) -> dict[str, dict[str, Score]]:
    by_figure = [scores[len(OVERALL) :][start :: len(keys)] for start in range(len(keys))]
    return {
        key: dict(zip(PER_THEME, figures, strict=True)) for key, figures in zip(keys, by_figure, strict=True)
    }
