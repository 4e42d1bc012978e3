"""Canaries, planted wherever something identifies somebody, and the search for them in what is written."""

import gzip
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest
from typer.main import get_command

from studies import CODEBOOK, EXPERIMENT, Study
from themeloom import cli

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

COMMANDS = dict(get_command(cli.app).commands)  # type: ignore[attr-defined]


def plant(study: Study) -> None:
    """Put what identifies into the texts, the authors and the ids of a small study; spoil a row."""
    texts = pl.read_csv(study.folder / "messages.csv")["text"].to_list()
    (study.folder / "messages.csv").unlink()
    write_messages(study, "messages.jsonl", texts)
    labels = (study.folder / "labels.csv").read_text(encoding="utf-8").splitlines()
    study.write(
        "labels.csv", "\n".join([labels[0], *(line.replace("m", ID, 1) for line in labels[1:])]) + "\n"
    )
    coded = [line.replace("m", ID, 1).split(",") for line in labels[1:]]
    rows = [
        f"{key},{code},{'waiting' if place % 5 else code},{code}" for place, (key, code) in enumerate(coded)
    ]
    study.write("two.csv", "\n".join(["id,ana,ben,agreed", *rows]) + "\n")
    study.write(
        "experiment.toml",
        EXPERIMENT.replace('"messages.csv"', '"messages.jsonl"\nformat = "x-v2"')
        .replace('columns = { id = "id", text = "text" }\n', "")
        .replace("steps = 2", "enabled = false")
        + '\n[anonymise]\nmask = ["Bumblethwacks"]\n\n[sweep]\ngrid = { "cluster.min_samples" = [1, 2] }\n',
    )
    study.write("codebook.yaml", CODEBOOK)


def write_messages(study: Study, name: str, texts: list[str], first: int = 0) -> None:
    """Write messages, each with a canary in it, and one that cannot be read."""
    kinds, lines = list(IN_TEXT), []
    for place, message in enumerate(texts, first):
        author = AUTHOR if place % 5 == 0 else f"{AUTHOR}-{place}"
        who = {"username": author, "id": f"{AUTHOR_ID}{place}", "name": AUTHOR}
        text = f"{message}, as told by {IN_TEXT[kinds[place % len(kinds)]]} to us"
        lines.append(json.dumps({"id": f"{ID}{place}", "text": text, "author": who, "author_id": who["id"]}))
    lines.append(f'{{"id": "{ID}broken", "text": "{SPOILT} of Siobhan Tremlowe", ')
    study.write(name, "\n".join(lines) + "\n")


class Speaker:
    """Gives commands in this process; keeps what they say, and which options they were given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        self.given: dict[str, set[str]] = {}

    def __call__(self, *arguments: object, code: int = 0) -> str:
        words = [str(argument) for argument in arguments]
        self.note(*words)
        name = self.next(words[0])
        with name.open("w", encoding="utf-8") as file, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["themeloom", *words])
            patch.setattr("sys.stdout", file)
            patch.setattr("sys.stderr", file)
            with pytest.raises(SystemExit) as stopped:
                cli.main()
        said = name.read_text(encoding="utf-8")
        assert (stopped.value.code or 0) == code, said
        return said

    def note(self, command: str, *words: str) -> None:
        """Note that a command was given, with what options."""
        names = {
            name: parameter.name for parameter in COMMANDS[command].params for name in all_names(parameter)
        }
        self.given.setdefault(command, set()).update(names[word] for word in words if word in names)

    def next(self, what: str, ending: str = "txt") -> Path:
        """Name a file for what is said next."""
        self.count += 1
        return self.folder / f"{self.count:03}-{what}.{ending}"


def all_names(parameter: object) -> list[str]:
    """Give what a parameter of a command is called; nothing if it is an argument."""
    if getattr(parameter, "param_type_name", "") != "option":
        return []
    return [*parameter.opts, *parameter.secondary_opts]  # type: ignore[attr-defined]


def found_in(raw: bytes, path: Path, canaries: tuple[str, ...] = CANARIES) -> set[str]:
    """Tell which canaries a file holds."""
    return {
        canary
        for said in map(bytes.lower, contents(raw, path))
        for canary in canaries
        if canary.lower().encode() in said
    }


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
