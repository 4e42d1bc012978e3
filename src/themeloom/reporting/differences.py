"""What a comparison says, in words that the terminal and the page share."""

from collections.abc import Mapping
from math import isnan

from themeloom.compared import Change, Moves, PairedScores, Pairing, ScoreLine
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.reporting.formats import share, signed
from themeloom.reporting.texts import counted, form, say
from themeloom.scored import Score

HEADLINE = (
    (TOPIC_LEVEL, "kappa"),
    (TOPIC_LEVEL, "macro_f1"),
    (TOPIC_LEVEL, "accuracy"),
    (TOPIC_LEVEL, "coverage"),
    (MESSAGE_LEVEL, "kappa"),
    (MESSAGE_LEVEL, "macro_f1"),
    (MESSAGE_LEVEL, "accuracy"),
    (MESSAGE_LEVEL, "ece"),
)
"""Scores that are shown first; all others are in the data."""


def letter(place: int) -> str:
    """Call a run by a letter, as names are long: A (the reference), B, …, Z, then R27, R28, …."""
    return chr(ord("A") + place) if place < 26 else f"R{place + 1}"


def fates(pairing: Pairing) -> str:
    """Say what became of the reference's topics in another run."""
    told = [
        say("differences.fate", number=len(found), state=say(f"state.{state}"))
        for state in ("same", "split", "merged", "changed", "vanished", "unknown")
        if (found := pairing.numbers(state))
    ]
    return say(
        "differences.fates",
        first=letter(0),
        second=letter(pairing.run),
        topics=counted(len(pairing.topics), "topic"),
        told=", ".join(told) or say("differences.fates_none"),
        appeared=len(pairing.numbers("appeared")),
        unseen=_unseen(pairing),
    )


def _unseen(pairing: Pairing) -> str:
    number = len(pairing.unseen)
    told = form(number, "differences.fates_unseen")
    return told.format(number=number, first=letter(0)) if number else ""


def basis(pairing: Pairing) -> str:
    """Say by what topics were matched."""
    shared = f"{pairing.shared:,}"
    if pairing.basis == "membership":
        return say("differences.by_membership", shared=shared)
    why = say("differences.few_shared" if pairing.shared else "differences.none_shared", shared=shared)
    by = "differences.by_words_and_vectors" if pairing.encoders_agree else "differences.by_words"
    return say(by, why=why)


def overlap(kind: str) -> str:
    """Say what 'goes into' and 'comes from' mean where topics are matched by membership, or by words."""
    return say(f"overlap.{kind}")


def meaning(state: str) -> str:
    """Say what it means that a topic is in a state."""
    return say(f"state.{state}_means")


def changes(pairing: Pairing) -> list[str]:
    """Say what split into what, what merged, vanished, appeared, and came with new messages."""
    told = [say("differences.split", topic=c.topic, parts=_parts(c)) for c in pairing.splits]
    told += [_merged(pairing, c) for c in pairing.merges]
    gone = {state: pairing.numbers(state) for state in ("vanished", "appeared")}
    told += [
        say("differences.gone", topics=", ".join(map(str, numbers)), state=say(f"state.{state}"))
        for state, numbers in gone.items()
        if numbers
    ]
    if pairing.unseen:
        topics = ", ".join(map(str, pairing.unseen))
        told.append(form(len(pairing.unseen), "differences.unseen").format(topics=topics, first=letter(0)))
    return told


def _parts(change: Change) -> str:
    return ", ".join(say("differences.part", topic=p.topic, share=f"{p.share:.0%}") for p in change.parts)


def _merged(pairing: Pairing, change: Change) -> str:
    # By words, shares are likenesses, which do not add up.
    together = f"{sum(p.share for p in change.parts):.0%}"
    made = say("differences.merged_made", share=together) if pairing.basis == "membership" else ""
    topics = ", ".join(str(p.topic) for p in change.parts)
    return say("differences.merged", topics=topics, topic=change.topic, made=made)


def no_themes() -> str:
    """Say that themes of messages cannot be compared."""
    return say("differences.no_themes")


def moved(found: Moves) -> str:
    """Say how many messages have another theme."""
    return say(
        "differences.moved_own" if found.level == MESSAGE_LEVEL else "differences.moved_topic",
        level=found.level.capitalize(),
        number=f"{len(found.moves):,}",
        all=f"{found.messages:,}",
        share=share(len(found.moves) / found.messages),
    )


def unshown(number: int) -> str:
    """Say how many moves between themes are left out."""
    return say("differences.unshown", moves=counted(number, "rarer"))


def apart(line: ScoreLine, place: int) -> str:
    """Say by how much a run is better than the reference, and whether their intervals are apart.

    Where two decimals would not be the difference of the two scores as they are shown, there are more.
    """
    difference, first, other = line.differences[place], line.values[0], line.values[place]
    if difference is None or first is None or other is None:
        return ""
    told = signed(difference)
    if told != signed(round(other.value, 2) - round(first.value, 2)):
        told = signed(difference, max(3, _digits(difference)))
    overlap = line.apart[place]
    return told if overlap is None else say("beside.apart" if overlap else "beside.overlap", difference=told)


def paired(found: PairedScores) -> str:
    """Say how far the held-out scores of two runs are apart, and whether chance explains it."""
    runs = {"first": letter(0), "second": letter(found.run)}
    if not found.levels:
        return say("differences.unpaired", note=found.note, **runs)
    told = [_level(level, scores) for level, scores in found.levels.items()]
    others = say("differences.paired_others", others=f"{found.others:,}") if found.others else ""
    return say(
        "differences.paired", messages=f"{found.messages:,}", told="; ".join(told), others=others, **runs
    )


def each_by_itself() -> str:
    """Say that differences are judged one by one."""
    return say("beside.each")


def _level(level: str, scores: Mapping[str, Score]) -> str:
    if all(score.value == 0 and isnan(score.low) for score in scores.values()):  # in no draw is there any
        return say("differences.alike", level=level)
    kappa = scores["kappa"]
    if isnan(kappa.low):
        return say("differences.kappa", level=level, kappa=signed(kappa.value))
    return say(
        "differences.kappa_beyond_chance" if _real(kappa) else "differences.kappa_by_chance",
        level=level,
        kappa=signed(kappa.value),
        interval=interval(kappa),
    )


def interval(difference: Score) -> str:
    """Write the interval of a difference: +0.01 to +0.20. No end of one that is real is written as 0."""
    digits = _digits(min(abs(difference.low), abs(difference.high))) if _real(difference) else 2
    ends = {"low": difference.low, "high": difference.high}
    return say("page.interval", **{name: signed(end, digits) for name, end in ends.items()})


def _digits(value: float) -> int:
    """Return the decimals that it takes not to write 0, from two to four."""
    return next((digits for digits in (2, 3) if round(value, digits)), 4)


def _real(difference: Score) -> bool:
    return difference.low > 0 or difference.high < 0
