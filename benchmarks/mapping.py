"""How well themes are found: every strategy and reference line, by the number of labels.

Each draw labels so many messages of a corpus at random, learns from them alone, and is judged on all others.
Run ``python benchmarks/mapping.py FOLDER [--quick]``, where the folder holds tables with the columns ``text``
and ``label``. Writes ``benchmarks/results/mapping.json`` and ``docs/benchmarks.md`` after each draw; with
``--resume`` it goes on from there.
"""

import argparse
import csv
import json
import os
import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import _asked
import numpy as np

from themeloom import check
from themeloom.config import STRATEGIES, Experiment
from themeloom.discovery.plain import plain_topics
from themeloom.members import HeldOut, Labels
from themeloom.progress import Stages
from themeloom.records import Codebook, Doubles, Ints, Theme
from themeloom.running.learning import gather, learn_themes
from themeloom.system.atomic import whole_file
from themeloom.system.provenance import versions
from themeloom.themes import validation
from themeloom.themes.folds import Trial, draw_folds
from themeloom.themes.mapping import best_themes, learn
from themeloom.themes.scores import score

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "benchmarks.md"
DEMO = ROOT / "experiments" / "dearmhp.toml"
FOLDS = 5
TOLD = (50, 100, 200, 400)  # numbers of labels at which the default is put beside reference lines
MOST = 2_000  # messages of a corpus


@dataclass(frozen=True)
class Labelled:
    """A corpus whose labels are known."""

    name: str
    texts: list[str]
    theme: Ints  # (messages,): -1 where unknown
    codebook: Codebook


@dataclass(frozen=True)
class Row:
    """What one line was worth in one draw."""

    corpus: str
    labels: int
    draw: int
    vectors: str  # raw, or raw+adapted: topics informed by labels
    line: str
    level: str  # topic or message
    kappa: float
    ece: float | None
    topics: int
    themes: int


def read_table(path: Path, most: int) -> Labelled:
    """Read a table with the columns text and label; of a large one, some messages at random."""
    with path.open(newline="", encoding="utf-8") as file:
        label = {row["text"]: row["label"] for row in csv.DictReader(file)}
    texts = np.random.default_rng(0).permutation(sorted(label))[:most].tolist()
    keys = sorted({label[text] for text in texts})
    codebook = Codebook(tuple(Theme(key, key, key.replace("_", " ")) for key in keys))
    return Labelled(path.stem, texts, np.array([keys.index(label[text]) for text in texts]), codebook)


def read_demo(root: Path) -> Labelled:
    """Read the demonstration study: of its 515 synthetic messages 200 have labels that ship with it."""
    prepared = check(DEMO, root)
    theme = np.full(len(prepared.corpus.texts), -1)
    theme[prepared.sample.position] = prepared.sample.theme
    return Labelled("demo", prepared.corpus.texts, theme, prepared.codebook)


def settings(vectors: str, seed: int) -> Experiment:
    """Return an experiment's settings, without its files."""
    return Experiment.model_validate(
        {
            "study": {"name": "benchmark", "seed": seed},
            "sources": [{"path": "none"}],
            "themes": {"codebook": "none", "labels": "none"},
            "discover": {"vectors": vectors},
        }
    )


