"""How messages of one theme learn to come together: what is drawn, what is asked, and how fast."""

from typing import TYPE_CHECKING

import numpy as np

from themeloom.records import Doubles, Ints

if TYPE_CHECKING:
    from torch import Tensor

WARM_UP = 0.1  # share of the steps in which the learning rate rises; then it falls to nothing


def contrastive_loss(vectors: "Tensor", theme: "Tensor", temperature: float) -> "Tensor":
    """Return the supervised contrastive loss of a batch (Khosla et al. 2020, arXiv:2004.11362, L_out).

    Parameters
    ----------
    vectors
        (messages, dimensions), of length 1.
    theme
        (messages,): their labels.
    temperature
        By which likeness is divided: the lower, the more only the nearest count.

    Returns
    -------
    Tensor
        The mean over messages that share their theme with another; 0 where none does.
    """
    import torch

    oneself = torch.eye(len(vectors), dtype=torch.bool)
    alike = (theme[:, None] == theme) & ~oneself
    closeness = (vectors @ vectors.T / temperature).masked_fill(oneself, -1e9)
    surprise = torch.logsumexp(closeness, dim=1, keepdim=True) - closeness
    partners = alike.sum(dim=1)
    mean = (surprise * alike).sum(dim=1) / partners.clamp(min=1)
    return mean.sum() / (partners > 0).sum().clamp(min=1)


def likely_drawn(theme: Ints) -> Doubles:
    """Return how likely each message is drawn: themes weigh by the square root of their inverse size."""
    weight = 1 / np.sqrt(np.bincount(theme)[theme])
    return np.asarray(weight / weight.sum())


def rate_at(step: int, steps: int) -> float:
    """Return the share of the highest learning rate at a step, the first of which is 0."""
    rising = max(WARM_UP * steps, 1)
    return min((step + 1) / rising, 1 - step / (steps + 1))
