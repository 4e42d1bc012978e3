"""The study's label file as the labels of an experiment: ``[themes] labels = "label-store"``."""

import hashlib
import io
from pathlib import Path
from typing import Any

import polars as pl

from themeloom.config import LABEL_STORE, Experiment
from themeloom.errors import LabelError, ThemeloomError
from themeloom.labelling.codebooks import changes, newest
from themeloom.labelling.collected import Collected
from themeloom.labelling.exports import everything, label_table
from themeloom.labelling.store import Store
from themeloom.system.atomic import whole_file
from themeloom.system.folders import Folders
from themeloom.themes.codebook import read_codebook

INCLUSION = "inclusion_probability"


def uses_store(config: Experiment) -> bool:
    """Tell whether an experiment's labels are those of its label file."""
    return config.themes.labels == LABEL_STORE


def drawn_already(config: Experiment, folders: Folders) -> list[str]:
    """Name the messages that are in the label file's sample, if there is a label file."""
    path = folders.label_file(config.study.name)
    if not path.exists():
        return []
    with Store.open(path, config.study.name) as store:
        return [row["doc_id"] for row in store.messages()]


def read_instead(config: Experiment) -> str:
    """Tell what a run reads that does not read what is coded on the page; empty where it does."""
    if uses_store(config):
        return ""
    name = Path(config.themes.labels).name
    return f'a run reads {name}; set themes.labels = "{LABEL_STORE}" to read what is coded on the page.'


def told_unread(config: Experiment, folders: Folders) -> str:
    """Tell of codes in the study's label file that a run does not read; empty where there are none."""
    path, instead = folders.label_file(config.study.name), read_instead(config)
    if not instead or not path.exists():
        return ""
    try:
        with Store.open(path, config.study.name) as store:
            found = everything(store)
    except ThemeloomError:  # nobody asked for this file: its fault is told where it is used
        return ""
    number = len(found.codes) + len(found.decisions)
    return f"{path}: holds {number:,} codes that are not read: {instead}" if number else ""


def told_codebook(config: Experiment, folders: Folders) -> str:
    """Tell that coders see another codebook than a run reads; empty where it is the same, or none is seen."""
    path = folders.label_file(config.study.name)
    if not uses_store(config) or not path.exists():
        return ""
    try:
        given = read_codebook(config.themes.codebook)
        with Store.open(path, config.study.name) as store:
            version, seen = newest(store)
    except ThemeloomError:  # told as a fault of the run
        return ""
    if not (changed := changes(seen, given)):
        return ""
    return (
        f"{config.themes.codebook}: differs from version {version}, which coders see "
        f"({'; '.join(changed)}); nobody has coded by it yet, but a run reads it. Take it in as a new "
        "version by `themeloom label`."
    )


def with_labels(config: Experiment, folders: Folders) -> Experiment:
    """Let an experiment that names the label store read what is in it now; others stay as they are.

    What is read is a copy, named by what it holds: a run tells its digest, and goes on with it while people
    code. Codes that were given with the model's guess in sight are left out unless ``themes.assisted`` says
    otherwise.

    Raises
    ------
    LabelError
        If nobody has coded anything, or the label file has a fault.
    """
    if not uses_store(config):
        return config
    path = folders.label_file(config.study.name)
    with Store.open(path, config.study.name, make=False) as store:
        found = everything(store)
    table = _coded(label_table(found, assisted=config.themes.assisted), found)
    coders = tuple(name for name in found.coders if table[name].is_not_null().any())
    if not coders:
        raise LabelError(f"{path}: {_why_none(found)}")
    table = table.select("doc_id", INCLUSION, *coders, "adjudicated")
    labels = _kept(table, folders.cache / "labels" / config.study.name)
    known = {"labels": str(labels), "key": "doc_id", "coders": coders, "adjudicated": "adjudicated"}
    themes = config.themes.model_copy(update={**known, **_design(config, found)})
    return config.model_copy(update={"themes": themes})


def left_out(config: Experiment, folders: Folders) -> dict[str, int]:
    """Count what was coded in the label file and gives no label; empty without the label store.

    Returns
    -------
    dict[str, int]
        Messages found ``unclear``, those with ``guessed`` codes alone (given with the model's guess in
        sight), and all ``assisted`` codes that do not count.

    Raises
    ------
    ThemeloomError
        As `with_labels`.
    """
    if not uses_store(config):
        return {}
    with Store.open(folders.label_file(config.study.name), config.study.name, make=False) as store:
        found = everything(store)
    said = [*found.codes, *found.decisions]
    unclear = {one.doc_id for one in found.decisions if one.unclear}
    given = [one for one in said if one.code is not None and one.doc_id not in unclear]
    counted = {one.doc_id for one in given if config.themes.assisted or not one.assisted}
    coded = {one.doc_id for one in given}
    return {
        "unclear": len({one.doc_id for one in said} - coded),
        "guessed": len(coded - counted),
        "assisted": 0 if config.themes.assisted else sum(bool(one.assisted) for one in given),
    }


def _why_none(found: Collected) -> str:
    given = [one for one in found.codes if one.code is not None]
    if given and all(one.assisted for one in given):
        return (
            f"all codes ({len(given):,}) were given with the model's guess in sight; set themes.assisted = "
            "true, or code messages without it."
        )
    if found.codes:
        return (
            "no code counts, as messages are unclear or were coded with the model's guess in sight; code "
            "more of them by `themeloom label`."
        )
    return "nobody has coded a message yet; `themeloom label` opens the page for it."


def _coded(table: pl.DataFrame, found: Collected) -> pl.DataFrame:
    """Keep the messages that somebody coded; how likely each was to be among these."""
    codes = [*found.coders, "adjudicated"]
    coded = table.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in codes))
    batches = pl.DataFrame(
        {
            "doc_id": [message["doc_id"] for message in found.messages],
            "batch": [message["batch"] for message in found.messages],
        },
        schema={"doc_id": pl.String, "batch": pl.Int64},
    )
    sizes = batches.group_by("batch").len("drawn")
    done = coded.join(batches, on="doc_id", maintain_order="left").join(
        sizes, on="batch", maintain_order="left"
    )
    share = pl.len().over("batch") / pl.col("drawn")  # each coder's order is a lot: those coded are drawn too
    return done.with_columns(pl.col(INCLUSION) * share).select(table.columns)


def _design(config: Experiment, found: Collected) -> dict[str, Any]:
    """Tell how messages were drawn, unless the experiment does."""
    if config.themes.sample == "random" or config.themes.inclusion is not None:
        return {}
    if {message["design"] for message in found.messages} == {"random"}:
        return {"sample": "random"}
    known = any(message["inclusion"] is not None for message in found.messages)
    return {"inclusion": INCLUSION} if known else {}


def _kept(table: pl.DataFrame, folder: Path) -> Path:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = folder / f"label-store-{digest[:12]}.parquet"
    if not path.exists():
        with whole_file(path) as draft:
            draft.write_bytes(buffer.getvalue())
    return path
