"""What can be seen of a message without reading it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from themeloom.discovery.surface import surface

MARKS = 12


@given(st.lists(st.text(max_size=200), max_size=5))
def test_features_are_between_nothing_and_one(texts):
    features = surface(texts)
    assert features.shape == (len(texts), 2 * MARKS + 1)
    assert features.dtype == np.float32
    assert ((features >= 0) & (features <= 1)).all()


@pytest.mark.parametrize(
    ("masked", "raw"),
    [
        ("see [link]", "see https://example.org/page"),
        ("see [link 2]", "see http://example.org"),
        ("thanks [handle 3]", "thanks @somebody"),
    ],
)
def test_links_and_handles_are_seen_masked_or_not(masked, raw):
    nothing, seen, unmasked = surface(["plain words", masked, raw])[:, MARKS : MARKS + 2]
    assert not nothing.any()
    assert seen.any()
    assert np.array_equal(seen, unmasked)


def test_an_address_is_no_handle():
    assert not surface(["write to me@example.org"])[0, MARKS + 1]


def test_more_of_a_mark_counts_more_up_to_three():
    question = 3
    counts = surface(["why", "why?", "why? how?", "why? how? who?", "???????"])[:, question]
    assert np.allclose(counts, [0, 1 / 3, 2 / 3, 1, 1])
