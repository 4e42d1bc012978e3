"""How common each theme is in a study's corpus, where its labels can tell: and why not, where they cannot."""

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from themeloom.errors import LabelError
from themeloom.records import Bools, Codebook, Corpus, Doubles, Ints, LabelledSample, Mapping, Score
from themeloom.themes.prevalence import LABELS, POWERED, check_inclusion, prevalence
from themeloom.themes.validation import Judged

OfThemes = dict[str, dict[str, Score]]
"""'weighting/method' → theme → its share."""

NOT_STATED = (
    "Shares of themes are not estimated, as the study's file does not say how the labelled messages were "
    "drawn (themes.sample or themes.inclusion)."
)
"""Told where a study is checked and run, and kept nowhere: nobody asked for shares."""


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of each theme, by each weighting and method."""

    table: OfThemes = field(default_factory=dict)  # empty where none can be estimated
    note: str = ""  # what a reader has to know of it; why there is none


def shares(
    sample: LabelledSample, corpus: Corpus, mapping: Mapping, judged: Judged, codebook: Codebook
) -> Shares:
    """Estimate how common each theme is; nothing where the labels are no probability sample."""
    if sample.inclusion is None:
        return Shares()
    predicted = _posteriors(sample, mapping, judged)
    drawn, note = drawn_by_chance(sample, len(predicted))
    if not drawn.any():
        return Shares(note=note)
    place, theme, inclusion = sample.position[drawn], sample.theme[drawn], sample.inclusion[drawn]
    seen = corpus.communications["times_seen"].to_numpy().astype(np.float64)
    weights = np.append(seen[place], np.delete(seen, place))
    labelled, rest = predicted[place], np.delete(predicted, place, axis=0)
    found = _table(theme, inclusion, labelled, rest, weights, codebook)
    aside, learned = _divided(sample, judged, drawn)
    if not learned.any():
        return Shares(found, note)
    powered = {name.removesuffix(LABELS) + POWERED: of for name, of in found.items() if name.endswith(LABELS)}
    if drawn.all():  # else nobody knows how wrong the mapping would be of the others, which it learned from
        # What labels were learned from is known, and of the others those held out are a sample.
        labelled[learned] = np.eye(labelled.shape[1])[theme[learned]]
        held_out = np.where(learned, 1.0, inclusion * aside / (1 - inclusion * (1 - aside)))
        with suppress(LabelError):  # a few of very different probabilities may be no sample any more
            by_both = _table(theme, held_out, labelled, rest, weights, codebook)
            powered = {name: of for name, of in by_both.items() if name.endswith(POWERED)}
    return Shares(found | powered, note)


def drawn_by_chance(sample: LabelledSample, communications: int) -> tuple[Bools, str]:
    """Tell from which labels shares can be estimated, and what there is to say of the others.

    Parameters
    ----------
    sample
        The labelled sample, with inclusion probabilities.
    communications
        Size of the corpus.

    Returns
    -------
    drawn
        (labels,): those of known probability. The others, drawn as those of which the mapping is least sure
        or added by hand, stand for no messages. None, if they are no probability sample of the corpus.
    note
        A sentence, or nothing.
    """
    if sample.inclusion is None or sample.unfit:
        note = f"Shares of themes are not estimated: {sample.unfit}" if sample.unfit else ""
        return np.zeros(len(sample.theme), np.bool_), note
    drawn = np.isfinite(sample.inclusion)
    unknown = int((~drawn).sum())
    if len(drawn) - unknown < 2:
        drawn[:] = True
    try:
        check_inclusion(sample.theme[drawn], sample.inclusion[drawn], communications)
    except LabelError as fault:
        return np.zeros_like(drawn), f"Shares of themes are not estimated: {fault}"
    notes = []
    if unknown:
        others = (
            "1 other is not, and it stands" if unknown == 1 else f"{unknown} others is not, and they stand"
        )
        notes.append(
            f"Shares of themes are estimated from the {len(drawn) - unknown} labels whose inclusion "
            f"probability is known; that of {others} for no messages."
        )
    if sample.again:
        labels = "1 label is of a repeat" if sample.again == 1 else f"{sample.again} labels are of repeats"
        notes.append(
            f"{labels} of another labelled message: where rows were drawn, and "
            "not messages, those often repeated were likelier, and their themes look commoner than they are."
        )
    return drawn, " ".join(notes)


def _table(
    theme: Ints, inclusion: Doubles, labelled: Doubles, rest: Doubles, weights: Doubles, codebook: Codebook
) -> OfThemes:
    found = prevalence(theme, inclusion, labelled, rest, weights, codebook).table
    table: OfThemes = {}
    for row in found.fill_null(float("nan")).iter_rows(named=True):
        of_method = table.setdefault(f"{row['weighting']}/{row['method']}", {})
        of_method[row["theme"]] = Score(row["share"], row["low"], row["high"])
    return table


def _divided(sample: LabelledSample, judged: Judged, drawn: Bools) -> tuple[float, Bools]:
    """Return the share of the drawn labels that were predicted, and which of them were only learned from."""
    predicted = np.ones(len(sample.theme), np.bool_)
    predicted[sample.decided] = judged.messages.coded >= 0
    return float(predicted[sample.decided & drawn].mean()), ~predicted[drawn]


def _posteriors(sample: LabelledSample, mapping: Mapping, judged: Judged) -> Doubles:
    """Return a posterior for each communication, held out for those whose label was predicted.

    Unlabelled ones have the mean over the mappings that predicted those, where there is one.
    """
    found = mapping.messages.copy()
    decided = sample.position[sample.decided]
    if len(judged.rest) == len(found) - len(decided):
        tied = sample.position[~sample.decided]  # nothing was learned where coders tie, or say unclear
        others = np.delete(np.arange(len(found)), decided)
        untied = ~np.isin(others, tied)
        found[others[untied]] = judged.rest[untied]
    predicted = judged.messages.coded >= 0
    found[decided[predicted]] = np.mean(judged.messages.posterior, axis=0)[predicted]
    return found
