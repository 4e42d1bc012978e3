"""How often the 95% intervals of prevalence hold the truth, and how wide they are, on labelled corpora.

Each draw labels 200 messages of a corpus at random, predicts them by classifiers of the other folds, and
estimates the share of each theme, whose truth is known. Run ``python benchmarks/prevalence.py FOLDER``, where
the folder holds tables with the columns ``text`` and ``label``. Writes
``benchmarks/results/prevalence.json``.
"""

import argparse
import json
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import _asked
import numpy as np
import polars as pl
from mapping import MOST, ROOT, Labelled, read_table

from themeloom.config import EncoderConfig
from themeloom.discovery.embed import Encoder, embed
from themeloom.members import Labels
from themeloom.records import Doubles, Floats
from themeloom.system.provenance import versions
from themeloom.themes._classifier import fit_classifier, posterior_of
from themeloom.themes.folds import draw_folds
from themeloom.themes.prevalence import LABELS, POWERED, prevalence

DRAWN, FOLDS = 200, 5


def posteriors(vectors: Floats, labels: Labels, seed: int) -> tuple[Doubles, Doubles]:
    """Return cross-fitted posteriors of those labelled, and the mean over the folds of all others."""
    others = np.delete(np.arange(len(vectors)), labels.position)
    labelled, rest = np.zeros((len(labels.position), labels.themes)), np.zeros((len(others), labels.themes))
    folds = draw_folds(labels.theme, np.arange(len(labels.position)), FOLDS, seed)
    for fold in folds:
        learned = labels.but(fold)
        fitted = fit_classifier(vectors[learned.position], learned)
        labelled[fold] = posterior_of(vectors[labels.position[fold]], fitted)
        rest += posterior_of(vectors[others], fitted) / len(folds)
    return labelled, rest


def draws(corpus: Labelled, vectors: Floats, count: int) -> Iterator[pl.DataFrame]:
    """Yield, draw by draw, the estimated shares beside the true ones."""
    themes = len(corpus.codebook.keys)
    shares = np.bincount(corpus.theme, minlength=themes) / len(corpus.theme)
    truth = dict(zip(corpus.codebook.keys, shares.tolist(), strict=True))
    inclusion = np.full(DRAWN, DRAWN / len(corpus.theme))
    for seed in range(count):
        position = np.sort(np.random.default_rng(seed).permutation(len(corpus.theme))[:DRAWN])
        labels = Labels(position, corpus.theme[position], themes)
        labelled, rest = posteriors(vectors, labels, seed)
        table = prevalence(labels.theme, inclusion, labelled, rest, None, corpus.codebook).table
        yield table.with_columns(truth=pl.col("theme").replace_strict(truth, return_dtype=pl.Float64))


def judge(corpus: Labelled, count: int) -> dict[str, float]:
    """Tell how often intervals hold the truth, and how much narrower predictions make them."""
    vectors = embed(corpus.texts, Encoder(EncoderConfig())).vectors
    table = pl.concat(list(draws(corpus, vectors, count)))
    held = table.with_columns(
        held=(pl.col("low") <= pl.col("truth")) & (pl.col("truth") <= pl.col("high")),
        width=pl.col("high") - pl.col("low"),
    )
    found = {
        row["method"]: row
        for row in held.group_by("method").agg(pl.col("held", "width").mean()).iter_rows(named=True)
    }
    return {
        "themes": len(corpus.codebook.keys),
        "labels alone hold the truth": found[LABELS]["held"],
        "prediction-powered hold the truth": found[POWERED]["held"],
        "prediction-powered width / labels alone": found[POWERED]["width"] / found[LABELS]["width"],
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--draws", type=int, default=500)
    given = _asked.read(parser, __file__, draws=50)
    found: dict[str, object] = {
        "facts": {
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
            "versions": versions(),
            "draws": given.draws,
        }
    }
    for path in sorted(given.folder.glob("*.csv")):
        found[path.stem] = judge(read_table(path, MOST), given.draws)
        print(path.stem, found[path.stem], flush=True)
    given.results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
