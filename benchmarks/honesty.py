"""Whether what a run says of itself is true: its scores beside those on messages that nobody labelled.

Each draw labels 200 messages of a corpus at random, and is a study of its own, whole and by default settings:
adapted, clustered, mapped, cross-fitted, scored. What it tells (kappa and its 95% interval, calibration, how
often prediction sets hold the truth, the share of each theme) is compared with what its mapping is worth on
all messages without a label, whose truth is known here alone. Run ``python benchmarks/honesty.py FOLDER``,
where the folder holds tables with the columns ``text`` and ``label``. Writes
``benchmarks/results/honesty.json`` after each study; with ``--resume`` it goes on from there.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import _asked
import numpy as np
import polars as pl
from mapping import ROOT, Labelled, read_table, settings

from themeloom.columns import COMMUNICATIONS
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL, HeldOut
from themeloom.progress import Stages
from themeloom.records import Corpus, Ints, LabelledSample
from themeloom.running.learning import Study, learn_study
from themeloom.scored import Score
from themeloom.system.atomic import whole_file
from themeloom.system.provenance import versions
from themeloom.themes.mapping import topic_themes
from themeloom.themes.prevalence import POWERED
from themeloom.themes.scores import score
from themeloom.themes.validation import CONFORMAL

LABELS, MOST = 200, 1_000
Row = dict[str, str | int | float]


def corpus_of(texts: list[str]) -> Corpus:
    """Return messages as what is left of an ingested corpus, each by an author of its own."""
    columns: dict[str, object] = {
        "doc_id": [f"{place:016x}" for place in range(len(texts))],
        "text": texts,
        "created_at": None,
        "times_seen": 1,
        "author": None,
        "repeated_by": [[] for _ in texts],
        "group": None,
    }
    return Corpus(pl.DataFrame(columns, schema_overrides=COMMUNICATIONS), pl.DataFrame(), {})


def study_of(corpus: Labelled, n: int, draw: int, cache: Path) -> tuple[Study, Ints]:
    """Run a study of so many labels; return it and the positions of the messages without one."""
    size, chosen = len(corpus.texts), np.random.default_rng(draw).permutation(len(corpus.texts))
    position, rest = np.sort(chosen[:n]), np.sort(chosen[n:])
    theme = corpus.theme[position]
    inclusion = np.full(n, n / size)
    sample = LabelledSample(position, theme, ("label",), theme[:, None], inclusion)
    config = settings("raw", draw)
    return learn_study(config, corpus_of(corpus.texts), corpus.codebook, sample, cache, Stages()), rest


def told_and_true(corpus: Labelled, n: int, draw: int, cache: Path) -> Iterator[Row]:
    """Yield what a study tells of itself beside the truth, a row each."""
    study, rest = study_of(corpus, n, draw, cache)
    scores, themes, truth = study.scores, len(corpus.codebook.keys), corpus.theme[rest]
    posterior = study.mapping.messages[rest]
    of_topic, _ = topic_themes(study.discovery.clusters.topic[rest], study.mapping)
    nothing = np.zeros((0, 0, 0))
    said = {
        TOPIC_LEVEL: (scores.overall, HeldOut(truth, of_topic[None], nothing, np.arange(len(rest)))),
        MESSAGE_LEVEL: (
            scores.lines[MESSAGE_LEVEL],
            HeldOut(truth, posterior.argmax(axis=1)[None], posterior[None], np.arange(len(rest))),
        ),
    }
    for level, (told, held_out) in said.items():
        true = score(held_out, themes, 2, 0).overall
        for name in ("kappa", "macro_f1", "accuracy", "ece"):
            if name != "ece" or level == MESSAGE_LEVEL:
                yield _row(corpus.name, draw, f"{level}: {name}", told[name], true[name].value)
    sets = study.mapping.sets(scores.conformal)[rest]
    share = float(sets[np.arange(len(rest)), truth].mean())
    yield _row(corpus.name, draw, "sets that hold the truth", Score(CONFORMAL, np.nan, np.nan), share)
    shares = np.bincount(corpus.theme, minlength=themes) / len(corpus.theme)
    told = scores.prevalence[f"communications/{POWERED}"]
    for key, true_share in zip(corpus.codebook.keys, shares.tolist(), strict=True):
        yield _row(corpus.name, draw, "share of a theme", told[key], true_share)


def _row(corpus: str, draw: int, what: str, told: Score, true: float) -> Row:
    return {
        "corpus": corpus,
        "draw": draw,
        "what": what,
        "told": told.value,
        "low": told.low,
        "high": told.high,
        "true": true,
    }


def summary(rows: list[Row]) -> pl.DataFrame:
    """Tell of each corpus and score how far what was told is from the truth, and how often it was held."""
    table = pl.DataFrame(rows).with_columns(
        held=(pl.col("low") <= pl.col("true")) & (pl.col("true") <= pl.col("high")),
        error=pl.col("told") - pl.col("true"),
    )
    return table.group_by("corpus", "what", maintain_order=True).agg(
        pl.len().alias("asked"),
        pl.col("told", "true").mean(),
        pl.col("error").mean().alias("told less true"),
        pl.col("held").mean().alias("intervals that hold it"),
    )


def keep(rows: list[Row], n: int, results: Path) -> None:
    """Write what is known so far beside, then in place."""
    found = {
        "facts": {
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
            "versions": versions(),
            "labels": n,
        },
        "summary": summary(rows).to_dicts(),
        "rows": rows,
    }
    with whole_file(results) as part:
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--draws", type=int, default=10, help="studies of each corpus")
    parser.add_argument("--labels", type=int, default=LABELS, help="of a study")
    parser.add_argument("--most", type=int, default=MOST, help="messages of a corpus")
    parser.add_argument("--resume", action="store_true", help="go on from the results that are kept")
    given = _asked.read(parser, __file__, draws=1, labels=60, most=200)
    rows: list[Row] = []
    if given.resume and given.results.exists():
        rows = json.loads(given.results.read_text(encoding="utf-8"))["rows"]
    done = {(row["corpus"], row["draw"]) for row in rows}
    corpora = [read_table(path, given.most) for path in sorted(given.folder.glob("*.csv"))]
    with tempfile.TemporaryDirectory() as cache:
        for draw in range(1, given.draws + 1):
            for corpus in corpora:
                if (corpus.name, draw) in done:
                    continue
                rows += list(told_and_true(corpus, given.labels, draw, Path(cache)))
                keep(rows, given.labels, given.results)
                print(f"{corpus.name}: study {draw} of {given.draws}", flush=True)
    with pl.Config(tbl_rows=100, tbl_width_chars=140, float_precision=3):
        print(summary(rows))


if __name__ == "__main__":
    main()
