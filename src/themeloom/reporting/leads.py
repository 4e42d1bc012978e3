"""The sentence that each section begins with, in words computed from the numbers."""

from collections.abc import Sequence
from math import isnan

from markupsafe import Markup

from themeloom.members import MESSAGE_LEVEL
from themeloom.reporting.contents import Conformal, Summary, ThemeSummary
from themeloom.reporting.formats import bounds, decimal, duration, line, number, probability, scored, share
from themeloom.reporting.sentences import coded_told, left_out_told, unnamed_told
from themeloom.reporting.texts import bdi, counted, form, html, say
from themeloom.scored import Score


def answer(s: Summary) -> Markup:
    """Say how many topics emerged from how many messages."""
    if s.without_topic.count:
        without = say("answer.without_some", share=share(s.without_topic.share))
    else:
        without = say("answer.without_none")
    return html(
        "answer.lead",
        topics=counted(len(s.topics), "topic"),
        communications=counted(s.flow.unique, "communication"),
        without=without,
    )


def asked(s: Summary) -> Markup:
    """Say what the codebook asks."""
    residual = sum(theme.residual for theme in s.themes)
    return html(
        "answer.asked",
        themes=counted(len(s.themes) - residual, "theme"),
        residual=form(residual, "answer.residual").format(number=residual) if residual else "",
        labels=counted(s.scores.labels, "message"),
        tied=left_out_told(s.tied, s.coded),
    )


def coded(s: Summary) -> str:
    """Say how the labels came about."""
    return coded_told(s.coded)


def commonest(s: Summary) -> Markup:
    """Name the commonest theme, with its prevalence where that is estimated."""
    estimated = [theme for theme in s.themes if theme.prevalence and not isnan(theme.prevalence.value)]
    if estimated:
        first = max(estimated, key=lambda theme: _value(theme.prevalence))
        found = first.prevalence or Score(0, 0, 0)
        within = say("page.interval", low=share(found.low), high=share(found.high))
        return html("answer.common", name=bdi(first.name), share=share(found.value), interval=within)
    theme = _largest(s)
    return html("answer.counted", name=bdi(theme.name), share=share(theme.size.share)) if theme else Markup()


def agreement(s: Summary) -> Markup:
    """Say how far the mapping agrees with people, beside the coders and the commonest code."""
    kappa = s.scores.overall.get("kappa")
    if kappa is None or isnan(kappa.value):
        return Markup()
    coders, majority, message = (_kappa(s, word) for word in ("coder", "majority", MESSAGE_LEVEL))
    values = {
        "coders": scored(coders) if coders else "",
        "majority": decimal(_chance(majority)) if majority else "",
    }
    which = "both" if coders and majority else "coders" if coders else "majority" if majority else ""
    return html(
        "answer.agreement",
        kappa=decimal(kappa.value),
        bounds=bounds(kappa),
        beside=say(f"answer.beside_{which}", **values) if which else "",
        message=say("answer.message", score=scored(message)) if message else "",
        labels=counted(s.scores.labels, "label"),
    )


def flow(s: Summary) -> Markup:
    """Say what is left of the rows."""
    repeats = s.flow.retweets + s.flow.copies + s.flow.near_duplicates
    return html(
        "flow.lead",
        rows=counted(s.flow.identified, "row"),
        ids=counted(s.flow.ids, "message"),
        repeats=number(repeats),
        unique=number(s.flow.unique),
    )


def map(s: Summary) -> Markup:
    """Say how much of the map is one topic."""
    points = counted(s.flow.unique, "communication")
    if not s.topics:
        return html("map.lead_none", points=points)
    first = s.largest_first[0]
    return html("map.lead", points=points, largest=bdi(first.label), share=share(first.size.share))


def themes(s: Summary) -> Markup:
    """Say how many themes have topics, and which has most messages."""
    theme = _largest(s)
    if s.without_theme.count:
        left = html("themes.left_some", share=share(s.without_theme.share))
    else:
        left = html("themes.left_none")
    return html(
        "themes.lead",
        named=number(sum(bool(theme.topics) for theme in s.themes)),
        themes=counted(len(s.themes), "theme"),
        lead_theme=html("themes.lead_theme", name=bdi(theme.name), share=share(theme.size.share))
        if theme
        else "",
        left=left,
    )


def topics(s: Summary) -> Markup:
    """Say how many topics there are, how many have a theme, and which is largest."""
    if not s.topics:
        return html("topics.lead_none")
    mixed = sum(topic.theme is None for topic in s.topics)
    largest = s.largest_first[0]
    return html(
        "topics.lead",
        topics=counted(len(s.topics), "topic"),
        mapped=number(len(s.topics) - mixed),
        mixed=number(mixed),
        label=bdi(largest.label),
        share=share(largest.size.share),
    )


def hierarchy(s: Summary) -> Markup:
    """Say which topics are nearest, and how far the last groups are apart."""
    nearest = s.merges[0]
    return html(
        "topics.hierarchy_lead",
        first=_topic(s, nearest.first),
        second=_topic(s, nearest.second),
        distance=decimal(nearest.distance),
        last=decimal(s.merges[-1].distance),
    )


