"""The study's label file as the labels of an experiment: ``[themes] labels = "label-store"``."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from themeloom.config import LABEL_STORE, Experiment
from themeloom.corpus.vault import Vault
from themeloom.errors import LabelError
from themeloom.labelling.codebooks import keys_of_versions
from themeloom.labelling.collected import Collected
from themeloom.labelling.exports import everything, label_table
from themeloom.labelling.store import Store
from themeloom.records import Codebook, Corpus, LabelledSample
from themeloom.running.authors import authors_of
from themeloom.studies.drawings import Drawn, drawn_of
from themeloom.system.atomic import whole_file
from themeloom.system.folders import Folders
from themeloom.system.provenance import file_digest
from themeloom.system.sheets import UNCLEAR
from themeloom.themes.folds import check_sample
from themeloom.themes.sample import read_labels

INCLUSION = "inclusion_probability"
LATE = 0.05
"""Share of the codes that may have been given before a theme was there, and nothing is said of it."""
SHOWN = 20  # codes that are told one by one
CROSSWALK = {"source_id": pl.String, "doc_id": pl.String}

Rows = list[dict[str, Any]]


def uses_store(config: Experiment) -> bool:
    """Tell whether an experiment's labels are those of its label file."""
    return config.themes.labels == LABEL_STORE


def listed_in_store(config: Experiment, folders: Folders) -> list[str]:
    """Name the messages of the label file's sample, as they were drawn; none where there is no label file."""
    path = folders.label_file(config.study.name)
    if not path.exists():
        return []
    with Store.open(path, config.study.name) as store:
        return [row["doc_id"] for row in store.messages()]


def drawn_already(config: Experiment, folders: Folders, corpus: Corpus) -> list[str]:
    """Name the messages that are in the label file's sample, as they are now, if there is a label file."""
    listed = listed_in_store(config, folders)
    return list(dict.fromkeys(_now(config, folders, corpus, listed).values()))


@dataclass(frozen=True, slots=True)
class StudyLabels:
    """The labels of a study, and what its experiment then says of them."""

    config: Experiment
    sample: LabelledSample
    note: str = ""  # what a reader has to know of them
    copy: Path | None = None  # of the label store: what was read
    left_out: dict[str, int] = field(default_factory=dict)  # of the label store: `Collected.left_out`

    @property
    def digest(self) -> dict[str, str]:
        """The copy's SHA-256, by the label store's name."""
        return {} if self.copy is None else {LABEL_STORE: file_digest(self.copy)}


def begun(config: Experiment, folders: Folders) -> Experiment:
    """Give an experiment back, if there are codes in the label store where its labels are those.

    Raises
    ------
    LabelError
        If nobody has coded anything, or the label file has a fault: told before the sources are read.
    """
    if uses_store(config):
        _read(config, folders)
    return config


def checked_labels(config: Experiment, folders: Folders, codebook: Codebook, corpus: Corpus) -> StudyLabels:
    """Read a study's labels (`labels_of`), and make sure that they can be cross-fitted."""
    read = labels_of(config, folders, codebook, corpus)
    named = str(folders.label_file(config.study.name)) if uses_store(config) else config.themes.labels
    themes = read.config.themes.model_copy(update={"labels": named})
    check_sample(read.sample, authors_of(corpus)[read.sample.position], themes, config.validate_)
    return read


