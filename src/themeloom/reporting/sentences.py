"""What a run's numbers say, in words that the terminal, the page and the methods text share."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from themeloom.members import strategy_of
from themeloom.records import RunRecord
from themeloom.reporting.contents import Conformal, Difference, ScoresSummary, Summary
from themeloom.reporting.formats import decimal, share
from themeloom.reporting.texts import counted, form, say
from themeloom.scored import Score, Stability

AGAINST = ("logistic regression", "plain BERTopic")
"""The lines that a headline is told against: a classifier without topics, topics without this."""


def origin(summary: Summary) -> str:
    """Say whether labels informed the topics, and how far these come back, where that was asked for."""
    informed = say("told.informed" if summary.informed else "told.uninformed")
    return f"{informed} {_holding(summary.stability)}" if summary.stability else informed


def _holding(found: Stability) -> str:
    back = "told.some_back" if any(found.unstable) else "told.all_back"
    return say(
        "told.holding",
        repeats=found.repeats,
        over=say(f"told.{found.over}"),
        back=say(back, unstable=sum(found.unstable), topics=len(found.unstable)),
        **{name: decimal(found.overall[name].value) for name in ("ari", "ami")},
    )


def few_told(summary: Summary) -> str:
    """Name the topics and themes of fewer authors than may be quoted; empty where there are none."""
    topics = [str(topic.topic) for topic in summary.topics if topic.of_few]
    themes = [theme.key for theme in summary.themes if theme.of_few]
    named = [
        form(len(which), f"few.{what}").format(which=", ".join(which))
        for what, which in (("topics", topics), ("themes", themes))
        if which
    ]
    if not named:
        return ""
    which = say("few.and").join(named)
    return say("few.told", least=summary.min_authors, which=which, how=say(f"few.told_{summary.quotes}"))


def authorless_told(summary: Summary) -> str:
    """Say how messages are counted whose author is unknown; empty where every author is known."""
    if not summary.authorless:
        return ""
    return say("few.authorless", messages=counted(summary.authorless, "message"))


def validation(scores: ScoresSummary) -> str:
    """Say on which labels scores are, and how these were kept from what predicts them."""
    labels = counted(scores.labels, "label")
    if scores.held_out:
        return say("told.set_aside", labels=labels)
    drawn = say("told.drawn", repeats=scores.repeats) if scores.repeats > 1 else ""
    return say("told.cross_fitted", labels=labels, folds=scores.folds, drawn=drawn)


def sets_told(found: Conformal) -> str:
    """Say how many messages have one theme in their prediction set, and how many are left to people."""
    left = found.undecided.count
    if not found.threshold:
        return f"{too_few_told(left, listed=say('told.listed'))}."
    key = "told.undecided"
    undecided = form(left, key).format(number=f"{left:,}", listed=say("told.listed"))
    return say(
        "told.sets", share=share(found.alone.share), undecided=undecided if left else say(f"{key}_none")
    )


def too_few_told(undecided: int, listed: str = "") -> str:
    """Say that so many messages are undecided only because there are too few labels to promise anything."""
    are = form(undecided, "trust.are")
    return say("told.too_few", messages=counted(undecided, "message"), are=are, listed=listed)


def sparse_told(found: ScoresSummary) -> str:
    """Name the themes of which no label was judged, or one; empty where there are more of each."""
    judged = zip(found.message_confusion.coded, found.message_confusion.counts, strict=True)
    aside = say("told.aside") if found.held_out else ""
    return sparse({theme: round(sum(row)) for theme, row in judged}, aside)


def sparse(labels: Mapping[str, int], aside: str = "") -> str:
    """Name the themes of which there is no label, or one.

    Parameters
    ----------
    labels
        Theme → number of labels.
    aside
        Which labels: words that follow 'label'.
    """
    told = []
    for number, key in enumerate(("told.unscored", "told.single")):
        themes = [theme for theme, of_theme in labels.items() if of_theme == number]
        if themes:
            told.append(form(len(themes), key).format(themes=", ".join(themes), aside=aside))
    return " ".join(told)


def comparisons(differences: Sequence[Difference], level: str) -> str:
    """Say how far a level's kappa is from that of the lines in `AGAINST`, and whether chance explains it.

    Parameters
    ----------
    differences
        All differences.
    level
        The level: 'topic level' or 'message level'.

    Returns
    -------
    str
        A sentence; empty where there is nothing to compare.
    """
    found = {found.line: found for found in differences if found.level == level}
    told = [told for line in AGAINST if line in found and (told := comparison(found[line]))]
    return say("told.level", level=level.capitalize(), told="; ".join(told)) if told else ""


def comparison(found: Difference) -> str:
    """Say how far a level's kappa is from that of a line, and whether chance explains it."""
    score = found.scores.get("kappa")
    if score is None or isnan(score.value):
        return ""
    above = score.value >= 0
    low, high = (score.low, score.high) if above else (-score.high, -score.low)
    told = f"{abs(score.value):.2f}"
    equal = told == "0.00"
    key = "told.equal" if equal else "told.above" if above else "told.below"
    distance = say(key, distance=told, line=found.line)
    if isnan(low):
        return distance
    verdict = "told.alike" if equal else "told.beyond_chance" if low > 0 else "told.by_chance"
    return say(verdict, told=distance, low=decimal(low), high=decimal(high))


