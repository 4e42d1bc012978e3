"""Vectors with known groups."""

import numpy as np


def grouped(groups, each, noise=0, spread=0.1, dimensions=32, seed=0):
    """Return unit vectors in groups around random centres, then noise; and the group of each (-1: noise)."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(groups, dimensions))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    near = np.repeat(centres, each, axis=0) + spread * rng.normal(size=(groups * each, dimensions)) / 5
    vectors = np.vstack([near, rng.normal(size=(noise, dimensions))]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, np.r_[np.repeat(np.arange(groups), each), np.full(noise, -1)]
