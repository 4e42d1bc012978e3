"""What a comparison says, in words that the terminal and the page share."""

from math import isnan

from themeloom.compared import Moves, PairedScores, Pairing

HEADLINE = (
    ("topic level", "kappa"),
    ("topic level", "macro_f1"),
    ("topic level", "accuracy"),
    ("topic level", "coverage"),
    ("message level", "kappa"),
    ("message level", "macro_f1"),
    ("message level", "accuracy"),
    ("message level", "ece"),
)
"""Scores that are shown first; all others are in the data."""


def letter(place: int) -> str:
    """Call a run by a letter, as names are long: A (the reference), B, …, Z, then R27, R28, …."""
    return chr(ord("A") + place) if place < 26 else f"R{place + 1}"


def fates(pairing: Pairing) -> str:
    """Say what became of the reference's topics in another run."""
    count = len(pairing.topics)
    told = [
        f"{len(found)} {state}"
        for state in ("same", "split", "merged", "changed", "vanished", "unknown")
        if (found := pairing.numbers(state))
    ]
    came = len(pairing.numbers("appeared"))
    topics = f"{count} {'topic' if count == 1 else 'topics'}"
    name = letter(pairing.run)
    return f"{letter(0)} to {name}: of {topics}, {', '.join(told) or 'none'}; {came} appeared in {name}."


def basis(pairing: Pairing) -> str:
    """Say by what topics were matched."""
    if pairing.basis == "membership":
        return f"matched by membership (Jaccard) in {pairing.shared:,} shared messages"
    why = f"{pairing.shared:,} messages are shared" if pairing.shared else "no message is shared"
    by = "words (RBO) and vectors (cosine), mean of both" if pairing.encoders_agree else "words (RBO)"
    return f"matched by {by}, as {why}"


def changes(pairing: Pairing) -> list[str]:
    """Say what split into what, what merged, vanished and appeared."""

    def parts(found: tuple[tuple[int, float], ...]) -> str:
        return ", ".join(f"{topic} ({share:.0%})" for topic, share in found)

    told = [
        f"{c.topic} split into {parts(tuple((p.topic, p.share) for p in c.parts))}" for c in pairing.splits
    ]
    for c in pairing.merges:
        # By words, shares are likenesses, which do not add up.
        made = f" (of which they are {sum(p.share for p in c.parts):.0%})" * (pairing.basis == "membership")
        told.append(f"{', '.join(str(p.topic) for p in c.parts)} merged into {c.topic}{made}")
    gone = {state: pairing.numbers(state) for state in ("vanished", "appeared")}
    told += [f"{', '.join(map(str, numbers))} {state}" for state, numbers in gone.items() if numbers]
    return told


NO_THEMES = "Themes of messages cannot be compared: no message with a theme is shared."


def moved(found: Moves) -> str:
    """Say how many messages have another theme."""
    count, share = len(found.moves), len(found.moves) / found.messages
    what = "another theme of their own" if found.level == "message level" else "a topic of another theme"
    of = f"{count:,} of {found.messages:,} shared messages"
    return f"{found.level.capitalize()}: {of} have {what} ({share:.0%})."


def paired(found: PairedScores) -> str:
    """Say how far the held-out scores of two runs are apart, and whether chance explains it."""
    name, reference = letter(found.run), letter(0)
    if not found.levels:
        return f"{name} less {reference}: {found.note}."
    told = []
    for level, scores in found.levels.items():
        kappa = scores["kappa"]
        if isnan(kappa.low):
            told.append(f"{level}, kappa {kappa.value:+.2f} (no interval)")
            continue
        verdict = (
            "more than chance explains" if kappa.low > 0 or kappa.high < 0 else "which chance may explain"
        )
        told.append(f"{level}, kappa {kappa.value:+.2f} ({kappa.low:+.2f} to {kappa.high:+.2f}), {verdict}")
    return f"{name} less {reference} on the same {found.messages:,} labelled messages: {'; '.join(told)}."
