"""What reads files of strangers, each with sound files to begin from: for the test and the nightly script.

A reader may take an input or refuse it by a `ThemeloomError`; anything else is a defect.
"""

import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openpyxl
import polars as pl
import zstandard
from safetensors.numpy import save

from builders import make_codebook, make_record
from coding_server import STUDY, open_store
from studies import CODEBOOK, EXPERIMENT
from themeloom.config import ColumnsConfig, IngestConfig, SourceConfig, ThemesConfig
from themeloom.corpus.ingest import read_sources
from themeloom.errors import ThemeloomError
from themeloom.experiment import read_experiment
from themeloom.history import store
from themeloom.history.parts import LAYOUT, MANIFEST
from themeloom.history.plain_runs import read_plain
from themeloom.labelling import codebooks, exports, imports
from themeloom.labelling.store import Store
from themeloom.records import RawCorpus
from themeloom.system.cache import Cache, VectorCache
from themeloom.themes.codebook import read_codebook
from themeloom.themes.sample import read_codes, read_labels

LONGEST_SENTENCE = 4_000
"""Characters: a fault quotes what it must of the file, and no more."""

Files = Mapping[str, bytes]
Reader = Callable[[bytes, Path], object]


@dataclass(frozen=True)
class Target:
    """One reader."""

    read: Reader
    seeds: Callable[[], list[bytes]]
    tokens: tuple[str, ...] = ()


def attempt(target: Target, data: bytes, folder: Path) -> str:
    """Let a reader read an input; say why it refused it, or nothing.

    Raises
    ------
    Exception
        Whatever the reader raised that it should not have.
    """
    try:
        target.read(data, folder)
    except ThemeloomError as error:
        refusal = error
    else:
        return ""
    lengths = [len(fault.strip()) for fault in refusal.faults]
    assert lengths, "refused without a word"
    assert 0 < min(lengths) <= max(lengths) <= LONGEST_SENTENCE, f"a sentence of {max(lengths)} characters"
    return refusal.faults[0]


def written(data: bytes, path: Path) -> Path:
    path.write_bytes(data)
    return path


# Messages

COLUMNS = ColumnsConfig(text="text", id="id", created_at="sent", author="author", lang="lang")
ROWS = [
    {"id": "1", "text": "a kind word, “said”", "sent": "2013-08-10 08:25", "author": "ann", "lang": "en"},
    {"id": "2", "text": 'two\nlines; "quoted" &amp; more', "sent": "10/08/2013", "author": "", "lang": "und"},
]


def ingest(data: bytes, folder: Path, form: str = "auto") -> RawCorpus:
    path = written(data, folder / "messages")
    corpus = read_sources((SourceConfig(path=str(path), format=form, columns=COLUMNS),), IngestConfig())
    corpus.rows.write_ipc(io.BytesIO())  # what was read can be kept: no lone surrogates, no odd types
    assert corpus.rows["text"].str.strip_chars().str.len_chars().min() > 0
    return corpus


def platform(data: bytes, folder: Path) -> RawCorpus:
    """Without columns, so that the format is told by its look."""
    path = written(data, folder / "messages")
    return read_sources((SourceConfig(path=str(path)),), IngestConfig())


def csv_seeds() -> list[bytes]:
    frame = pl.DataFrame(ROWS)
    return [frame.write_csv(separator=sign, quote_style="always").encode() for sign in ",;\t|"]


def json_seeds() -> list[bytes]:
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    return [lines.encode(), json.dumps(ROWS).encode(), json.dumps(ROWS, indent=1).encode()]


