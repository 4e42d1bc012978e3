"""How much more labels would narrow which interval: simulated from what is known of the corpus now."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from themeloom.records import Codebook, Doubles, Ints
from themeloom.scored import Score
from themeloom.themes._scoring import kappa, per_theme
from themeloom.themes.outlook import Outlook

PAIRS = 2000  # of confusion matrices
FIRST = 8.0  # number of further labels that is tried
NORMAL = 1.959964


@dataclass(frozen=True, slots=True)
class Level:
    """How well themes are found at one level, as a run tells."""

    confusion: Doubles  # (themes, themes + 1): coded by predicted on held-out labels; last column abstained
    labels: int  # behind the intervals
    kappa: Score
    per_theme: dict[str, dict[str, Score]] = field(default_factory=dict)  # theme → recall, f1


@dataclass(frozen=True, slots=True)
class PlannedTheme:
    """What is to be expected of one theme."""

    theme: str
    share: float  # of the corpus
    labels: float  # messages coded so
    by_labels: float  # half-width of the 95% interval of its share, by labels alone
    powered: float  # the same, prediction-powered
    recall: float  # half-widths of the 95% intervals of held-out scores; NaN without any label so far
    f1: float


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be expected of so many labels."""

    more: int
    labels: int  # with those there are
    kappa: dict[str, Score]  # by level
    themes: tuple[PlannedTheme, ...]


@dataclass(frozen=True, slots=True)
class Needed:
    """How many more labels reach a half-width; None where all messages that are left would not."""

    half_width: float
    by_labels: dict[str, int | None]  # by theme
    powered: dict[str, int | None]

    @property
    def labels_for_all(self) -> int | None:
        """More labels that reach it for every theme, by labels alone."""
        return _most(self.by_labels)

    @property
    def powered_for_all(self) -> int | None:
        """More labels that reach it for every theme, prediction-powered."""
        return _most(self.powered)


@dataclass(frozen=True, slots=True)
class Plan:
    """What more labels are worth."""

    communications: int
    labels: int
    left: int  # communications that nobody has coded, and that were not drawn to be
    steps: tuple[Planned, ...]  # the first without any more labels
    needed: Needed | None = None
    tied: int = 0  # communications whose coders tie


def plan(
    outlook: Outlook,
    levels: dict[str, Level],
    codebook: Codebook,
    more: tuple[int, ...],
    half_width: float | None = None,
) -> Plan:
    """Tell how much further labels, drawn at random, are expected to narrow which interval.

    Intervals of shares are those of `prevalence` on simulated samples. Those of scores are as wide as the
    run's, narrowed as chance alone is narrowed: by confusion matrices simulated from the posterior
    (Dirichlet) of the present one. Where the run's have no width, chance alone is told. What the mapping
    will learn from further labels is not foreseen, so that it may do better.

    Parameters
    ----------
    outlook
        The corpus, its labels and predictions.
    levels
        Name → how well themes are found. The first gives the scores of each theme.
    codebook
        The themes.
    more
        Numbers of further labels.
    half_width
        A half-width that the shares of all themes should reach, if one is asked for.

    Raises
    ------
    LabelError
        If more labels are asked for than messages are left.
    """
    steps = tuple(_planned(outlook, levels, codebook, number) for number in (0, *more))
    needed = None if half_width is None else labels_needed(outlook, half_width, codebook)
    return Plan(outlook.communications, outlook.labels, outlook.left, steps, needed, outlook.tied)


def labels_needed(outlook: Outlook, half_width: float, codebook: Codebook) -> Needed:
    """Find the least numbers of further labels whose expected half-widths are no larger than this.

    Numbers are tried in steps by the square root of 2. In between, the square of a half-width is taken to be
    linear in one over the number of labels, as the variance of a mean is.

    Parameters
    ----------
    outlook
        The corpus, its labels and predictions.
    half_width
        Of the 95% intervals of shares.
    codebook
        The themes.
    """
    tried: list[int] = []
    found: list[Doubles] = []  # (2, themes) each
    for more in _numbers(outlook.left):
        tried.append(more)
        found.append(np.stack(outlook.half_widths(more)))
        if (found[-1] <= half_width).all():
            break
    numbers, squares = np.array(tried, dtype=np.int64), np.array(found) ** 2
    by_labels, powered = (
        {
            key: _reaching(numbers, squares[:, method, theme], outlook.labels, half_width**2)
            for theme, key in enumerate(codebook.keys)
        }
        for method in range(2)
    )
    return Needed(half_width, by_labels, powered)


