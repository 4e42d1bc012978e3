"""HDBSCAN on all cores (fast-hdbscan)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fast_hdbscan import HDBSCAN


def fast_model(settings: dict[str, Any]) -> "HDBSCAN":
    """Return what clusters as the reference does, and has the same attributes once it is fitted."""
    import fast_hdbscan

    return fast_hdbscan.HDBSCAN(**settings)
