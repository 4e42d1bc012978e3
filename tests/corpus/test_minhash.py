"""Signatures and the search among those who share a bucket, against the same in plain Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.corpus import likeness, minhash
from themeloom.corpus.minhash import codes_of, shingles

SAYS = st.text(st.sampled_from("abc \ud800é🙂"), max_size=60)


def sets(text):
    filled = text.ljust(5, "\0")
    return {filled[at : at + 5] for at in range(len(filled) - 4)}


def hashed(shingle):
    """Polynomial hash of the characters, and a mix."""
    value = 0
    for character in shingle:
        value = (value * 0x9E3779B97F4A7C15 + ord(character) + 1) % 2**64
    value = (value ^ value >> 31) * 0xBF58476D1CE4E5B9 % 2**64
    return value ^ value >> 32


@settings(deadline=None)  # compiled at the first call
@given(SAYS)
def test_shingles_are_the_hashes_of_all_runs_of_five(text):
    found = shingles(text)
    assert found.dtype == np.uint64
    assert found.tolist() == sorted(map(hashed, sets(text)))


@settings(deadline=None)  # compiled at the first call
@given(SAYS, SAYS)
def test_likeness_is_that_of_the_sets_of_shingles(one, two):
    expected = len(sets(one) & sets(two)) / len(sets(one) | sets(two))
    assert likeness._jaccard(shingles(one), shingles(two)) == pytest.approx(expected)


@settings(deadline=None)  # compiled at the first call
@given(st.lists(SAYS, min_size=1, max_size=6))
def test_signatures_are_the_least_of_each_permutation(texts):
    factors, terms = np.random.default_rng(3).integers(2**63, size=(2, 7), dtype=np.uint64)
    signatures = np.empty((len(texts), 7), np.uint32)
    ends = np.cumsum([max(len(text), 5) for text in texts])
    minhash.sign(codes_of(texts), ends, factors, terms, signatures)
    for text, signature in zip(texts, signatures.tolist(), strict=True):
        for least, factor, term in zip(signature, factors.tolist(), terms.tolist(), strict=True):
            permuted = [(value * factor + term) % 2**64 >> 32 for value in map(hashed, sets(text))]
            assert least == min(permuted)


def test_likely_ones_are_those_met_in_a_bucket_the_most_alike_first():
    random = np.random.default_rng(4)
    signatures = random.integers(3, size=(400, 64), dtype=np.uint32)
    numbers = random.integers(2, size=400, dtype=np.uint32)
    buckets = likeness._buckets(signatures, numbers, 0.05)  # bands of one column: most share some
    seen = np.zeros(400, np.int32)
    held = {}
    for index in range(400):
        shared = {number for number in buckets.of[index].tolist() if number >= 0}
        met = {other for number in shared for other in held.get(number, [])}
        agree = {other: int((signatures[other] == signatures[index]).sum()) for other in met}
        expected = sorted(((64 - same) << 32) + other for other, same in agree.items() if same >= 24)
        found = minhash.likely(index, index + 1, 24, buckets, signatures, seen)
        assert sorted(found.tolist()) == expected
        minhash.admit(index, buckets)
        for number in shared:
            if len(held.setdefault(number, [])) < likeness._BUCKET:
                held[number].append(index)
    assert max(map(len, held.values())) == likeness._BUCKET


def test_messages_share_a_bucket_where_a_band_and_their_numbers_are_the_same():
    random = np.random.default_rng(5)
    signatures = random.choice(random.integers(2**32, size=2, dtype=np.uint32), size=(60, 64))
    numbers = np.arange(60, dtype=np.uint32) % 3
    of = likeness._buckets(signatures, numbers, 0.5).of
    rows = 64 // of.shape[1]
    for band in range(of.shape[1]):
        keys = [
            (number, *row)
            for number, row in zip(
                numbers.tolist(), signatures[:, band * rows : (band + 1) * rows].tolist(), strict=True
            )
        ]
        for one in range(60):
            alike = [two for two in range(60) if keys[two] == keys[one]]
            sharing = [two for two in range(60) if of[one, band] == of[two, band] >= 0]
            assert sharing == (alike if len(alike) > 1 else [])
