"""Nobody is exposed: strings planted in a small study, are searched for in all that it writes."""

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies import CODEBOOK, EXPERIMENT, Study, write_study
from themeloom import cli
from themeloom.addresses import public_uri
from themeloom.folders import Folders
from themeloom.history.backend import Backend

IN_TEXT = {
    "handle": "@quill_canary7",
    "link": "https://canary.example.org/wharf/8831",
    "email": "canary.mail@example.org",
    "phone": "07700 900362",
    "number": "943 476 5919",
    "postcode": "LS1 4AP",
    "person": "Siobhan Tremlowe",
    "titled person": "Dr Quillfeathers",
    "place": "Larchbeckton",
    "organisation": "Kestrelmoor Hospital",
    "always masked": "Bumblethwacks",
}
AUTHOR = "canaryauthor9"
AUTHOR_ID = "880077001442"
ID = "canaryid-"
SPOILT = "spoiltcanary"
PASSWORD = "hunter2canary"  # noqa: S105
CANARIES = (
    *IN_TEXT.values(),
    AUTHOR,
    AUTHOR_ID,
    ID,
    SPOILT,
    PASSWORD,
    "Tremlowe",
    "Quillfeathers",
    "quill_canary7",
)


def plant(study: Study) -> None:
    """Put what identifies into the texts, the authors and the ids of a small study; spoil a row."""
    rows = list(pl.read_csv(study.folder / "messages.csv").iter_rows(named=True))
    kinds = list(IN_TEXT)
    lines = []
    for place, row in enumerate(rows):
        text = f"{row['text']}, as told by {IN_TEXT[kinds[place % len(kinds)]]} to us"
        author = AUTHOR if place % 5 == 0 else f"{AUTHOR}-{place}"
        who = {"username": author, "id": f"{AUTHOR_ID}{place}", "name": AUTHOR}
        lines.append({"id": f"{ID}{place}", "text": text, "author": who, "author_id": who["id"]})
    body = [json.dumps(line) for line in lines]
    body += [f'{{"id": "{ID}broken", "text": "{SPOILT} of Siobhan Tremlowe", ']
    (study.folder / "messages.csv").unlink()
    study.write("messages.jsonl", "\n".join(body) + "\n")
    labels = (study.folder / "labels.csv").read_text(encoding="utf-8").splitlines()
    study.write(
        "labels.csv", "\n".join([labels[0], *(line.replace("m", ID, 1) for line in labels[1:])]) + "\n"
    )
    study.write(
        "experiment.toml",
        EXPERIMENT.replace('"messages.csv"', '"messages.jsonl"\nformat = "x-v2"')
        .replace('columns = { id = "id", text = "text" }\n', "")
        .replace("steps = 2", "enabled = false")
        + '\n[anonymise]\nmask = ["Bumblethwacks"]\n',
    )
    study.write("codebook.yaml", CODEBOOK)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Run the commands on the planted study; give the folder of all that they wrote and said."""
    base = tmp_path_factory.mktemp("exposure")
    study = write_study(base / "study")
    plant(study)
    root = base / "root"
    root.mkdir()
    said = base / "said"
    said.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        run_all(study, root, Speaker(patch, said))
    return base


class Speaker:
    """Gives commands in this process, and keeps what they say."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.patch, self.folder, self.count = patch, folder, 0

    def __call__(self, *arguments: object, code: int = 0) -> None:
        self.count += 1
        name = self.folder / f"{self.count:02}-{arguments[0]}.txt"
        with name.open("w", encoding="utf-8") as file, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["themeloom", *map(str, arguments)])
            patch.setattr("sys.stdout", file)
            patch.setattr("sys.stderr", file)
            with pytest.raises(SystemExit) as stopped:
                cli.main()
        assert (stopped.value.code or 0) == code, name.read_text(encoding="utf-8")


