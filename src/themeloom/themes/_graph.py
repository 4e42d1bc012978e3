"""Labels that spread from neighbour to neighbour.

Zhou et al. (2004), Learning with local and global consistency.
"""

import numpy as np
from scipy import sparse

from themeloom.members import Labels
from themeloom.records import Doubles, Ints

REACH = 0.8
"""How much of a message's themes comes from its neighbours, not from its own label (alpha)."""
_ROUNDS = 30  # REACH ** 30 is 0.1%
_LEAST = 1e-3  # of the best theme: what labels that never arrived count


def spread_labels(neighbours: Ints, place: Ints, labels: Labels) -> Doubles:
    """Spread labels over the graph of neighbours, themes weighted evenly.

    Parameters
    ----------
    neighbours
        (members, neighbours): the nearest others of each.
    place
        (labels,): which members are labelled.
    labels
        How.

    Returns
    -------
    Doubles
        (members, themes): rows sum to 1.
    """
    graph = _graph(neighbours)
    start = np.zeros((len(neighbours), labels.themes))
    start[place, labels.theme] = 1 / np.bincount(labels.theme)[labels.theme]
    spread = start
    for _ in range(_ROUNDS):
        spread = REACH * (graph @ spread) + (1 - REACH) * start
    spread = spread / np.maximum(spread.sum(axis=0), 1e-12)
    spread = spread + _LEAST * spread.max(axis=1, keepdims=True) + 1e-12
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))


def _graph(neighbours: Ints) -> "sparse.csr_array":
    """Return the symmetric graph of neighbours, rows summing to 1."""
    rows, count = neighbours.shape
    ends = (np.repeat(np.arange(rows), count), neighbours.ravel())
    directed = sparse.csr_array((np.ones(rows * count), ends), shape=(rows, rows))
    either = directed.maximum(directed.T)
    degree = np.maximum(either.sum(axis=1), 1)
    return sparse.csr_array(sparse.diags_array(1 / degree) @ either)