def learned_from(corpus: Labelled, n: int) -> int:
    """Return how many labels are learned from when n are asked for: four fifths at most."""
    return min(n, int((corpus.theme >= 0).sum()) * 4 // 5)


def drawn(corpus: Labelled, n: int, draw: int) -> tuple[Ints, Ints]:
    """Return the positions of n labels to learn from, and of all others, which are judged.

    Where that would leave nearly none, four fifths are learned from, and of five draws each judges another
    fifth: all labels are judged once, as few of them would tell little.
    """
    known = np.flatnonzero(corpus.theme >= 0)
    if learned_from(corpus, n) == n:
        learned = np.random.default_rng(draw).permutation(known)[:n]
        return np.sort(learned), np.setdiff1d(known, learned)
    judged = np.random.default_rng(0).permutation(known)[draw % 5 :: 5]
    return np.setdiff1d(known, judged), np.sort(judged)


def judge(corpus: Labelled, n: int, draw: int, vectors: str, cache: Path) -> Iterator[Row]:
    """Learn from labels and judge on others."""
    position, judged = drawn(corpus, n, draw)
    n = len(position)
    truth, themes = corpus.theme[judged], len(corpus.codebook.keys)
    labels = Labels(position, corpus.theme[position], themes)
    folds = tuple(draw_folds(labels.theme, np.arange(n), FOLDS, draw))
    evidence = gather(corpus.texts, corpus.codebook, labels, settings(vectors, draw), cache, Stages())
    discovery, _ = learn_themes(evidence, labels, Trial(np.arange(n), np.arange(0), folds, 0), Stages())
    whole = evidence.messages(labels)

    def row(line: str, level: str, said: Ints, posterior: Doubles | None = None) -> Row:
        told = np.zeros((0, 0, 0)) if posterior is None else posterior[None]
        found = score(HeldOut(truth, said[None], told, np.arange(len(judged))), themes, 2, 0).overall
        return Row(
            corpus=corpus.name,
            labels=n,
            draw=draw,
            vectors=vectors,
            line=line,
            level=level,
            kappa=found["kappa"].value,
            ece=None if posterior is None else found["ece"].value,
            topics=discovery.clusters.count,
            themes=themes,
        )

    for strategy in STRATEGIES:
        learned = learn(evidence, labels, folds, strategy)
        posterior = learned.say(whole.rows(judged))
        yield row(strategy, "message", posterior.argmax(axis=1), posterior)
        of_topic = np.append(best_themes(learned.topics, evidence.config.themes.mixed_below), -1)
        yield row(strategy, "topic", of_topic[whole.topic[judged]])
    if vectors == "raw":
        plain = plain_topics(evidence.embeddings, draw)
        topics = {validation.BERTOPIC: plain.topic, validation.REDUCED: plain.reduced}
        found = validation.reference_lines(
            topics, evidence.embeddings.vectors, evidence.codebook, labels.theme
        )
        for name, line in found.items():
            yield row(name, "topic" if name in topics else "message", line(labels, judged))


Ratios = dict[str, dict[str, float]]
"""Corpus → what is divided by what → mean over draws."""
Worth = dict[int, Ratios]
"""By the number of labels."""


def ratios(rows: Sequence[Row]) -> Ratios:
    """Divide the kappa of 'stacked' by those of the reference lines."""
    kappa: defaultdict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        kappa[row.corpus, row.vectors, row.line, row.level].append(row.kappa)
    mean = {key: float(np.mean(values)) for key, values in kappa.items()}
    found: Ratios = {}
    for corpus in sorted({row.corpus for row in rows}):
        regression = mean[corpus, "raw", validation.REGRESSION, "message"]
        topics = mean[corpus, "raw", "stacked", "topic"]
        found[corpus] = {
            "message level / regression": mean[corpus, "raw", "stacked", "message"] / regression,
            "topic level / regression": topics / regression,
            "topic level / plain BERTopic": topics / mean[corpus, "raw", validation.BERTOPIC, "topic"],
        }
        informed = mean.get((corpus, "raw+adapted", "stacked", "topic"))
        if informed is not None:
            found[corpus]["informed topic level / regression"] = informed / regression
    return found


def worth(rows: Sequence[Row]) -> Worth:
    """Give the ratios at each number of labels, of draws that were judged with both kinds of topics."""
    whole = [row for row in rows if {"raw", "raw+adapted"} <= _vectors(rows, row)]
    return {n: ratios(about(n, whole)) for n in TOLD if any(row.labels == n for row in whole)}


def table(rows: Sequence[Row], told: Worth, facts: dict[str, object]) -> str:
    """Write the results as a page of the manual."""
    lines = [
        "# How well themes are found",
        "",
        "Cohen's kappa on all messages whose labels were not used (abstained ones are wrong), mean over",
        "draws of labels; in brackets the expected calibration error. Made by `benchmarks/mapping.py`:",
        f"{facts['machine']}. The demo's messages are synthetic.",
        "",
        "## What the default is worth",
        "",
        "Its kappa divided by that of a reference line: logistic regression on the raw vectors, or plain",
        "BERTopic with a majority vote. Of the demo at most 160 labels are learned from; each draw judges 40",
        "others.",
        "",
    ]
    for n, found in told.items():
        lines += [f"{n} labels:", "", *_ratio_table(found), ""]
    for n in sorted({row.labels for row in rows}):
        some = [row for row in rows if row.labels == n]
        draws = len({row.draw for row in some})
        lines += [f"## {n} labels, {draws} draw{'s' * (draws > 1)}", "", *_section(some), ""]
    return "\n".join(lines)


def _ratio_table(of_corpus: Ratios) -> Iterator[str]:
    what = list(next(iter(of_corpus.values())))
    yield f"| corpus | {' | '.join(what)} |"
    yield "|---" * (1 + len(what)) + "|"
    mean = {name: float(np.mean([found[name] for found in of_corpus.values()])) for name in what}
    for corpus, found in {**of_corpus, "**mean**": mean}.items():
        yield f"| {corpus} | {' | '.join(f'{found[name]:.2f}' for name in what)} |"


def _section(rows: Sequence[Row]) -> Iterator[str]:
    corpora = sorted({row.corpus for row in rows})
    yield f"| level | topics | line | {' | '.join(corpora)} |"
    yield "|---" * (3 + len(corpora)) + "|"
    cells: defaultdict[tuple[str, str, str], defaultdict[str, list[Row]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in rows:
        cells[row.level, row.vectors, row.line][row.corpus].append(row)
    for what, of_corpus in sorted(cells.items()):
        yield f"| {' | '.join((*what, *(_cell(of_corpus[name]) for name in corpora)))} |"


def _cell(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    text = f"{np.mean([row.kappa for row in rows]):.2f}"
    known = [row.ece for row in rows if row.ece is not None]
    return f"{text} ({np.mean(known):.2f})" if known else text


Asked = tuple[str, int, int, str]
"""Corpus, labels, draw, vectors: what is judged at one time."""


def run(
    corpora: Sequence[Labelled], numbers: Sequence[int], draws: int, done: set[Asked], cache: Path
) -> Iterator[list[Row]]:
    """Judge every draw, number of labels, corpus, and kind of topics that is not done; say how far it is."""
    for n, draw, corpus, vectors in product(numbers, range(1, draws + 1), corpora, ("raw", "raw+adapted")):
        if (corpus.name, learned_from(corpus, n), draw, vectors) in done:
            continue
        rows = list(judge(corpus, n, draw, vectors, cache))
        done.add((corpus.name, rows[0].labels, draw, vectors))
        best = {row.level: round(row.kappa, 3) for row in rows if row.line == "stacked"}
        print(f"{corpus.name}: {rows[0].labels} labels, draw {draw}, {vectors}: {best}", flush=True)
        yield rows


def about(n: int, rows: Sequence[Row]) -> list[Row]:
    """Return each corpus's rows of n labels, or of the next fewer that it has."""
    of_corpus: dict[str, int] = {}
    for row in rows:
        if row.labels <= n:
            of_corpus[row.corpus] = max(row.labels, of_corpus.get(row.corpus, 0))
    return [row for row in rows if of_corpus.get(row.corpus) == row.labels]


def keep(rows: Sequence[Row], seconds: float, given: argparse.Namespace) -> Worth:
    """Write the results beside, then in place; return what the default is worth."""
    facts: dict[str, object] = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "versions": versions(),
        "seconds": round(seconds),
        "quick": given.quick,
    }
    told = worth(rows)
    found = {"facts": facts, "ratios by labels": told, "rows": [asdict(row) for row in rows]}
    with whole_file(given.results) as part:
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    with whole_file(given.results.with_suffix(".md") if given.quick else TABLE) as part:
        part.write_text(table(rows, told, facts), encoding="utf-8")
    return told


def _vectors(rows: Sequence[Row], one: Row) -> set[str]:
    asked = (one.corpus, one.labels, one.draw)
    return {row.vectors for row in rows if (row.corpus, row.labels, row.draw) == asked}


def resumed(results: Path) -> tuple[list[Row], float]:
    """Return what an earlier run has kept, and its seconds."""
    if not results.exists():
        return [], 0.0
    found = json.loads(results.read_text(encoding="utf-8"))
    return [Row(**row) for row in found["rows"]], float(found["facts"]["seconds"])


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--labels", type=int, nargs="+", default=[200, 100, 400, 50])
    parser.add_argument("--draws", type=int, default=5, help="of so many labels each")
    parser.add_argument("--most", type=int, default=MOST, help="messages of a corpus")
    parser.add_argument("--resume", action="store_true", help="go on from the results that are kept")
    parser.add_argument("--cache", type=Path, help="a folder that keeps what was computed")
    given = _asked.read(parser, __file__, labels=[100], draws=1, most=200)
    rows, before = resumed(given.results) if given.resume else ([], 0.0)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        tables = [read_table(path, given.most) for path in sorted(given.folder.glob("*.csv"))]
        corpora = [read_demo(Path(scratch)), *tables]
        done: set[Asked] = {(row.corpus, row.labels, row.draw, row.vectors) for row in rows}
        told: Worth = {}
        for more in run(corpora, given.labels, given.draws, done, given.cache or Path(scratch)):
            rows += more
            told = keep(rows, before + time.perf_counter() - began, given)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