def over_time(s: Summary) -> Markup:
    """Say when most was sent, and which topic varies most."""
    found = s.over_time
    if found is None:
        return Markup()
    busiest = max(range(len(found.periods)), key=found.messages.__getitem__)
    period = say(f"topics.in_{found.unit}", start=found.periods[busiest])
    when = {"period": period, "number": number(found.messages[busiest])}
    if not found.topics or len(found.periods) < 2:
        return html("topics.over_time_short", **when)
    spans = [max(row) - min(row) for row in found.topics]
    widest = max(range(len(spans)), key=spans.__getitem__)
    return html(
        "topics.over_time_lead",
        topic=_topic(s, widest),
        low=number(min(found.topics[widest])),
        high=number(max(found.topics[widest])),
        unit=say(f"topics.{found.unit}"),
        **when,
    )


def trust(s: Summary) -> Markup:
    """Say whether the mapping is better than guessing, and as good as people."""
    return html("trust.lead", verdict=_verdict(s), undecided=_left_to_people(s))


def mistake(s: Summary) -> Markup:
    """Name the commonest mistake of the message level."""
    found = [
        (missed.messages, theme.key, missed.theme)
        for theme in s.themes
        for missed in theme.missed
        if missed.theme is not None
    ]
    if not found:
        return Markup()
    messages, coded, given = max(found, key=lambda entry: entry[0])
    return html("trust.confusion_most", coded=bdi(coded), given=bdi(given), number=f"{messages:.0f}")


def kept(s: Summary) -> str:
    """Say how much more is right among the surer half of the messages."""
    curve = s.scores.coverage
    if not curve:
        return ""
    half = min(curve, key=lambda point: abs(point.coverage - 0.5))
    return say(
        "trust.coverage_example",
        all=share(curve[0].accuracy),
        kept=share(half.coverage),
        right=share(half.accuracy),
    )


def abstained(s: Summary) -> Markup:
    """Say what the topic level gave no theme."""
    counts = s.scores.confusion.counts
    total = sum(sum(row) for row in counts)
    mixed = [topic for topic in s.topics if topic.theme is None]
    return html(
        "trust.abstained_says",
        share=share(sum(row[-1] for row in counts) / total if total else 0.0),
        topics=number(len(mixed)),
        all=counted(len(s.topics), "topic"),
        messages=counted(sum(topic.size.count for topic in mixed), "message"),
    )


def sets(found: Conformal) -> Markup:
    """Say what stands in prediction sets, and how many messages are left to people."""
    left = found.undecided.count
    values = {"are": form(left, "trust.are"), "listed": html("trust.listed")}
    if not found.threshold:
        return html("told.too_few", messages=counted(left, "message"), **values)
    undecided = html("trust.open", undecided=counted(left, "message"), **values)
    return html(
        "trust.conformal",
        threshold=probability(found.threshold),
        share=share(found.alone.share),
        number=number(found.alone.count),
        open=undecided if left else say("trust.open_none"),
    )


def method(s: Summary) -> Markup:
    """Say how long the run took, and from what seed."""
    values = {"seconds": duration(s.seconds), "stages": len(s.times)}
    study = s.parameters.get("study")
    seed = study.get("seed") if isinstance(study, dict) else None
    if seed is None:
        return html("method.lead_seedless", **values)
    return html("method.lead", seed=seed, **values)


def placeholders(s: Summary) -> str:
    """List the placeholders by kind."""
    return ", ".join(say("flow.kind", kind=kind, number=number(count)) for kind, count in s.masked.items())


def unnamed(s: Summary) -> str:
    """Say that names were not recognised; empty where they were."""
    return unnamed_told(s.parameters)


def foot(s: Summary) -> Markup:
    """Say how messages are shown."""
    return html("page.foot_forms" if s.quotes == "masked" and unnamed(s) else f"page.foot_{s.quotes}")


def _verdict(s: Summary) -> str:
    kappa = s.scores.overall.get("kappa")
    majority, coders = (_kappa(s, word) for word in ("majority", "coder"))
    if kappa is None or isnan(kappa.value):
        return say("trust.verdict_none")
    sure = isnan(kappa.low)  # drawing again cannot change it: the values themselves are compared
    low, high = (kappa.value, kappa.value) if sure else (kappa.low, kappa.high)
    better = "better" if low > _chance(majority) else "no_better" if sure else "unsure"
    if coders is None:
        beside = "alone"
    elif high < coders.value:
        beside = "less"
    else:
        beside = "as_well" if sure else "reaches"
    return say(f"trust.verdict_{beside}", verdict=say(f"trust.verdict_{better}"))


def _kappa(s: Summary, word: str) -> Score | None:
    """Give the kappa of the line whose name has this word, where it is defined."""
    found = line(s.scores.lines, word).get("kappa")
    return None if found is None or isnan(found.value) else found


def _chance(majority: Score | None) -> float:
    """Kappa of giving everything one code is 0; it was less in older runs, in which each fold had a code."""
    return max(0.0, _value(majority))


def _left_to_people(s: Summary) -> str:
    found = s.scores.conformal
    if not found.threshold:
        return say("trust.undecided_unknown")
    return say("trust.undecided", number=counted(found.undecided.count, "message"), all=number(s.flow.unique))


def _largest(s: Summary) -> ThemeSummary | None:
    found: Sequence[ThemeSummary] = [theme for theme in s.themes if theme.size.count]
    return max(found, key=lambda theme: theme.size.count) if found else None


def _topic(s: Summary, topic: int) -> Markup:
    words = ", ".join(word.word for word in s.topics[topic].words[:3])
    return Markup("{} ({})").format(topic, bdi(words))


def _value(score: Score | None) -> float:
    return score.value if score else 0.0