def run_all(study: Study, root: Path, say: Speaker) -> None:
    """Give every command that works on a study, well and badly."""
    here = ("--root", root)
    say("check", study.experiment, *here)
    say("run", study.experiment, *here, "--json", root / "run.json")
    first = newest(root)
    say("sample", study.experiment, "--out", root / "sheet.csv", "-n", 10, *here)
    say("undecided", first, "--out", root / "undecided.csv")
    say("plan", study.experiment, *here, "--json", root / "plan.json")
    say("assign", first, study.folder / "messages.jsonl", "--out", root / "assigned.csv", "--id", "id", *here)
    say(
        "assign",
        first,
        study.folder / "messages.jsonl",
        "--out",
        root / "assigned.parquet",
        "--id",
        "id",
        *here,
    )
    say("report", first, "--paper", root / "paper", "--out", root / "again.html", *here)
    for form in ("csv", "parquet", "xlsx", "docx"):
        say("export", first, "--format", form, "--out", root / f"themes.{form}", *here)
    study.rewrite("experiment.toml", 'name = "small"', 'name = "small"\nseed = 5')
    study.write(
        "away.toml",
        (study.folder / "experiment.toml").read_text(encoding="utf-8")
        + f'\n[tracking]\nuri = "postgresql://someone:{PASSWORD}@127.0.0.1:9/db?token={PASSWORD}"\n',
    )
    say("run", study.folder / "away.toml", *here)
    say("sync", *here, code=2)
    say(
        "compare",
        first,
        newest(root),
        "--out",
        root / "compared.html",
        "--json",
        root / "compared.json",
        *here,
    )
    say("register", first, "--name", "small", *here)
    study.rewrite("labels.csv", f"{ID}3,waiting", f"{ID}3,wating")
    study.rewrite("labels.csv", f"{ID}5,", f"{ID}999,")
    say("check", study.experiment, *here, code=2)
    say("run", study.experiment, *here, code=2)


def newest(root: Path) -> Path:
    return max((root / "models").iterdir(), key=lambda folder: folder.stat().st_mtime_ns)


def test_what_identifies_is_nowhere_but_in_the_sources_and_the_private_folder(written):
    private = Folders(written / "root").private
    files = [
        path
        for path in written.rglob("*")
        if path.is_file()
        and not path.is_relative_to(private)
        and not path.is_relative_to(written / "study")
        and not (path.stem == "assigned" and without_ids(path))
    ]
    assert {".parquet", ".html", ".xlsx", ".docx", ".db", ".json", ".csv", ".txt"} <= {
        f.suffix for f in files
    }
    leaks = {
        f"{path.relative_to(written)}: {canary}"
        for path in files
        for said in contents(path.read_bytes(), path)
        for canary in CANARIES
        if canary.lower().encode() in said.lower()
    }
    assert leaks == set()


SECRET = st.text("abcXYZ019:/@?#&=%", min_size=6, max_size=20).map(lambda text: f"s3cr{text}t")


@given(st.sampled_from(["http", "https", "postgresql", "mysql+pymysql"]), SECRET)
def test_no_secret_of_an_address_is_shown(scheme, secret):
    for place in (
        f"{scheme}://user:{quote(secret, safe='')}@host:5000/db",
        f"{scheme}://{quote(secret, safe='')}@host/db",
        f"{scheme}://host/db?token={quote(secret, safe='')}",
        f"{scheme}://host/db#token={quote(secret, safe='')}",
    ):
        assert public_uri(place).startswith(f"{scheme}://host")
        error = Backend(place, None, None, own=False).fault(
            f"no answer from {place}: {secret} refused", "mend it"
        )
        for shown in (public_uri(place), str(error)):
            assert "s3cr" not in shown


def test_the_search_finds_what_is_there(tmp_path):
    """The search itself is tried on each kind of file: it must be able to fail."""
    table = pl.DataFrame({"a": [AUTHOR] * 3})
    table.write_parquet(tmp_path / "a.parquet", compression="zstd")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", AUTHOR)
    (tmp_path / "a.gz").write_bytes(gzip.compress(AUTHOR.encode()))
    with closing(sqlite3.connect(tmp_path / "a.db")) as base, base:
        base.execute("CREATE TABLE t (x BLOB)")
        base.execute("INSERT INTO t VALUES (?)", (AUTHOR.encode(),))
    for path in tmp_path.iterdir():
        assert any(AUTHOR.encode() in said for said in contents(path.read_bytes(), path)), path


def without_ids(path: Path) -> bool:
    """Whether a table of new messages holds nothing that identifies but the ids that its user gave."""
    table = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    rest = table.drop("id", "source_id", strict=False).write_json().lower()
    return not any(canary.lower() in rest for canary in CANARIES)


def contents(raw: bytes, path: Path) -> Iterator[bytes]:
    """Give the bytes of a file, and what it holds once it is decoded."""
    yield str(path.name).encode()
    yield raw
    if raw[:4] == b"PAR1":
        yield pl.read_parquet(raw).write_json().encode()
    elif raw[:2] == b"\x1f\x8b":
        yield from contents(gzip.decompress(raw), path)
    elif raw[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield archive.read(name)
    elif raw[:15] == b"SQLite format 3":
        with closing(sqlite3.connect(path)) as base:
            yield "\n".join(base.iterdump()).encode(errors="replace")
            for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in base.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 (the file's own names)
                    yield b"\x00".join(x if isinstance(x, bytes) else str(x).encode() for x in row)