def platform_seeds() -> list[bytes]:
    tweet = {
        "id": "1",
        "text": "RT @ann: a kind…",
        "created_at": "2013-08-10T08:25:03.000Z",
        "author_id": "9",
    }
    page = {
        "data": [{**tweet, "referenced_tweets": [{"type": "retweeted", "id": "7"}]}],
        "includes": {
            "users": [{"id": "9", "username": "ben"}],
            "tweets": [{"id": "7", "text": "a kind word"}],
        },
        "meta": {"result_count": 1},
    }
    old = {
        "id_str": "1",
        "full_text": "a kind word",
        "created_at": "Sat Aug 10 08:25:03 +0000 2013",
        "user": {"screen_name": "ann", "id_str": "9"},
        "retweeted_status": {"id_str": "7", "text": "a"},
    }
    post = {
        "kind": "t3",
        "data": {
            "id": "a",
            "title": "a title",
            "selftext": "a word",
            "subreddit": "x",
            "created_utc": 1376123103,
            "author": "ann",
            "crosspost_parent": "t3_b",
        },
    }
    listing = {"kind": "Listing", "data": {"children": [post, {"kind": "t1", "data": {"body": "[removed]"}}]}}
    toot = {
        "id": "1",
        "content": "<p>a<br/>b</p><p>c</p>",
        "account": {"acct": "ann", "id": "9"},
        "created_at": "2013-08-10T08:25:03Z",
        "reblog": None,
        "language": "en",
    }
    record = {
        "$type": "app.bsky.feed.post",
        "text": "a word",
        "createdAt": "2023-08-10T08:25:03Z",
        "langs": ["en"],
    }
    feed = {
        "feed": [
            {
                "post": {
                    "uri": "at://did:plc:a/app.bsky.feed.post/1",
                    "record": record,
                    "author": {"handle": "ann", "did": "did:plc:a"},
                },
                "reason": {"by": {"did": "did:plc:b", "handle": "b"}, "indexedAt": "2023-08-11T08:25:03Z"},
            }
        ]
    }
    event = {
        "did": "did:plc:a",
        "commit": {"rkey": "1", "collection": "app.bsky.feed.post", "record": record},
    }
    items = [page, old, listing, {"statuses": [old]}, toot, feed, event]
    archive = b"window.YTD.tweets.part0 = " + json.dumps([{"tweet": old}]).encode()
    return [archive, *(json.dumps(item).encode() for item in items)]


def parquet(frame: pl.DataFrame, **options: object) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, **options)
    return buffer.getvalue()


def parquet_seeds() -> list[bytes]:
    frame = pl.DataFrame(ROWS)
    return [
        parquet(frame),
        parquet(frame.cast({"id": pl.Int64}), compression="uncompressed"),
        parquet(frame.with_columns(pl.lit([1, 2]).alias("author"), pl.col("text").cast(pl.Binary))),
    ]


@cache
def workbook() -> Files:
    """Give the members of a sound workbook."""
    book = openpyxl.Workbook()
    book.active.append(list(ROWS[0]))
    for row in ROWS:
        book.active.append(list(row.values()))
    book.active.append([3.5, "a text", 41496.35, True, "=1+1"])
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


PARTS = ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml",
         "xl/_rels/workbook.xml.rels", "[Content_Types].xml")  # fmt: skip


def chosen(data: bytes, names: tuple[str, ...]) -> tuple[str, bytes]:
    """Take the first byte of an input for the number of a file, and the rest for what is in it."""
    return (names[data[0] % len(names)], data[1:]) if data else (names[0], b"")


def sheet(data: bytes, folder: Path) -> RawCorpus:
    name, content = chosen(data, PARTS)
    return ingest(zipped({**workbook(), name: content}), folder)


def numbered(members: Files, names: tuple[str, ...]) -> list[bytes]:
    return [bytes([place]) + members[name] for place, name in enumerate(names) if name in members]


# Codebooks, experiments


def experiment(data: bytes, folder: Path) -> object:
    return read_experiment(written(data, folder / "experiment.toml"))


def codebook(data: bytes, folder: Path) -> object:
    found = read_codebook(written(data, folder / "codebook.yaml"))
    return str(found).encode()  # no lone surrogates


RICH_CODEBOOK = """\
study: made up
themes:
- {key: 1, names: [One, "t\\u00e9o"], definitions: ['a', "b"], include: [x, y], exclude: z}
- key: no
  name: >-
    folded
    text
  definition: |
    kept
residual:
- key: thanks
  name: Thanks
  definition: 'said & done'
"""
RICH_EXPERIMENT = """\
[tracking]
uri = "sqlite:///x.db"
[sweep]
grid = { reduce.neighbors = [10, 30], "reduce.min_dist" = [0.0, 0.1] }
[sweep.search]
cluster.min_samples = { low = 1, high = 9, log = true }
"""


# Labels

CROSSWALK = pl.DataFrame({"source_id": ["1", "2", "3"], "doc_id": ["a", "b", "c"]})
LABELS = "id,ann,ben,adjudicated,p\n1,waiting,listening,waiting,0.5\n2,listening,,,\n3,waiting,waiting,,1\n"


