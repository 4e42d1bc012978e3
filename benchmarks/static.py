"""What is left of an encoder when it is distilled to one vector a word piece, as it is and adapted to labels.

Run ``python benchmarks/static.py [FOLDER] [--labels N] [--draws N] [--most N]``, where the folder holds
tables with the columns ``text`` and ``label``; the demonstration is always among them. Each draw learns from
n labels (logistic regression) and is judged on messages that neither the adapted encoder nor what estimates
its vectors has read: kappa, by the vectors that are learned from and judged. Line 'estimated' learns from the
adapted encoder's vectors and judges by their estimates from raw ones, as outside a large corpus' sample.
Writes ``benchmarks/results/static.json``.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import _asked
import numpy as np
from _measured import machine
from mapping import Labelled, learned_from, read_demo, read_table, settings
from sklearn.metrics import cohen_kappa_score

from themeloom.config import AdaptConfig, EncoderConfig
from themeloom.discovery.adapt import Adapter
from themeloom.discovery.embed import Encoder
from themeloom.discovery.encoder_text import embedded_text, frequent_terms
from themeloom.discovery.estimate import cross_estimated, estimated
from themeloom.discovery.processor import at_once
from themeloom.members import Labels
from themeloom.records import Floats
from themeloom.running.evidence import adaptation_steps
from themeloom.system.atomic import whole_file
from themeloom.themes._classifier import fit_classifier, posterior_of

ROOT = Path(__file__).resolve().parents[1]
KEPT = {
    "static / raw": ("static", "raw"),
    "distilled adapted / adapted": ("distilled adapted", "adapted"),
    "distilled adapted / static": ("distilled adapted", "static"),
    "estimated outside the sample / adapted": ("estimated", "adapted"),
}
"""Whose kappa is divided by whose."""


@dataclass(frozen=True)
class Draw:
    """What was found in one draw of labels."""

    corpus: str
    draw: int
    labels: int
    judged: int
    read: int  # by the adapted encoder, for what estimates its vectors
    kappa: dict[str, float]


def draws(corpus: Labelled, labels: int, number: int, outside: float = 0.5) -> Iterator[Draw]:
    """Judge draw after draw of labels; everything is embedded once."""
    frequent = frequent_terms(corpus.texts, EncoderConfig().frequent_terms)
    texts = [embedded_text(text, frequent) for text in corpus.texts]
    encoder, static = Encoder(EncoderConfig()), Encoder(EncoderConfig(static=True)).encode(texts)
    raw, states = Adapter(encoder, AdaptConfig(), 0).read(texts)
    known, steps = np.flatnonzero(corpus.theme >= 0), adaptation_steps(settings("raw", 0), labels)
    for draw in range(1, number + 1):
        rng = np.random.default_rng(draw)
        drawn = rng.permutation(known)
        position = np.sort(drawn[: learned_from(corpus, labels)])
        rest = drawn[len(position) :]
        judged = np.sort(rest[: round(outside * len(rest))] if len(rest) > labels else rest)
        read = np.setdiff1d(np.arange(len(texts)), judged)
        adapter = Adapter(encoder, AdaptConfig(), draw)
        theme, some = corpus.theme[position], [states[place] for place in position]
        (layers,) = at_once([lambda a=adapter, s=some, t=theme: a.learn(s, t, steps)])  # type: ignore[misc]
        adapted = adapter.encode(states, layers)
        inside, distilled, estimates = np.empty_like(adapted), np.empty_like(adapted), adapted.copy()
        inside[read] = cross_estimated(static[read], adapted[read], [texts[at] for at in read])
        distilled[:] = inside
        distilled[judged] = estimated(static[read], adapted[read], static[judged])
        estimates[judged] = estimated(raw[read], adapted[read], raw[judged])
        of_line = {
            "raw": raw,
            "static": static,
            "adapted": adapted,
            "distilled adapted": distilled,
            "estimated": estimates,
        }
        learned = Labels(position, theme, len(corpus.codebook.keys))
        kappa = {name: _kappa(vectors, learned, corpus, judged) for name, vectors in of_line.items()}
        yield Draw(corpus.name, draw, len(position), len(judged), len(read), kappa)


def _kappa(vectors: Floats, learned: Labels, corpus: Labelled, judged: np.ndarray) -> float:
    fitted = fit_classifier(vectors[learned.position], learned)
    return round(
        float(cohen_kappa_score(corpus.theme[judged], posterior_of(vectors[judged], fitted).argmax(axis=1))),
        4,
    )


def kept(found: Sequence[Draw]) -> dict[str, dict[str, float]]:
    """Return the shares of kappa that are kept: corpus → what → ratio of means over draws."""
    of_corpus: defaultdict[str, list[Draw]] = defaultdict(list)
    for one in found:
        of_corpus[one.corpus].append(one)
    mean = {
        name: {line: float(np.mean([one.kappa[line] for one in some])) for line in some[0].kappa}
        for name, some in of_corpus.items()
    }
    ratios = {
        name: {what: round(of[one] / of[other], 3) for what, (one, other) in KEPT.items()}
        for name, of in mean.items()
    }
    return {
        name: {**{line: round(value, 3) for line, value in mean[name].items()}, **ratios[name]}
        for name in mean
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--most", type=int, default=2000, help="messages of a corpus")
    given = _asked.read(parser, __file__, labels=100, draws=1, most=300)
    found: list[Draw] = []
    with tempfile.TemporaryDirectory() as scratch:
        tables = [read_table(path, given.most) for path in sorted(given.folder.glob("*.csv"))]
        for corpus in (read_demo(Path(scratch)), *tables):
            for one in draws(corpus, given.labels, given.draws):
                found.append(one)
                told = {
                    "facts": {**machine(), "draws": given.draws, "most": given.most},
                    "kept": kept(found),
                    "draws": [asdict(each) for each in found],
                }
                with whole_file(given.results) as draft:
                    draft.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
                print(one, flush=True)
    print(json.dumps(kept(found), indent=1))


if __name__ == "__main__":
    main()
