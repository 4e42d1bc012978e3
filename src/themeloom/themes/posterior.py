"""What a kept mapping says of each message: the one place that plans and samples ask."""

import numpy as np

from themeloom.records import Doubles, Floats, Ints, Mapping
from themeloom.themes._classifier import posterior_of


def posterior_of_messages(topic: Ints, vectors: Floats, mapping: Mapping) -> Doubles:
    """Give each message its posterior over themes: its own where there is a classifier, else its topic's.

    Parameters
    ----------
    topic
        (messages,): their topics, -1 where none.
    vectors
        (messages, dimensions): unit length.
    mapping
        With or without a classifier.

    Returns
    -------
    Doubles
        (messages, themes): rows sum to 1, or are NaN where a message has neither.
    """
    if len(mapping.classifier):
        return posterior_of(vectors, mapping.classifier)
    posterior = np.full((len(topic), mapping.posterior.shape[1]), np.nan)
    posterior[topic >= 0] = mapping.posterior[topic[topic >= 0]]
    return posterior
