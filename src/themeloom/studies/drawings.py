"""Batches of a label file become probabilities: how likely each coded message was to be coded."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np

from themeloom.themes.design import averaged
from themeloom.themes.prevalence import STANDS_FOR

CHANGED = 0.02
"""How far the corpus may be from the one that was drawn from, in shares of it: a share of a theme is then
wrong by two points at most."""
BY_LOT = ("random", "stratified", "grouped")


@dataclass(frozen=True, slots=True)
class Drawn:
    """How the coded messages were drawn, as far as it is known."""

    inclusion: dict[str, float]  # doc_id → its probability; those that stand for no others are not in it
    random: bool  # whether all of them are one simple random sample
    unfit: str = ""  # why they are no probability sample of the corpus


@dataclass(frozen=True, slots=True)
class _Batch:
    """Messages that were drawn together, or chosen."""

    number: int
    inclusion: dict[str, float | None]  # doc_id → probability of being drawn, of those still in the corpus
    coded: frozenset[str]
    frame: float  # messages that it was drawn from; 0 where it stands for no others
    size: int  # when it was drawn
    design: str

    @property
    def share(self) -> float:
        """How much of it is coded: by lot, as each coder's order is one."""
        return len(self.coded) / len(self.inclusion)


@dataclass(slots=True)
class _Drawing:
    """Batches that are one sample together: one, or random ones drawn one after the other."""

    before: int  # messages that were listed already, and could not be drawn
    batches: list[_Batch]
    blocked: str = ""  # why it stands for no corpus, whatever its size
    seen: list[_Batch] = field(default_factory=list)  # all batches before it

    @property
    def first(self) -> _Batch:
        return self.batches[0]

    @property
    def corpus(self) -> float:
        """How many messages the corpus had."""
        return self.first.frame + self.before

    @property
    def coded(self) -> int:
        return sum(len(batch.coded) for batch in self.batches)

    def fits(self, communications: float) -> bool:
        """Tell whether it was drawn from a corpus of this size, or a sheet may have been."""
        if self.first.design not in BY_LOT:
            return STANDS_FOR[0] <= self.corpus / communications <= STANDS_FOR[1]
        return abs(self.corpus - communications) <= CHANGED * communications

    def weights(self) -> dict[str, float]:
        """Tell for how many messages each one stands that was coded by then, given what was listed before."""
        found = {one: 1 / batch.share for batch in self.seen for one in batch.coded}
        for batch in self.batches:
            for one in batch.coded:
                given = batch.inclusion[one]
                if self.first.design == "random":
                    found[one] = self.first.frame / self.coded
                elif given is not None:
                    found[one] = 1 / (given * batch.share)
        return found


def drawn_of(
    messages: Sequence[Mapping[str, Any]], there: Set[str], coded: Set[str], communications: int
) -> Drawn | None:
    """Tell how likely each coded message was to be among the coded.

    Random batches are one sample together. Otherwise each drawing tells of the whole corpus: what was drawn
    stands for the messages that were not listed yet, and those of batches before it for their own batch (for
    themselves alone where all of it is coded). What drawings tell is averaged (`averaged`).

    Parameters
    ----------
    messages
        The sample: ``doc_id``, ``batch``, ``design``, ``inclusion``; batch by batch.
    there
        Which of them are in the corpus as it is now.
    coded
        Which have a code that counts.
    communications
        Size of the corpus.

    Returns
    -------
    Drawn
        None where no coded message was drawn by lot.
    """
    batches = [
        _batch(number, list(rows), there, coded)
        for number, rows in groupby(messages, key=lambda row: int(row["batch"]))
    ]
    drawings = _drawings(batches)
    if not drawings:
        return None
    fit = [one for one in drawings if one.fits(communications)]
    sound = [one for one in fit if not one.blocked]
    if not sound:
        return Drawn({}, False, fit[-1].blocked if fit else _grown(drawings[-1], communications))
    told = [one.weights() for one in sound]
    doc_ids = sorted(set().union(*told))
    inclusion = averaged(np.array([[of.get(one, 0.0) for one in doc_ids] for of in told]))
    random = len(sound) == 1 and sound[0].first.design == "random"
    alone = random and coded <= set().union(*(batch.coded for batch in sound[0].batches))
    return Drawn(dict(zip(doc_ids, inclusion.tolist(), strict=True)), alone)


def _batch(number: int, rows: Sequence[Mapping[str, Any]], there: Set[str], coded: Set[str]) -> _Batch:
    known = [row["inclusion"] for row in rows if row["inclusion"] is not None]
    designs = {row["design"] for row in rows}
    inclusion = {row["doc_id"]: row["inclusion"] for row in rows if row["doc_id"] in there}
    return _Batch(
        number=number,
        inclusion=inclusion,
        coded=frozenset(inclusion.keys() & coded),
        frame=sum(1 / one for one in known),
        size=len(rows),
        design=designs.pop() if len(designs) == 1 and len(known) == len(rows) else "mixed",
    )


def _drawings(batches: Iterable[_Batch]) -> list[_Drawing]:
    """Find the samples in which anything is coded, in the order in which they were drawn."""
    found: list[_Drawing] = []
    seen: list[_Batch] = []
    blocked, apart = "", False
    for batch in batches:
        before = sum(one.size for one in seen)
        if not batch.frame:
            apart = True
            blocked = blocked if batch.coded or not batch.inclusion else _uncoded(batch)
        elif batch.coded:
            drawing = _Drawing(before, [batch], blocked, list(seen))
            if found and not apart and _together(found[-1], drawing):
                found[-1].batches.append(batch)
            else:
                found.append(drawing)
            apart = False
        seen.append(batch)
    return [replace(one, seen=[batch for batch in one.seen if batch.coded]) for one in found]


def _together(one: _Drawing, other: _Drawing) -> bool:
    """Tell whether two random samples are one: the second was drawn from what the first had left."""
    random = one.first.design == other.first.design == "random"
    return random and one.fits(other.corpus)


def _uncoded(batch: _Batch) -> str:
    return (
        f"the {len(batch.inclusion):,} messages of batch {batch.number} were chosen, not drawn by lot, and "
        "none of them has a code, so that nothing stands for them; code them by `themeloom label`."
    )


def _grown(drawing: _Drawing, communications: int) -> str:
    were = "the coded messages were drawn from a corpus of"
    if drawing.first.design not in BY_LOT:
        were = f"by the probabilities of its sheet, batch {drawing.first.number} was drawn from a corpus of"
    return (
        f"{were} {drawing.corpus:,.0f} messages, but it has {communications:,} now; draw a new random sample "
        "from the corpus as it is now by `themeloom label` with --draw, and code all of it."
    )
