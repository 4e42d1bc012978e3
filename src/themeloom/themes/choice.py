"""Which of several mappings is best, and what a choice among them is worth (Stone 1974; Varma & Simon 2006).

Whoever chooses the best of many by held-out scores has chosen by chance too: the best score flatters. Here
each trial chooses by what it could foresee from the labels that it learned from, and is judged on its own
held-out labels; the whole choice is thereby judged on labels that took no part in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from themeloom.members import HeldOut
from themeloom.records import Doubles, Ints
from themeloom.themes._scoring import kappa, mean_defined, per_theme, tables
from themeloom.themes.validation import Judged

STABILITY = "stability"
_MESSAGES = "message_"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration that was tried."""

    judged: tuple[Judged, ...]  # one a seed, all by the same trials
    stability: float  # how far its topics agree over seeds; NaN with one seed


@dataclass(frozen=True, slots=True)
class Choice:
    """Which candidate is best, and what choosing it this way is worth."""

    best: int
    worth: Doubles  # (candidates,): the criterion, as the trials foresaw it, mean over trials and seeds
    by_trial: Ints  # (trials,): what each trial would have chosen
    topics: HeldOut  # each label by the candidate that its trial chose; repeats of all seeds
    messages: HeldOut


def choose(
    candidates: Sequence[Candidate], criterion: Mapping[str, float], coded: Ints, themes: int
) -> Choice:
    """Choose the best candidate, and let each trial choose for itself.

    Parameters
    ----------
    candidates
        What was tried.
    criterion
        Weights of 'kappa', 'macro_f1' and 'coverage' at topic level, of the same with 'message' and a
        low dash before them at message level, and of 'stability'. What cannot be told (NaN) counts as 0.
    coded
        (labels,): the labels of all trials.
    themes
        Number of themes.
    """
    worth = np.array([_worth(candidate, criterion, coded, themes) for candidate in candidates])
    by_trial = worth.argmax(axis=0)  # of equals the first
    return Choice(
        best=int(worth.mean(axis=1).argmax()),
        worth=worth.mean(axis=1),
        by_trial=by_trial,
        topics=_chosen(
            [[judged.topics for judged in each.judged] for each in candidates], candidates, by_trial
        ),
        messages=_chosen(
            [[judged.messages for judged in each.judged] for each in candidates], candidates, by_trial
        ),
    )


def figures(coded: Ints, predicted: Ints, themes: int) -> dict[str, float]:
    """Score predictions (-1: abstained), without intervals: kappa, macro_f1 and coverage."""
    table = tables(coded, predicted, np.ones((1, len(coded))), themes)
    f1 = mean_defined(per_theme(table)[..., 2, :], axis=-1)
    return {
        "kappa": float(kappa(table)[0]),
        "macro_f1": float(f1[0]),
        "coverage": float((predicted >= 0).mean()),
    }


def _worth(candidate: Candidate, criterion: Mapping[str, float], coded: Ints, themes: int) -> Doubles:
    """Return the criterion as each trial foresaw it, (trials,), mean over seeds."""
    of_seeds = []
    for judged in candidate.judged:
        of_trials = []
        for foreseen in judged.foreseen:
            known = coded[foreseen.trial.learned]
            found = figures(known, foreseen.topics, themes)
            of_messages = figures(known, foreseen.messages, themes)
            found |= {f"{_MESSAGES}{name}": value for name, value in of_messages.items()}
            found[STABILITY] = candidate.stability
            of_trials.append(sum(weight * np.nan_to_num(found[name]) for name, weight in criterion.items()))
        of_seeds.append(of_trials)
    return np.asarray(np.mean(of_seeds, axis=0))


def _chosen(lines: Sequence[Sequence[HeldOut]], candidates: Sequence[Candidate], by_trial: Ints) -> HeldOut:
    """Put together what each trial's own choice said of those whom it judged."""
    first = lines[0][0]
    seeds = len(lines[0])
    predicted = np.tile(np.full_like(first.predicted, -1), (seeds, 1))
    posterior = np.tile(first.posterior, (seeds, 1, 1))
    repeats = len(first.predicted)
    for place, foreseen in enumerate(candidates[0].judged[0].foreseen):
        trial = foreseen.trial
        for seed, line in enumerate(lines[int(by_trial[place])]):
            row = seed * repeats + trial.repeat
            predicted[row, trial.judged] = line.predicted[trial.repeat, trial.judged]
            posterior[row, trial.judged] = line.posterior[trial.repeat, trial.judged]
    return HeldOut(first.coded, predicted, posterior, first.group)
