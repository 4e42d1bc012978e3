"""The nearest of many, by cells: an inverted file (Sivic & Zisserman 2003; Jégou, Douze & Schmid 2011).

Unit vectors are put into the cells of k-means; what is near a vector is sought in the cells that are near it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from themeloom.nearest import highest
from themeloom.records import Floats, Ints
from themeloom.system.cores import cores

FEW = 10_000
"""Up to so many members, all are compared."""
PROBED = 8
"""Cells that are looked into, of those nearest to a vector."""
MOST_CELLS = 512
_ROWS_A_CELL = 200
_PILOT = 10_000
_CHUNK = 8_192


@dataclass(frozen=True)
class Nearest:
    """Finds the nearest of many members.

    Parameters
    ----------
    members
        float32, (members, dimensions), unit length.
    seed
        Seed of the cells.
    probed
        How many cells are looked into: more of them find more of the nearest, and take longer.
    """

    members: Floats
    seed: int = 0
    probed: int = PROBED

    def find(self, vectors: Floats, count: int) -> tuple[Ints, Floats]:
        """Return the nearest members of each vector, by cosine similarity.

        Parameters
        ----------
        vectors
            float32, (vectors, dimensions), unit length.
        count
            How many; all members where they are fewer.

        Returns
        -------
        nearest
            int64, (vectors, count): nearest first; of more than `FEW` members, almost always these.
        similarity
            float32, (vectors, count): their cosine similarities.
        """
        count = min(count, len(self.members))
        search = self._all if len(self.members) <= FEW else self._in_cells
        if search == self._in_cells:
            _ = self._cells  # before threads ask for them
        parts = [vectors[start : start + _CHUNK] for start in range(0, len(vectors), _CHUNK)]
        if len(parts) == 1:
            return search(parts[0], count)
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores()) as pool:
            found = list(pool.map(lambda part: search(part, count), parts))
        return (
            np.concatenate([np.zeros((0, count), np.int64), *(nearest for nearest, _ in found)]),
            np.concatenate([np.zeros((0, count), np.float32), *(similarity for _, similarity in found)]),
        )

    def _all(self, vectors: Floats, count: int) -> tuple[Ints, Floats]:
        return highest(vectors @ self.members.T, count)

    def _in_cells(self, vectors: Floats, count: int) -> tuple[Ints, Floats]:
        centres, order, starts, sorted_members = self._cells
        probed = min(self.probed, len(centres))
        asked, _ = highest(vectors @ centres.T, probed)
        nearest = np.full((len(vectors), probed, count), -1, dtype=np.int64)
        similarity = np.full((len(vectors), probed, count), -2, dtype=np.float32)
        by_cell = np.argsort(asked, axis=None, kind="stable")
        edges = np.searchsorted(asked.ravel()[by_cell], np.arange(len(centres) + 1))
        for cell in range(len(centres)):
            row, place = np.divmod(by_cell[edges[cell] : edges[cell + 1]], probed)
            inside = slice(starts[cell], starts[cell + 1])
            if not len(row) or inside.start == inside.stop:
                continue
            best, alike = highest(vectors[row] @ sorted_members[inside].T, count)
            nearest[row, place, : best.shape[1]] = order[inside][best]
            similarity[row, place, : best.shape[1]] = alike
        found, near = nearest.reshape(len(vectors), -1), similarity.reshape(len(vectors), -1)
        best, near = highest(near, count)
        return np.take_along_axis(found, best, axis=1), near

    @cached_property
    def _cells(self) -> tuple[Floats, Ints, Ints, Floats]:
        """Return centres, the order of members by cell, where each cell begins, and members in order."""
        rows = np.lexsort(self.members[:, :4].T)  # an order of their own
        pilot = self.members[rows[:: max(1, len(rows) // _PILOT)]]
        centres = centres_of(
            pilot, min(MOST_CELLS, max(PROBED, len(self.members) // _ROWS_A_CELL)), self.seed
        )
        cell = cells_of(self.members, centres)
        order = np.argsort(cell, kind="stable")
        starts = np.searchsorted(cell[order], np.arange(len(centres) + 1))
        return centres, order, starts, self.members[order]


def centres_of(vectors: Floats, count: int, seed: int, *, apart: bool = False) -> Floats:
    """Return the centres of so many cells, by k-means: float32, (count, dimensions).

    Where they begin apart (k-means++), what is rare has a cell of its own sooner; that takes longest.
    """
    from sklearn.cluster import MiniBatchKMeans

    count = min(count, len(np.unique(vectors, axis=0)))
    settings = {"n_init": 1, "max_iter": 20, "batch_size": 4_096}
    model = MiniBatchKMeans(count, init="k-means++" if apart else "random", random_state=seed, **settings)
    with threadpool_limits(1):  # threads would mostly wait for one another
        model.fit(vectors)
    return np.asarray(model.cluster_centers_, dtype=np.float32)


def cells_of(vectors: Floats, centres: Floats) -> Ints:
    """Return the cell of each vector: that of the nearest centre, int64, (vectors,)."""
    length = (centres**2).sum(axis=1) / 2
    parts = [
        (vectors[start : start + _CHUNK] @ centres.T - length).argmax(axis=1)
        for start in range(0, len(vectors), _CHUNK)
    ]
    return np.concatenate([np.zeros(0, np.int64), *parts])