def labels(data: bytes, folder: Path) -> object:
    path = written(data, folder / "labels.csv")
    book = read_codebook(written(CODEBOOK.encode(), folder / "book.yaml"))
    config = ThemesConfig(codebook="", labels=str(path), inclusion="p")
    with suppress(ThemeloomError):
        read_codes(path)
    return read_labels(config, book, CROSSWALK, ["a", "b", "c"])


def label_parquet() -> list[bytes]:
    frame = pl.read_csv(LABELS.encode())
    return [parquet(frame), parquet(frame, compression="uncompressed")]


@cache
def coded() -> Files:
    """Give the label file's exports, and the label file itself."""
    with TemporaryDirectory() as place:
        with open_store(place, 4) as opened:
            from themeloom.labelling import codes, people
            from themeloom.labelling.codes import Coding

            people.join(opened, "Ana")
            codes.save(
                opened, "Ana", Coding("0" * 16, "power", "support", note="why?", codebook=1), make_codebook()
            )
            found = exports.everything(opened)
        files = {one.file: one.write(found) for one in exports.FORMATS}
        return {**files, "labels.sqlite": (Path(place) / "labels" / f"{STUDY}.sqlite").read_bytes()}


def reads_only(ending: str) -> Reader:
    return lambda data, folder: imports.read(written(data, folder / f"codes{ending}"))


def project(data: bytes, folder: Path) -> object:
    return imports.read(written(zipped({"project.qde": data}), folder / "codes.qdpx"))


def of_exports(ending: str) -> list[bytes]:
    return [content for name, content in coded().items() if name.endswith(ending)]


def project_seeds() -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(of_exports(".qdpx")[0])) as archive:
        return [archive.read("project.qde")]


def label_file(data: bytes, folder: Path) -> object:
    for rest in folder.glob("labels.sqlite*"):
        rest.unlink()
    with Store.open(written(data, folder / "labels.sqlite"), STUDY, make=False) as opened:
        codebooks.newest(opened)
        return exports.everything(opened)


# Models, caches


@cache
def kept() -> tuple[TemporaryDirectory[str], Path]:
    place = TemporaryDirectory()
    return place, store.save(make_record(), Path(place.name) / "models")