def labels_of(config: Experiment, folders: Folders, codebook: Codebook, corpus: Corpus) -> StudyLabels:
    """Read a study's labels: its label file, or what is in the label store now.

    Of the store a copy is read, named by what it holds: a run tells its digest, and goes on with it while
    people code. Codes that were given with the model's guess in sight are left out unless
    ``themes.assisted`` says otherwise. A message that is a repeat now lends its codes to the one that stands
    for it; one that is in the corpus no more is left out. The store knows how messages were drawn, unless
    the experiment says that they are a random sample.

    Raises
    ------
    LabelError
        If nobody has coded anything, none of it is in the corpus, or the labels have a fault.
    """
    doc_ids = corpus.communications["doc_id"].to_list()
    if not uses_store(config):
        sample = read_labels(config.themes, codebook, corpus.crosswalk, doc_ids, corpus.aside)
        return StudyLabels(config, sample)
    path = folders.label_file(config.study.name)
    found, versions = _read(config, folders)
    _check_codes(path, found, codebook)
    now = _now(config, folders, corpus, [message["doc_id"] for message in found.messages])
    rows, notes = _present(path, found, label_table(found, assisted=config.themes.assisted).to_dicts(), now)
    drawn = None
    if config.themes.sample != "random":
        drawn = _drawn(found, rows, now, len(doc_ids))
    notes += _late(found, {row["doc_id"] for row in rows}, versions, codebook)
    coders = tuple(name for name in found.coders if any(row[name] for row in rows))
    copy = _kept(_table(rows, coders, now, drawn), folders.cache / "labels" / config.study.name)
    known = {"key": "doc_id", "coders": coders, "adjudicated": "adjudicated", **_design(drawn)}
    themes = config.themes.model_copy(update=known)
    crosswalk = pl.DataFrame({"source_id": list(now), "doc_id": list(now.values())}, CROSSWALK)
    sample = read_labels(themes.model_copy(update={"labels": str(copy)}), codebook, crosswalk, doc_ids)
    sample = replace(sample, unfit=drawn.unfit if drawn else "")
    config, left_out = config.model_copy(update={"themes": themes}), found.left_out(assisted=themes.assisted)
    return StudyLabels(config, sample, " ".join(notes), copy, left_out)


def _read(config: Experiment, folders: Folders) -> tuple[Collected, dict[int, tuple[str, ...]]]:
    """Read all that was said, and the keys of each version of the codebook."""
    path = folders.label_file(config.study.name)
    with Store.open(path, config.study.name, make=False) as store:
        found, versions = everything(store), keys_of_versions(store)
    if not _coded(found, label_table(found, assisted=config.themes.assisted).to_dicts()):
        raise LabelError(f"{path}: {_why_none(found)}")
    return found, versions


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


def _coded(found: Collected, rows: Rows) -> Rows:
    """Keep the messages to which somebody gave a code; 'unclear' is none."""
    none = {None, UNCLEAR} - set(found.codebook.keys)
    return [row for row in rows if any(row[name] not in none for name in (*found.coders, "adjudicated"))]


def _check_codes(path: Path, found: Collected, codebook: Codebook) -> None:
    """Make sure that the codebook still has each code that was given."""
    given = [(f"{one.coder} gave", one) for one in found.codes]
    given += [(f"{one.coder} decided", one) for one in found.decisions]
    faults = [
        f"{path}: {who} '{one.code}' for the message {one.doc_id}, which is no code of the codebook; keep "
        "its entry, and say in its definition that it is used no more, or code the message anew."
        for who, one in given
        if one.code is not None and one.code not in codebook.keys
    ]
    more = [f"{path}: {len(faults) - SHOWN} more codes like these."] if len(faults) > SHOWN else []
    if faults:
        raise LabelError(*faults[:SHOWN], *more)


def _now(config: Experiment, folders: Folders, corpus: Corpus, listed: Sequence[str]) -> dict[str, str]:
    """Tell under which id each listed message is in the corpus now, if it is: what it repeats, perhaps."""
    known = set(corpus.communications["doc_id"])
    now = {one: one for one in listed if one in known}
    gone = set(listed) - known
    if gone:
        vault = Vault.open(folders.private, config.study.name)
        pairs = corpus.crosswalk.select("source_id", "doc_id").iter_rows()
        of_repeat = ((vault.doc_id(source_id), doc_id) for source_id, doc_id in pairs)
        now |= {one: doc_id for one, doc_id in of_repeat if one in gone and doc_id in known}
    return now


