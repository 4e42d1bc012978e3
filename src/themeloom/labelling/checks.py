"""Topic checks: can people tell what does not belong? Word, topic and word-set intrusion.

Word and topic intrusion are those of Chang and others (2009), Reading tea leaves; word-set intrusion that of
Ying, Montgomery and Stewart (2022), Topics, concepts, and measurement, as in the R package oolong.
"""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from themeloom.labelling.store import Store
from themeloom.records import Doubles, Topic
from themeloom.scored import Score

WORDS = 5  # of a topic, beside the intruder
SETS, WORDS_A_SET = 3, 3
TOPICS_SHOWN = 3  # beside the intruder
WORDS_A_TOPIC = 6
MESSAGES_A_TOPIC = 1
KINDS = {
    "word": "Word intrusion",
    "topic": "Topic intrusion",
    "word-set": "Word-set intrusion",
}
QUESTIONS = {
    "word": "Which word does not belong with the others?",
    "topic": "Which group of words does not fit this message?",
    "word-set": "Which group of words does not belong with the others?",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One question: all choices but one belong together."""

    key: str  # its name within the run
    kind: str  # word, topic or word-set
    topic: int
    choices: tuple[str, ...]
    intruder: int  # position of the choice that does not belong
    text: str = ""  # the masked message, for topic intrusion


@dataclass(frozen=True, slots=True)
class CheckScore:
    """How often coders found the intruder."""

    kind: str
    coder: str  # or 'all'
    questions: int
    right: int
    chance: float
    precision: Score  # share of intruders found
    p_value: float  # that guessing does as well or better; NaN for 'all', whose answers hang together


def make_checks(
    topics: Sequence[Topic], shares: Doubles, texts: Sequence[str], seed: int
) -> tuple[Check, ...]:
    """Draw the questions, the same for the same seed.

    Parameters
    ----------
    topics
        With their words, most telling first.
    shares
        (messages, topics): how near each message is to each topic.
    texts
        The messages, masked.
    seed
        Of the draw.

    Returns
    -------
    tuple of Check
        All word intrusions, then topic, then word-set intrusions; none where topics or words are too few.
    """
    rng = np.random.default_rng([seed, len(topics)])
    words = [_word_check(topic, topics, rng) for topic in topics]
    sets = [_set_check(topic, topics, rng) for topic in topics]
    messages = [
        _topic_check(topic, int(place), topics, shares, texts[place], rng)
        for topic in topics
        for place in _members(topic, shares, rng)
    ]
    return tuple(check for check in (*words, *messages, *sets) if check is not None)


def _word_check(topic: Topic, topics: Sequence[Topic], rng: np.random.Generator) -> Check | None:
    """Mix a word of another topic, that is none of this one's, among the topic's first words."""
    strange = [word for other in topics if other is not topic for word in other.words[:WORDS]]
    strange = [word for word in dict.fromkeys(strange) if word not in topic.words]
    if len(topic.words) < WORDS or not strange:
        return None
    return _check("word", topic, [*topic.words[:WORDS], strange[rng.integers(len(strange))]], rng)


def _set_check(topic: Topic, topics: Sequence[Topic], rng: np.random.Generator) -> Check | None:
    """Mix a set of words of another topic among sets of this one's."""
    need = SETS * WORDS_A_SET
    others = [
        [word for word in other.words if word not in topic.words] for other in topics if other is not topic
    ]
    others = [words for words in others if len(words) >= WORDS_A_SET]
    if len(topic.words) < need or not others:
        return None
    mixed = rng.permutation(np.array(topic.words[:need], dtype=object))
    groups = [list(mixed[start : start + WORDS_A_SET]) for start in range(0, need, WORDS_A_SET)]
    groups.append(others[rng.integers(len(others))][:WORDS_A_SET])
    return _check("word-set", topic, [", ".join(group) for group in groups], rng)


def _topic_check(
    topic: Topic, place: int, topics: Sequence[Topic], shares: Doubles, text: str, rng: np.random.Generator
) -> Check | None:
    """Mix a topic that is far from a message among those that are nearest to it."""
    if len(topics) < TOPICS_SHOWN + 1:
        return None
    nearest = np.argsort(-shares[place], kind="stable")
    far = nearest[max(TOPICS_SHOWN, len(topics) // 2) :]
    shown = [topics[one] for one in (*nearest[:TOPICS_SHOWN], far[rng.integers(len(far))])]
    return _check("topic", topic, [", ".join(one.words[:WORDS_A_TOPIC]) for one in shown], rng, text)


def _members(topic: Topic, shares: Doubles, rng: np.random.Generator) -> Sequence[int]:
    """Draw messages that are nearest to this topic."""
    inside = np.flatnonzero(shares.argmax(axis=1) == topic.topic)
    return [int(one) for one in rng.permutation(inside)[:MESSAGES_A_TOPIC]]


def _check(
    kind: str, topic: Topic, choices: Sequence[str], rng: np.random.Generator, text: str = ""
) -> Check:
    """Shuffle the choices, of which the last one is the intruder."""
    order = rng.permutation(len(choices))
    shuffled = tuple(str(choices[int(one)]) for one in order)
    return Check(f"{kind}-{topic.topic}", kind, topic.topic, shuffled, int(np.argmax(order)), text)


def answer(store: Store, run: str, coder: str, check: Check, choice: int, client: str) -> None:
    """Keep which choice a coder took for the intruder."""
    detail = {"run": run, "check": check.key, "kind": check.kind, "right": choice == check.intruder}
    store.add("answer", coder, detail=json.dumps(detail), client=client)


def answered(store: Store, run: str) -> dict[str, dict[str, bool]]:
    """Tell what each coder answered: coder → question → whether it was right. The first answer counts."""
    found: defaultdict[str, dict[str, bool]] = defaultdict(dict)
    for row in store.read("SELECT coder, detail FROM events WHERE kind = 'answer' ORDER BY id"):
        detail = json.loads(row["detail"])
        if detail["run"] == run:
            found[row["coder"]].setdefault(detail["check"], detail["right"])
    return dict(found)


def scores(checks: Sequence[Check], given: dict[str, dict[str, bool]]) -> list[CheckScore]:
    """Score the answers against chance.

    Of each coder, the interval is Wilson's (1927), and the test an exact binomial one. Of all together,
    questions are resampled (percentile bootstrap), as the answers to one question hang together.

    Parameters
    ----------
    checks
        The questions.
    given
        What `answered` gives.

    Returns
    -------
    list of CheckScore
        By kind, then coder; where more than one coder answered, all of them last.
    """
    found = []
    for kind in KINDS:
        mine = [check for check in checks if check.kind == kind]
        answers = {
            coder: [said[check.key] for check in mine if check.key in said] for coder, said in given.items()
        }
        answers = {coder: said for coder, said in answers.items() if said}
        if not answers:
            continue
        chance = 1 / len(mine[0].choices)
        found += [_of_coder(kind, coder, said, chance) for coder, said in sorted(answers.items())]
        if len(answers) > 1:
            found.append(_of_all(kind, mine, given, chance))
    return found


def _of_coder(kind: str, coder: str, said: list[bool], chance: float) -> CheckScore:
    from scipy.stats import binomtest

    test = binomtest(sum(said), len(said), chance, alternative="greater")
    interval = binomtest(sum(said), len(said)).proportion_ci(method="wilson")
    precision = Score(sum(said) / len(said), float(interval.low), float(interval.high))
    return CheckScore(kind, coder, len(said), sum(said), chance, precision, float(test.pvalue))


def _of_all(
    kind: str, checks: Sequence[Check], given: dict[str, dict[str, bool]], chance: float
) -> CheckScore:
    by_check = [[said[check.key] for said in given.values() if check.key in said] for check in checks]
    right = np.array([sum(said) for said in by_check if said], np.float64)
    asked = np.array([len(said) for said in by_check if said], np.float64)
    drawn = np.random.default_rng(0).integers(len(right), size=(2000, len(right)))
    low, high = np.percentile(right[drawn].sum(axis=1) / asked[drawn].sum(axis=1), [2.5, 97.5])
    precision = Score(float(right.sum() / asked.sum()), float(low), float(high))
    return CheckScore(kind, "all", int(asked.sum()), int(right.sum()), chance, precision, math.nan)


def as_metrics(found: Sequence[CheckScore]) -> dict[str, float]:
    """Name the scores as metrics of a run."""
    metrics: dict[str, float] = {}
    for kind in dict.fromkeys(score.kind for score in found):
        last = [score for score in found if score.kind == kind][-1]  # all coders, or the only one
        name = f"checks.{kind.replace('-', '_')}_intrusion"
        metrics |= {f"{name}.{part}": value for part, value in asdict(last.precision).items()}
        metrics |= {f"{name}.chance": last.chance, f"{name}.answers": float(last.questions)}
    return metrics