def model(data: bytes, _: Path) -> object:
    """Spoil a file of a model, and forge the manifest so that it says the same."""
    folder = kept()[1]
    name, content = chosen(data, tuple(LAYOUT))
    sound, manifest = (folder / name).read_bytes(), (folder / MANIFEST).read_text()
    facts = json.loads(manifest)
    facts["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    try:
        (folder / name).write_bytes(content)
        (folder / MANIFEST).write_text(json.dumps(facts))
        return store.load(folder)
    finally:
        (folder / name).write_bytes(sound)
        (folder / MANIFEST).write_text(manifest)


def model_seeds() -> list[bytes]:
    folder = kept()[1]
    return [bytes([place]) + (folder / name).read_bytes() for place, name in enumerate(LAYOUT)]


def manifest(data: bytes, _: Path) -> object:
    folder = kept()[1]
    sound = (folder / MANIFEST).read_bytes()
    try:
        (folder / MANIFEST).write_bytes(data)
        return store.models(folder.parent), store.load(folder)
    finally:
        (folder / MANIFEST).write_bytes(sound)


PLAIN = {
    "topics.json": json.dumps(
        [{"topic": t, "size": 5, "words": ["a", "b"], "weights": [0.5, 0.25]} for t in (-1, 0, 1)]
    ).encode(),
    "vectors.safetensors": save({"vectors": np.eye(2, 4, dtype=np.float32)}, {"encoder": "bundled"}),
    "documents.json": json.dumps({"corpus": "ab" * 32, "topics": [0, 1, -1]}).encode(),
}


def plain_run(data: bytes, folder: Path) -> object:
    name, content = chosen(data, tuple(PLAIN))
    for other, sound in {**PLAIN, name: content}.items():
        written(sound, folder / other)
    return read_plain(folder, "plain")


def cached(data: bytes, folder: Path) -> object:
    """A spoilt entry is computed again; a spoilt segment of vectors is passed over."""
    vectors = VectorCache(folder, "encoder")
    vectors.folder.mkdir(parents=True, exist_ok=True)
    for rest in vectors.folder.iterdir():
        rest.unlink()
    written(data, vectors.folder / "spoilt.safetensors")
    known, found = vectors.find(["a", "b"])
    assert found.shape == (2, 4 if known.any() else 0)
    assert np.isfinite(found).all()
    (folder / "stage").mkdir(exist_ok=True)
    written(data, folder / "stage" / "key.safetensors")
    return Cache(folder).remember("stage", "key", lambda: {"vectors": np.zeros(1)})


def cache_seeds() -> list[bytes]:
    with TemporaryDirectory() as place:
        vectors = VectorCache(Path(place), "encoder")
        vectors.add(["a", "b"], np.eye(2, 4, dtype=np.float32))
        return [path.read_bytes() for path in vectors.folder.iterdir()]


MARKUP = ("<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "<a>", "</a>", 'r="A1"', 't="s"', "<v>", "1e999", "NaN")
JSON = ("{", "}", "[", "]", '":', "null", "1e999", "-0", "\\ud800", "\\u0000", '"data"', '"kind"', '"text"',
        '"id"', '"Listing"', '"children"', "Infinity", '"includes"', '"referenced_tweets"')  # fmt: skip
YAML = (
    "themes:",
    "- key:",
    "&a",
    "*a",
    "<<:",
    "!!python/object",
    "? ",
    "| ",
    "> ",
    '"\\ud800"',
    '"\\0"',
    "%YAML",
)
TOML = (
    "[[sources]]",
    "[sweep.search]",
    "a.a.a",
    "inf",
    "nan",
    "1979-05-27",
    '"""',
    "'''",
    "\\ud800",
    "0x",
    "= {",
)
CSV = ('"', '""', '","', "\r", "\n", "\0", ";", "\t", "\ufeff", "1e+22", "=1", "text", "id")

TARGETS = {
    "any file": Target(
        ingest, lambda: [*csv_seeds(), *json_seeds(), *parquet_seeds()], (*CSV, *JSON, "PAR1")
    ),
    "csv": Target(lambda data, folder: ingest(data, folder, "csv"), csv_seeds, CSV),
    "tsv": Target(lambda data, folder: ingest(data, folder, "tsv"), lambda: csv_seeds()[2:3], CSV),
    "jsonl": Target(lambda data, folder: ingest(data, folder, "jsonl"), json_seeds, JSON),
    "platform json": Target(platform, platform_seeds, JSON),
    "parquet": Target(ingest, parquet_seeds, ("PAR1",)),
    "xlsx": Target(ingest, lambda: [zipped(workbook())], ("PK\x03\x04", "PK\x01\x02", "PK\x05\x06")),
    "xlsx parts": Target(sheet, lambda: numbered(workbook(), PARTS), MARKUP),
    "gzip": Target(ingest, lambda: [gzip.compress(seed) for seed in csv_seeds()]),
    "zstd": Target(ingest, lambda: [zstandard.compress(seed) for seed in csv_seeds()]),
    "codebook": Target(codebook, lambda: [CODEBOOK.encode(), RICH_CODEBOOK.encode()], YAML),
    "experiment": Target(
        experiment, lambda: [EXPERIMENT.encode(), f"{EXPERIMENT}{RICH_EXPERIMENT}".encode()], TOML
    ),
    "labels": Target(labels, lambda: [LABELS.encode(), *label_parquet()], (*CSV, "PAR1")),
    "label csv": Target(reads_only(".csv"), lambda: of_exports(".csv"), CSV),
    "label parquet": Target(reads_only(".parquet"), lambda: of_exports(".parquet"), ("PAR1",)),
    "label studio": Target(
        reads_only(".json"), lambda: of_exports(".json"), (*JSON, '"annotations"', '"result"')
    ),
    "qdpx": Target(
        reads_only(".qdpx"), lambda: of_exports(".qdpx"), ("PK\x03\x04", "PK\x01\x02", "PK\x05\x06")
    ),
    "refi-qda": Target(project, project_seeds, MARKUP),
    "label file": Target(label_file, lambda: of_exports(".sqlite")),
    "model": Target(model, model_seeds, (*JSON, "PAR1")),
    "manifest": Target(manifest, lambda: [(kept()[1] / MANIFEST).read_bytes()], JSON),
    "plain run": Target(plain_run, lambda: numbered(PLAIN, tuple(PLAIN)), JSON),
    "cache": Target(cached, cache_seeds, JSON),
}
