"""Who is learned from and who is judged: folds of labels, and the trials made of them."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from themeloom.config import ThemesConfig, ValidateConfig
from themeloom.errors import LabelError
from themeloom.records import Ints, LabelledSample

Folds = list[Ints]
"""Places of labels: each label is in one of the folds."""


MOST_BY_ONE = 0.25
"""Share of the labels: where one author has more, there is hardly a sample of authors to draw from."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One mapping that is learned and then judged; all arrays are places among the labels."""

    learned: Ints  # ascending
    judged: Ints
    folds: tuple[Ints, ...]  # of those learned from: choices are made by predicting each from the others
    repeat: int
    adapts: bool = True  # whether the encoder is adapted to each of the folds, too

    def inner(self) -> tuple[Ints, ...]:
        """Return the folds as places among those learned from."""
        return tuple(np.searchsorted(self.learned, fold) for fold in self.folds)


def check_sample(
    sample: LabelledSample, group: Ints, themes_config: ThemesConfig, config: ValidateConfig
) -> None:
    """Make sure that the sample can be cross-fitted at all.

    Parameters
    ----------
    sample
        The labelled sample.
    group
        (labels,): number of the author.
    themes_config
        Where the labels are.
    config
        ``folds`` and ``held_out``.

    Raises
    ------
    LabelError
        If there are fewer labels than folds, or fewer authors, or fewer than two themes among them; all are
        told.
    """
    coded = sample.theme[sample.decided]
    needed = config.folds if not config.held_out else int(np.ceil(config.folds / (1 - config.held_out)))
    tied = len(sample.theme) - len(coded)
    aside = f" and {tied} message(s) tied or unclear" if tied else ""
    cure = f"adjudicate those (column '{themes_config.adjudicated}'), label" if tied else "label"
    faults = []
    if len(coded) < needed:
        faults.append(
            f"{themes_config.labels}: has {len(coded)} label(s){aside}, fewer than the {needed} that the "
            f"{config.folds} folds of validation need; {cure} more messages, or lower validate.folds."
        )
    authors = len(np.unique(group[sample.decided]))
    if authors < needed <= len(coded):
        faults.append(
            f"{themes_config.labels}: its {len(coded)} labels are of messages by {authors} author(s), fewer "
            f"than the {needed} that the {config.folds} folds of validation need, as nobody is both learned "
            "from and judged; label messages of more authors, or lower validate.folds."
        )
    found = len(np.unique(coded))
    if found < 2 and len(coded):
        faults.append(
            f"{themes_config.labels}: its labels name {found} theme(s), which leaves nothing to tell apart; "
            "label messages of at least two themes."
        )
    if faults:
        raise LabelError(*faults)


def one_author_told(group: Ints) -> str:
    """Tell that one author has so many of the labels that intervals over authors say little; else nothing.

    Parameters
    ----------
    group
        (labels,): number of the author.
    """
    most = int(np.bincount(group).max(initial=0))
    if most <= max(MOST_BY_ONE * len(group), 1):
        return ""
    return (
        f"One author wrote {most} of the {len(group)} labelled messages ({most / len(group):.0%}). All of an "
        "author's are in one fold, and intervals of scores are drawn over authors: they say little here, and "
        "are likely too narrow; label messages of more authors."
    )


def draw_trials(
    theme: Ints, group: Ints, config: ValidateConfig, seed: int
) -> tuple[Trial, tuple[Trial, ...]]:
    """Draw what the kept mapping is learned from, and the trials that tell what it is worth.

    By default all labels are learned from, and each is predicted by trials that leave its fold out, as often
    as ``config.repeats`` says; the other folds of a trial serve the choices made in it, and of two folds the
    other one is parted anew for them. With
    ``config.held_out``, a share of the labels is set aside once, never learned from, and the only one judged.

    Parameters
    ----------
    theme
        (labels,): index of the theme.
    group
        (labels,): number of the author: an author is never on both sides.
    config
        ``folds``, ``repeats``, ``held_out`` and ``seed``.
    seed
        Seed of the folds, where the config names none.

    Returns
    -------
    kept
        What the kept mapping is learned from; judges nobody, or those held out.
    trials
        What is judged.
    """
    everybody = np.arange(len(theme))
    seed = seed if config.seed is None else config.seed
    if config.held_out:
        aside = _aside(theme, group, config.held_out, seed)
        learned = np.setdiff1d(everybody, aside)
        folds = draw_folds(theme[learned], group[learned], config.folds, seed)
        kept = Trial(learned, aside, tuple(learned[fold] for fold in folds), 0)
        return kept, (kept,)
    seeds = [(seed + repeat) % 2**32 for repeat in range(config.repeats)]
    drawn = [draw_folds(theme, group, config.folds, each) for each in seeds]
    trials = []
    for repeat, folds in enumerate(drawn):
        for place, fold in enumerate(folds):
            learned, others = np.setdiff1d(everybody, fold), (*folds[:place], *folds[place + 1 :])
            if len(others) == 1:  # a fold of its own that is all that is learned from: no choice by that
                again = draw_folds(theme[learned], group[learned], config.folds, seeds[repeat])
                others = tuple(learned[inner] for inner in again)
            trials.append(Trial(learned, fold, others, repeat, adapts=False))
    return Trial(everybody, everybody[:0], tuple(drawn[0]), 0), tuple(trials)


def _aside(theme: Ints, group: Ints, share: float, seed: int) -> Ints:
    """Draw those held out: some of so many folds that their share is about what was asked for."""
    part = Fraction(share).limit_denominator(max(10, ceil(1 / share)))
    folds = draw_folds(theme, group, part.denominator, seed)
    taken = max(round(len(folds) * part.numerator / part.denominator), 1)
    return np.sort(np.concatenate(folds[:taken]))


def draw_folds(theme: Ints, group: Ints, count: int, seed: int) -> Folds:
    """Draw folds stratified by theme, all messages of an author in one.

    Themes with fewer labels than folds are one stratum together, which joins the largest theme where it is
    still too small: a rare theme is then spread by chance. Of fewer authors than folds, each has one.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    authors = len(np.unique(group))
    if min(count, authors) < 2:
        return [np.arange(len(theme))]
    count = min(count, authors)
    sizes = np.bincount(theme)
    rare = sizes[theme] < count
    together = -1 if rare.sum() >= count else sizes.argmax()
    strata = np.where(rare, together, theme)
    settings = {"n_splits": count, "shuffle": True, "random_state": seed}
    if authors == len(group):
        drawn = StratifiedKFold(**settings).split(strata[:, None], strata)
    else:
        drawn = StratifiedGroupKFold(**settings).split(strata[:, None], strata, group)
    return [np.sort(fold) for _, fold in drawn]
