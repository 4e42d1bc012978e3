"""Large made-up corpora, from the package's own (synthetic) demonstration texts alone; by a seed.

Each message is told by one message of the demonstration, its subject: most of the subject's words, then
clauses of other messages of the same theme, words dropped here and there. Subjects are as common as Zipf has
it. A few are retweeted or copied, as happens.
"""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np

SEED = 20130810
LABELS = 300
DROPPED = 0.12
"""Share of the words that are left out."""
REPEATED = 0.1
"""Share of rows that say again what an earlier one said."""
_BATCH = 10_000
_CLAUSE = re.compile(r"(?<=[.!?,;:])\s+")
_MARKED = re.compile(r"(?:RT |MT |via )?[@#]\S+|https?://\S+|\bRT\b|\bMT\b")
_SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ren",
    "sul",
    "ta",
    "vor",
    "ne",
    "bi",
    "dra",
    "fen",
    "gu",
    "har",
    "jo",
    "pel",
    "wis",
)


@dataclass(frozen=True)
class Made:
    """A made-up study in a folder."""

    experiment: Path
    messages: Path
    labels: Path


@dataclass(frozen=True)
class _Subjects:
    words: list[list[str]]
    theme: list[str]
    clauses: dict[str, list[list[str]]]  # by theme


def make(folder: Path, rows: int, extra: str = "", seed: int = SEED) -> Made:
    """Write so many rows as a raw export (X API v2, JSON lines), labels of some, and the experiment.

    Parameters
    ----------
    folder
        Where to write; made if need be.
    rows
        How many rows.
    extra
        Further sections of the experiment file.
    seed
        Of everything random. The first rows are the same however many there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = Made(folder / "experiment.toml", folder / "messages.jsonl", folder / "labels.csv")
    labelled: dict[int, tuple[str, str]] = {}  # one a subject: of like messages only one may have a label
    with made.messages.open("w", encoding="utf-8") as out:
        for row, theme, subject in _rows(rows, seed):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            if subject >= 0:
                labelled.setdefault(subject, (str(row["id"]), theme))
    found = sorted(labelled.values())
    chosen = np.random.default_rng(seed).choice(len(found), min(LABELS, len(found)), replace=False)
    with made.labels.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["tweet_id", "adjudicated"])
        writer.writerows(found[at] for at in sorted(chosen.tolist()))
    made.experiment.write_text(_experiment(rows, extra), encoding="utf-8")
    return made


def texts(rows: int, seed: int = SEED) -> list[str]:
    """Return the texts alone."""
    return [str(row["text"]) for row, *_ in _rows(rows, seed)]


def _experiment(rows: int, extra: str) -> str:
    codebook = files("themeloom") / "data" / "dearmhp" / "codebook.yaml"
    return (
        f'[study]\nname = "made-{rows}"\ntitle = "{rows:,} made-up messages"\n'
        'note = "The messages are synthetic, put together by a generator from the demonstration."\n\n'
        '[[sources]]\npath = "messages.jsonl"\n\n'
        f'[themes]\ncodebook = "{codebook}"\nlabels = "labels.csv"\nkey = "tweet_id"\n\n{extra}'
    )


def _rows(rows: int, seed: int) -> Iterator[tuple[dict[str, object], str, int]]:
    """Yield rows, their themes and subjects; -1 for repeats."""
    subjects = _subjects()
    began = datetime(2013, 8, 10, tzinfo=UTC)
    recent: list[tuple[str, str, str]] = []
    for start in range(0, rows, _BATCH):
        rng = np.random.default_rng([seed, start])
        size = min(_BATCH, rows - start)
        subject = (rng.zipf(1.3, 4 * _BATCH) - 1).reshape(4, -1)
        subject = np.where(
            subject < len(subjects.words), subject, rng.integers(len(subjects.words), size=subject.shape)
        )
        repeats, authors = rng.random(_BATCH) < REPEATED, (300_000 * rng.random(_BATCH) ** 3).astype(np.int64)
        for at in range(size):
            number = start + at
            author = _name(int(authors[at]))
            if repeats[at] and recent:
                of_id, theme, said = recent[int(rng.integers(len(recent)))]
                text = said if at % 2 else f"RT {said}"
            else:
                of_id, theme = "", subjects.theme[int(subject[0, at])]
                text = _said(subjects, int(subject[0, at]), rng)
                recent = [*recent[-200:], (str(number), theme, f"@{author}: {text}")]
            row = {
                "id": str(366000000000000000 + 7919 * number),
                "created_at": f"{began + timedelta(seconds=37 * number):%Y-%m-%dT%H:%M:%S.000Z}",
                "text": text,
                "author_id": str(100_000 + int(authors[at])),
                "lang": "en",
                "author": {"id": str(100_000 + int(authors[at])), "username": author},
            }
            yield row, theme, -1 if of_id else int(subject[0, at])


def _said(subjects: _Subjects, subject: int, rng: np.random.Generator) -> str:
    own, pool = subjects.words[subject], subjects.clauses[subjects.theme[subject]]
    told = [pool[place] for place in rng.integers(len(pool), size=rng.integers(1, 4)).tolist()]
    words = [*own, *(word for clause in told for word in clause)]
    kept = rng.random(len(words)) >= DROPPED
    return " ".join(word for word, keep in zip(words, kept.tolist(), strict=True) if keep) or own[0]


def _name(author: int) -> str:
    parts, base = [], len(_SYLLABLES)
    for _ in range(5):
        author, rest = divmod(author, base)
        parts.append(_SYLLABLES[rest])
    return "".join(parts)


def _subjects() -> _Subjects:
    """Return the demonstration's messages; unlabelled ones have the theme of the likest labelled one."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    folder = files("themeloom") / "data" / "dearmhp"
    lines = map(json.loads, (folder / "search-hashtag.jsonl").read_text(encoding="utf-8").splitlines())
    said = {row["id"]: " ".join(_MARKED.sub(" ", row["text"]).split()) for row in lines}
    labels = csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines())
    coded = {row["tweet_id"]: row["adjudicated"] for row in labels}
    first = {text: key for key, text in reversed(said.items()) if len(text.split()) > 3}
    for key, text in said.items():
        if key in coded and text in first:
            first[text] = key
    vectors = TfidfVectorizer(sublinear_tf=True).fit_transform(first)
    known = np.array([at for at, key in enumerate(first.values()) if coded.get(key)])
    nearest = known[np.asarray((vectors @ vectors[known].T).argmax(axis=1)).ravel()]
    keys = list(first.values())
    theme = [coded[keys[at]] for at in nearest.tolist()]
    clauses: dict[str, list[list[str]]] = {}
    for text, of in zip(first, theme, strict=True):
        clauses.setdefault(of, []).extend(part.split() for part in _CLAUSE.split(text))
    order = np.random.default_rng(SEED).permutation(len(keys)).tolist()
    words = [text.split() for text in first]
    return _Subjects([words[at] for at in order], [theme[at] for at in order], clauses)