def _numbers(most: int) -> Iterator[int]:
    yield 0
    step = FIRST
    while step < most:
        yield int(step)
        step *= 2**0.5
    yield most


def _reaching(numbers: Ints, squares: Doubles, labels: int, wanted: float) -> int | None:
    """Find the first number whose square is no larger; None if there is none."""
    enough = np.flatnonzero(squares <= wanted)
    if not len(enough):
        return None
    at = int(enough[0])
    if at == 0 or not np.isfinite(squares[at - 1]):
        return int(numbers[at])
    first, last = 1 / (labels + numbers[at - 1]), 1 / (labels + numbers[at])
    part = (squares[at - 1] - wanted) / (squares[at - 1] - squares[at])
    return min(ceil(1 / float(first + part * (last - first)) - labels), int(numbers[at]))


def _planned(outlook: Outlook, levels: dict[str, Level], codebook: Codebook, more: int) -> Planned:
    labels = outlook.labels + more
    expected = {name: _half_widths(level, codebook, labels) for name, level in levels.items()}
    coded = next(iter(levels.values())).confusion.sum(axis=1) > 0
    of_themes = np.minimum(next(iter(expected.values()))[1:].reshape(2, -1), 0.5)
    recall, f1 = np.where(coded, of_themes, np.nan)  # of what was never seen nothing is known
    columns = (outlook.shares, outlook.expected_labels(more), *outlook.half_widths(more), recall, f1)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    themes = tuple(PlannedTheme(key, *row) for key, row in zip(codebook.keys, rows, strict=True))
    kappas = {name: _narrowed(level.kappa, float(expected[name][0])) for name, level in levels.items()}
    return Planned(more, labels, kappas, themes)


def _narrowed(now: Score, half: float) -> Score:
    """Narrow both sides of an interval alike, to this half-width; one without a width gets even sides."""
    width = (now.high - now.low) / 2
    below, above = (now.value - now.low, now.high - now.value) if width > 0 else (1.0, 1.0)
    share = half / width if width > 0 else half
    return Score(now.value, max(now.value - share * below, -1.0), min(now.value + share * above, 1.0))


def _half_widths(level: Level, codebook: Codebook, labels: int) -> Doubles:
    """Expect half-widths of kappa, then recall of each theme, then F1 of each.

    Which messages were labelled decides the mapping too; the run's intervals hold that, chance does not.
    """
    scores = [level.per_theme.get(key, {}).get(name) for name in ("recall", "f1") for key in codebook.keys]
    found = np.array([np.nan if one is None else (one.high - one.low) / 2 for one in (level.kappa, *scores)])
    chance, then = _deviations(level.confusion, labels), _deviations(level.confusion, level.labels)
    known = (found > 0) & (then > 0)
    return np.where(known, found * chance / np.where(known, then, 1), NORMAL * chance)


def _deviations(confusion: Doubles, labels: int) -> Doubles:
    """Give the standard deviations of kappa, recall and F1 of each theme on so many labels.

    Two matrices are drawn for each draw of the probabilities, as only the difference between these two
    is chance: the probabilities stand for what is not known of the mapping.
    """
    generator = np.random.default_rng(0)
    cells = confusion.size
    probabilities = generator.dirichlet(confusion.ravel() + 1 / cells, PAIRS)
    first, second = (
        _figures(generator.multinomial(labels, probabilities).reshape(-1, *confusion.shape)) for _ in range(2)
    )
    apart = (first - second) ** 2
    known = np.isfinite(apart)
    total = np.where(known, apart, 0).sum(axis=0)
    return np.asarray(np.sqrt(total / 2 / np.maximum(known.sum(axis=0), 1)))


def _figures(table: Ints) -> Doubles:
    counts = table.astype(np.float64)
    return np.hstack([kappa(counts)[:, None], per_theme(counts)[:, 1:].reshape(len(counts), -1)])


def _most(numbers: dict[str, int | None]) -> int | None:
    known = [number for number in numbers.values() if number is not None]
    return max(known) if len(known) == len(numbers) else None
