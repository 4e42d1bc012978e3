"""Shares of themes after a study is learned, however its labels were divided."""

import numpy as np
import polars as pl
import pytest

import themeloom
from studies import write_study
from themeloom import learning
from themeloom.discovery import embed
from themeloom.discovery.neighbours import Neighbourhood
from themeloom.discovery.plain import REDUCE, plain_topics
from themeloom.discovery.reduce import reduce
from themeloom.members import HeldOut
from themeloom.records import Codebook, Corpus, LabelledSample, Mapping, Theme
from themeloom.themes.validation import Judged

CODEBOOK = Codebook((Theme("a", "A", "a"), Theme("b", "B", "b")))
COMMUNICATIONS, DRAWN = 600, 150
POWERED = "communications/prediction-powered"


def shares_of(seed, held_out):
    """Estimate from posteriors that say too often 'b', save of messages whose labels were learned from."""
    rng = np.random.default_rng(seed)
    theme = (rng.random(COMMUNICATIONS) < 0.3).astype(np.int64)
    said = np.clip(0.25 + 0.5 * theme + rng.normal(0, 0.08, COMMUNICATIONS), 0.01, 0.99)
    posterior = np.stack([1 - said, said], axis=1)
    drawn = np.sort(rng.choice(COMMUNICATIONS, DRAWN, replace=False))
    aside = rng.permutation(DRAWN) < held_out * DRAWN
    coded = np.where(aside, theme[drawn], -1)
    held = np.where(aside[:, None], posterior[drawn], 0.5)
    known = np.eye(2)[theme]
    whole = posterior.copy()
    whole[drawn[~aside]] = known[drawn[~aside]]
    sample = LabelledSample(
        drawn, theme[drawn], ("c",), theme[drawn][:, None], np.full(DRAWN, DRAWN / COMMUNICATIONS)
    )
    line = HeldOut(coded, held.argmax(axis=1)[None], held[None], np.arange(DRAWN))
    nothing = np.zeros((0, 2))
    mapping = Mapping(
        nothing,
        np.zeros(0, np.int64),
        nothing.astype(np.int64),
        whole,
        np.zeros(0),
        {},
        np.arange(COMMUNICATIONS),
    )
    corpus = Corpus(pl.DataFrame({"times_seen": [1] * COMMUNICATIONS}), pl.DataFrame(), {})
    judged = Judged(line, line, np.delete(posterior, drawn, axis=0))
    return learning._prevalence(sample, corpus, mapping, judged, CODEBOOK), theme.mean()


@pytest.mark.parametrize("held_out", [1.0, 0.5, 0.25])
def test_powered_shares_are_right_whether_labels_are_cross_fitted_or_held_out(held_out):
    covered, apart, narrower = 0, [], []
    for seed in range(60):
        shares, truth = shares_of(seed, held_out)
        found = shares[POWERED]["b"]
        apart.append(found.value - truth)
        covered += found.low <= truth <= found.high
        by_labels = shares["communications/labels"]["b"]
        narrower.append((found.high - found.low) / (by_labels.high - by_labels.low))
    assert abs(np.mean(apart)) < 0.01
    assert covered >= 54
    if held_out == 1:
        assert np.mean(narrower) < 1


def test_labels_alone_all_count_however_they_are_divided():
    one, other = (shares_of(3, held_out)[0]["communications/labels"] for held_out in (1.0, 0.25))
    assert one == other


@pytest.mark.parametrize("consensus", [1, 8])
def test_plain_bertopic_is_judged_by_its_own_layout_and_not_by_a_short_one(tmp_path, monkeypatch, consensus):
    study, layouts = write_study(tmp_path / "study"), []

    def watched(embeddings, seed, layout, progress, cache):
        assert not vars(embed._LAST), "the encoder is let go of once all is encoded"
        layouts.append((layout, embeddings.vectors, seed))
        return plain_topics(embeddings, seed, layout, progress, cache)

    monkeypatch.setattr(learning, "plain_topics", watched)
    study.rewrite("experiment.toml", "consensus = 8", f"consensus = {consensus}")
    study.rewrite("experiment.toml", "steps = 2", "enabled = false")
    themeloom.run(study.experiment, tmp_path / "root")
    [(layout, vectors, seed)] = layouts
    assert (layout is None) == (consensus > 1)
    if layout is not None:
        assert np.array_equal(layout.reduced, reduce(Neighbourhood(vectors), REDUCE, seed).reduced)
