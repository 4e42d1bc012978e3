"""Whether a batch of new messages fits a model: drift, and whose share moved."""

from dataclasses import dataclass

import numpy as np

from themeloom.assigning.placing import Placed
from themeloom.discovery.drift import LARGEST, Fit, difference, fit_of, share_of, two_samples
from themeloom.discovery.neighbours import nearest_topic
from themeloom.model import Model
from themeloom.records import Floats, Ints
from themeloom.scored import Score

ALPHA = 0.05
"""Two tests are asked whether anything drifts: each at half of this (Bonferroni)."""
FEWEST = 20
"""Messages of which one misfit is to be expected (`MISFIT`). Of fewer, only many misfits tell anything: that
two samples differ would say no more than that one message is an odd one, and any topic with a message of
them would seem to have grown."""
VERDICTS = {
    "too few": (
        f"These are too few messages to tell whether they are like those of the model; {FEWEST} or more can."
    ),
    "fits": "The new messages are like those of the model.",
    "shifted": (
        "The new messages differ from those of the model, but no more of them fit nowhere than chance "
        "explains."
    ),
    "no longer fits": (
        "The new messages no longer fit: more of them than chance explains are unlike any message of the "
        "model. Look at what is new, label a sample of it, and run the study again."
    ),
}


@dataclass(frozen=True, slots=True)
class TopicShare:
    """How common a topic is among the model's messages, asked as new ones are, and among the new ones."""

    topic: int
    words: tuple[str, ...]
    before: Score
    after: Score
    difference: Score


@dataclass(frozen=True, slots=True)
class Drift:
    """Whether a batch is like the messages of a model."""

    fit: Fit
    discrepancy: float
    p: float
    topic: Ints  # (messages,): by the model's topics alone


def drift_of(model: Model, placed: Placed) -> Drift:
    """Compare a batch with the messages of a model."""
    seed = int(model.record.config["study"]["seed"])
    old, new = seen(model), model.placing.seen(placed.raw, placed.adapted)
    discrepancy, p = two_samples(old, new, seed)
    topic = nearest_topic(new, *model.placing.clustered)[0]
    return Drift(fit_of(new, old, seed), discrepancy, p, topic)


def seen(model: Model) -> Floats:
    """Return the vectors of a model's messages that topics were read from."""
    return model.placing.seen(model.record.discovery.embeddings.vectors, model.record.adapted.vectors)


def verdict(drift: Drift) -> str:
    """Say whether a batch fits: a key of `VERDICTS`."""
    if drift.fit.p_misfits < ALPHA / 2:  # exact, however few there are
        return "no longer fits"
    if len(drift.topic) < FEWEST:
        return "too few"
    return "shifted" if drift.p < ALPHA / 2 else "fits"


def topic_shares(model: Model, topic: Ints) -> tuple[TopicShare, ...]:
    """Compare how common topics are; the model's messages are asked as new ones are, by their neighbours.

    Nothing, where new messages are fewer than `FEWEST`. Of `topic`, -1 is a message of a topic that is new.
    """
    if len(topic) < FEWEST:
        return ()
    placing, record = model.placing, model.record
    raw, adapted = record.discovery.embeddings.vectors, record.adapted.vectors
    seed, own = int(record.config["study"]["seed"]), np.full(len(raw), -1)
    own[placing.voting] = np.arange(len(placing.voting))
    asked = np.sort(np.random.default_rng(seed).permutation(len(raw))[:LARGEST])
    before = nearest_topic(placing.seen(raw[asked], adapted[asked]), *placing.clustered, own[asked])[0]
    rows = []
    for one in record.discovery.topics:
        old, new = (share_of(int((of == one.topic).sum()), len(of)) for of in (before, topic))
        rows.append(TopicShare(one.topic, one.words[:5], old, new, difference(new, old)))
    return tuple(rows)