def _present(path: Path, found: Collected, rows: Rows, now: dict[str, str]) -> tuple[Rows, tuple[str, ...]]:
    """Keep the coded messages that are in the corpus; tell of others, and of repeats coded unlike."""
    columns = (*found.coders, "adjudicated")
    coded = _coded(found, rows)
    there = [row for row in coded if row["doc_id"] in now]
    if not there:
        raise LabelError(
            f"{path}: none of its {len(coded):,} coded messages is in the corpus; give the sources of this "
            "study, and the key in .themeloom/private that it was begun with."
        )
    notes = []
    if gone := len(coded) - len(there):
        notes.append(
            f"{path}: {gone:,} coded message(s) are in the corpus no more; their codes are left out."
        )
    if unlike := sum(_without_unlike(there, name, now) for name in columns):
        notes.append(
            f"{path}: {unlike:,} message(s) are repeats of each other in the corpus as it is now, and have "
            "different codes by one coder, or decisions; these are left out until they are the same."
        )
    kept = _coded(found, there)
    if not kept:
        raise LabelError(*notes)
    return kept, tuple(notes)


def _without_unlike(rows: Rows, column: str, now: dict[str, str]) -> int:
    """Take away what one column says of repeats of one message, where that differs; tell of how many rows."""
    said: dict[str, set[str]] = {}
    for row in rows:
        said.setdefault(now[row["doc_id"]], set()).update({row[column]} - {None})
    unlike = [row for row in rows if row[column] and len(said[now[row["doc_id"]]]) > 1]
    for row in unlike:
        row[column] = None
    return len(unlike)


def _drawn(found: Collected, rows: Rows, now: dict[str, str], communications: int) -> Drawn | None:
    return drawn_of(
        found.messages,
        there=now.keys(),
        coded={row["doc_id"] for row in rows},
        communications=communications,
    )


def _late(
    found: Collected, coded: set[str], versions: dict[int, tuple[str, ...]], codebook: Codebook
) -> tuple[str, ...]:
    """Tell of themes that were not in the codebook yet when many of the codes were given."""
    decided = {one.doc_id for one in found.decisions}
    counted = [*found.decisions, *(one for one in found.codes if one.doc_id not in decided)]
    under = [one.codebook for one in counted if one.code and one.doc_id in coded and one.codebook in versions]
    before = {key: sum(key not in versions[version] for version in under) for key in codebook.keys}
    return tuple(
        f"{number:,} of {len(under):,} codes were given before the codebook had '{key}': its share is told "
        "too low, unless these messages are coded anew."
        for key, number in before.items()
        if number > LATE * len(under)
    )


def _table(rows: Rows, coders: tuple[str, ...], now: dict[str, str], drawn: Drawn | None) -> pl.DataFrame:
    """Make the label file that is read; repeats of one message have the greatest of their probabilities."""
    most: dict[str, float] = {}
    for doc_id, inclusion in (drawn.inclusion if drawn else {}).items():
        most[now[doc_id]] = max(inclusion, most.get(now[doc_id], 0.0))
    known = [{**row, INCLUSION: most.get(now[row["doc_id"]])} for row in rows]
    texts = dict.fromkeys((*coders, "adjudicated"), pl.String)
    return pl.DataFrame(known, schema={"doc_id": pl.String, INCLUSION: pl.Float64, **texts})


def _design(drawn: Drawn | None) -> dict[str, Any]:
    """Tell how messages were drawn, where the store knows; the experiment may."""
    if drawn is None:
        return {}
    return {"sample": "random"} if drawn.random else {"inclusion": INCLUSION}


def _kept(table: pl.DataFrame, folder: Path) -> Path:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path = folder / f"label-store-{digest[:12]}.parquet"
    if not path.exists():
        with whole_file(path) as draft:
            draft.write_bytes(buffer.getvalue())
    return path
