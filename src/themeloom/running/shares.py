"""How common each theme is in a study's corpus, where its labels can tell: and why not, where they cannot."""

import re
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from themeloom.columns import GROUPS
from themeloom.errors import LabelError
from themeloom.records import Bools, Codebook, Corpus, Doubles, Ints, LabelledSample, Mapping
from themeloom.running.authors import authors_of
from themeloom.scored import Score
from themeloom.themes.by_group import shares_by_group
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
    groups: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=GROUPS))  # empty without groups


@dataclass(frozen=True, slots=True)
class _Known:
    """What shares are estimated from: labels of known probability, and a posterior for each message."""

    theme: Ints  # (drawn,)
    inclusion: Doubles  # (drawn,)
    labelled: Doubles  # (drawn, themes)
    rest: Doubles  # (rest, themes)


def shares(
    sample: LabelledSample,
    corpus: Corpus,
    mapping: Mapping,
    judged: Judged,
    codebook: Codebook,
    min_authors: int = 1,
) -> Shares:
    """Estimate how common each theme is, by group too; nothing where the labels are no probability sample.

    Parameters
    ----------
    sample
        The labelled sample.
    corpus
        The anonymous corpus.
    mapping
        What all labels taught.
    judged
        What was said of labels by mappings that had not seen them.
    codebook
        The themes.
    min_authors
        Authors that a group must have for its shares to be told.
    """
    if sample.inclusion is None:
        return Shares()
    predicted = _posteriors(sample, mapping, judged)
    drawn, note = drawn_by_chance(sample, len(predicted))
    if not drawn.any():
        return Shares(note=note)
    place = sample.position[drawn]
    order = np.append(place, np.delete(np.arange(len(predicted)), place))
    weights = corpus.communications["times_seen"].to_numpy().astype(np.float64)[order]
    known = _Known(sample.theme[drawn], sample.inclusion[drawn], *np.split(predicted[order], [len(place)]))
    found = _table(known, weights, codebook)
    aside, learned = _divided(sample, judged, drawn)
    if learned.any():
        # Of labels that were added, nobody knows how wrong the mapping would be, as it learned from them.
        by_both = _held_out(known, aside, learned) if drawn.all() else None
        foreseen, used = (_table(by_both, weights, codebook), POWERED) if by_both else (found, LABELS)
        found |= {
            name.removesuffix(used) + POWERED: of for name, of in foreseen.items() if name.endswith(used)
        }
        known = by_both or _unforeseen(known)
    group, names = _groups(corpus, min_authors)
    by_group = shares_by_group(
        known.theme, known.inclusion, known.labelled, known.rest, group[order], names, codebook
    )
    return Shares(found, note, by_group)


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


def _table(known: _Known, weights: Doubles, codebook: Codebook) -> OfThemes:
    found = prevalence(known.theme, known.inclusion, known.labelled, known.rest, weights, codebook).table
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


def _held_out(known: _Known, aside: float, learned: Bools) -> _Known | None:
    """Take labels that were learned from as known; of the others, those held out are a sample, if any is."""
    themes = known.labelled.shape[1]
    labelled = np.where(learned[:, None], np.eye(themes)[known.theme], known.labelled)
    inclusion = np.where(learned, 1.0, known.inclusion * aside / (1 - known.inclusion * (1 - aside)))
    try:
        check_inclusion(known.theme, inclusion, len(labelled) + len(known.rest))
    except LabelError:  # a few of very different probabilities may be none any more
        return None
    return replace(known, inclusion=inclusion, labelled=labelled)


def _unforeseen(known: _Known) -> _Known:
    """Predict nothing: labels alone are left."""
    return replace(known, labelled=np.zeros_like(known.labelled), rest=np.zeros_like(known.rest))


def _groups(corpus: Corpus, min_authors: int) -> tuple[Ints, list[str]]:
    """Give each communication the number of its group, -1 where unknown, and the names of the groups.

    Groups of too few authors have no name: their messages are of an unknown one.
    """
    given = corpus.communications.select("group", author=pl.lit(authors_of(corpus)))
    spoken = given.group_by("group").agg(pl.col("author").n_unique()).filter(pl.col("author") >= min_authors)
    names = sorted(spoken["group"].drop_nulls(), key=as_people_count)
    if len(names) < 2:  # there is nothing to compare
        names = []
    number = {name: at for at, name in enumerate(names)}
    return np.array([number.get(name, -1) for name in given["group"]], dtype=np.int64), names


def as_people_count(name: str) -> list[tuple[int, str]]:
    """Sort 'wave 2' before 'wave 10'."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


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
