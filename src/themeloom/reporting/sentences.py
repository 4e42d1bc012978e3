"""What scores say, in words that the terminal and the page share."""

from collections.abc import Sequence
from math import isnan

from themeloom.records import Stability
from themeloom.reporting.contents import Difference, ScoresSummary, Summary

AGAINST = ("logistic regression", "plain BERTopic")
"""The lines that a headline is told against: a classifier without topics, topics without this."""

INFORMED = (
    "Labels informed these topics: they were read from raw vectors and those of the encoder adapted to the "
    "labels, side by side. Each score comes from topics that had not seen the label."
)
UNINFORMED = "No label had a say in these topics."


def origin(summary: Summary) -> str:
    """Say whether labels informed the topics, and how far these come back, where that was asked for."""
    informed = INFORMED if summary.informed else UNINFORMED
    return f"{informed} {_holding(summary.stability)}" if summary.stability else informed


def _holding(found: Stability) -> str:
    what = (
        "further runs with other seeds"
        if found.over == "runs"
        else "layouts, of which they are the consensus"
    )
    ari, ami = (found.overall[name].value for name in ("ari", "ami"))
    return (
        f"Topics were looked for in {found.repeats} {what}: {sum(found.unstable)} of {len(found.unstable)} "
        f"came back in less than half and are flagged as unstable. Adjusted Rand index {ari:.2f}, adjusted "
        f"mutual information {ami:.2f}."
    )


def validation(scores: ScoresSummary) -> str:
    """Say on which labels scores are, and how these were kept from what predicts them."""
    labels = f"{scores.labels:,} {'label' if scores.labels == 1 else 'labels'}"
    if scores.held_out:
        return f"{labels} set aside, of which nothing was learned"
    drawn = f", drawn {scores.repeats} times" if scores.repeats > 1 else ""
    return f"{labels}, each predicted without itself ({scores.folds} folds{drawn})"


def comparisons(differences: Sequence[Difference], level: str, lines: Sequence[str] = AGAINST) -> str:
    """Say how far a level's kappa is from that of some lines, and whether chance explains it.

    Parameters
    ----------
    differences
        All differences.
    level
        The level: 'topic level' or 'message level'.
    lines
        The lines.

    Returns
    -------
    str
        A sentence; empty where there is nothing to compare.
    """
    found = {found.line: found for found in differences if found.level == level}
    told = [told for line in lines if line in found and (told := comparison(found[line]))]
    return f"{level.capitalize()}: kappa is {'; '.join(told)}." if told else ""


def comparison(found: Difference) -> str:
    """Say how far a level's kappa is from that of a line, and whether chance explains it."""
    score = found.scores.get("kappa")
    if score is None or isnan(score.value):
        return ""
    above = score.value >= 0
    low, high = (score.low, score.high) if above else (-score.high, -score.low)
    distance = f"{abs(score.value):.2f} {'above' if above else 'below'} that of {found.line}"
    if isnan(low):
        return distance
    verdict = "more than chance explains" if low > 0 else "which chance may explain"
    return f"{distance} ({low:.2f} to {high:.2f}), {verdict}"