def strategy_told(record: RunRecord) -> str:
    """Say which strategy 'auto' took; empty where another one was asked for, or it cannot be told."""
    taken = strategy_of(record.mapping)
    if record.config.get("themes", {}).get("strategy") != "auto" or taken == "auto":
        return ""
    held_out = record.config.get("validate", {}).get("held_out")
    return say("told.strategy", strategy=taken, each="" if held_out else say("told.strategy_each"))


def shares_told(record: RunRecord) -> str:
    """Write each theme's estimated prevalence; empty where there is none."""
    estimated = record.scores.prevalence.get("communications/prediction-powered", {})
    return "; ".join(
        say(
            "methods.share",
            theme=theme.name,
            value=f"{score.value:.0%}",
            low=f"{score.low:.0%}",
            high=f"{score.high:.0%}",
        )
        for theme in record.codebook.themes
        if (score := estimated.get(theme.key)) is not None and not isnan(score.value)
    )


def score_told(score: Score | None) -> str:
    """Write a score with its interval, as papers do."""
    if score is None or isnan(score.value):
        return "not defined"
    if isnan(score.low):
        return decimal(score.value)
    return say("methods.score", value=decimal(score.value), low=decimal(score.low), high=decimal(score.high))


def left_out_told(tied: int, coded: Mapping[str, int]) -> str:
    """Say in brackets which coded messages have no label; empty where each has one."""
    counts = {"tied": tied, **{name: coded.get(name, 0) for name in ("unclear", "guessed")}}
    which = [say(f"told.{name}", messages=counted(n, "message")) for name, n in counts.items() if n]
    return say("told.out", which=say("told.out_and").join(which)) if which else ""


def coded_told(coded: Mapping[str, int]) -> str:
    """Say how labels came about; empty for models that did not count.

    Parameters
    ----------
    coded
        How many coders; messages that `several` of them coded; messages that were adjudicated. Of a label
        file of the page also what does not count: messages found unclear, messages with `guessed` codes
        alone, and `assisted` codes.
    """
    if not coded:
        return ""
    if coded["coders"] > 1:
        several, coders = coded["several"], coded["coders"]
        said = [say("told.coders", several=counted(several, "message"), coders=coders)]
    else:
        said = [say("told.coder")]
    if decided := coded["adjudicated"]:
        said.append(form(decided, "told.adjudicated").format(number=f"{decided:,}"))
    if assisted := coded.get("assisted"):
        said.append(form(assisted, "told.assisted").format(number=f"{assisted:,}"))
    return " ".join(said)


def unnamed_told(config: Mapping[str, Any]) -> str:
    """Say that names were not recognised; empty where they were, as in runs of older versions."""
    return "" if config.get("anonymise", {}).get("names", True) else say("told.unnamed")


def files_told(config: Mapping[str, Any]) -> str:
    """Write how many exports there were."""
    number = max(len(config.get("sources", ())), 1)
    return form(number, "methods.files").format(number=number)
