"""Topics that no theme explains: perhaps a theme that the codebook lacks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from themeloom.records import Bools, Candidate, Doubles, Ints, Mapping
from themeloom.themes.mapping import above_chance

SMALLEST = 10  # messages of a topic, below which its figures are chance
FEWEST = 5  # topics, below which none can be told from the others
FAR = 2.5 * 1.4826  # median absolute deviations: two and a half standard deviations, were topics normal
EXPLAINED = 0.2
"""How likely a topic's best theme has to be, by `above_chance`, to be more than a guess."""
EXPECTED = 5.0  # labels, of which to find none is no chance (less than 1 in 100)


def find_candidates(mapping: Mapping, topic: Ints) -> tuple[Candidate, ...]:
    """Find topics that no theme explains, least explained first.

    A topic is one if it is mixed; if its likeliest theme has little of it (`EXPLAINED`), or much less of it
    than the likeliest themes of the other topics have of theirs; if its messages, each by itself, are told
    much less surely than those of other topics; or if nobody coded any of its messages though some were to be
    expected, so that its theme is a guess. 'Much less' is two and a half robust standard deviations below the
    median over topics (Leys et al., 2013, Detecting outliers), and nearer to chance than to certainty.

    Parameters
    ----------
    mapping
        The mapping.
    topic
        (communications,): their topics, -1 where none.

    Returns
    -------
    tuple
        Topics of at least `SMALLEST` messages, each with the reason.
    """
    topics, themes = mapping.posterior.shape
    size = np.bincount(topic[topic >= 0], minlength=topics)
    large = size >= SMALLEST
    coded = mapping.labels.sum(axis=1)
    figures = _Figures(
        mixed=mapping.theme < 0,
        share=mapping.posterior.max(axis=1, initial=0),
        guess=above_chance(mapping.posterior) < EXPLAINED,
        sure=_certainty(mapping.messages, topic, size),
        coded=coded,
        expected=size * coded.sum() / max(size.sum(), 1),
    )
    low_share, low_sure = _floor(figures.share[large], themes), _floor(figures.sure[large], themes)
    explained = np.minimum(figures.share, figures.sure)
    order = np.flatnonzero(large)[np.argsort(explained[large], kind="stable")].tolist()
    doubts = {at: "; ".join(figures.doubts(at, low_share, low_sure)) for at in order}
    return tuple(Candidate(at, reason) for at, reason in doubts.items() if reason)


@dataclass(frozen=True, slots=True)
class _Figures:
    """What is known of each topic."""

    mixed: Bools
    share: Doubles  # of its likeliest theme
    guess: Bools  # whether that theme is one
    sure: Doubles  # probability of its messages' own likeliest themes, on average
    coded: Ints
    expected: Doubles  # labels, were all topics coded alike

    def doubts(self, at: int, low_share: float, low_sure: float) -> Iterator[str]:
        """Say why no theme explains a topic; nothing where one does."""
        if self.mixed[at]:
            yield f"mixed: its likeliest theme has only {self.share[at]:.0%} of it"
        elif self.guess[at]:
            yield f"its likeliest theme has only {self.share[at]:.0%} of it"
        elif self.share[at] < low_share:
            yield f"its likeliest theme has only {self.share[at]:.0%} of it, far less than in other topics"
        if self.sure[at] < low_sure:
            yield (
                f"its messages fit no theme well: the likeliest has {self.sure[at]:.0%} on average, far less "
                "than in other topics"
            )
        if not self.coded[at] and self.expected[at] >= EXPECTED:
            yield f"nobody coded any of its messages, where about {self.expected[at]:.0f} were to be expected"


def _certainty(messages: Doubles, topic: Ints, size: Ints) -> Doubles:
    inside = topic >= 0
    sums = np.bincount(topic[inside], messages[inside].max(axis=1, initial=0), minlength=len(size))
    return np.asarray(sums / np.maximum(size, 1))


def _floor(figure: Doubles, themes: int) -> float:
    """Below which a topic is far from the others, and nearer to chance than to certainty."""
    if len(figure) < FEWEST:
        return 0.0
    median = float(np.median(figure))
    spread = float(np.median(np.abs(figure - median)))
    return min(median - FAR * spread, (1 + 1 / themes) / 2)
