"""Vectors with known groups."""

import pytest

from groups import grouped


@pytest.fixture(scope="session")
def vectors_and_groups():
    return grouped(8, 30, noise=20)
