"""A study as it stands: its messages as they are now, and what its newest run says of them."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from themeloom.config import Experiment
from themeloom.corpus.anonymise import anonymise
from themeloom.corpus.dates import calendar_note
from themeloom.corpus.ingest import read_sources
from themeloom.corpus.language import language_note
from themeloom.corpus.repeats import find_repeats
from themeloom.corpus.sufficiency import group_note
from themeloom.corpus.vault import Vault
from themeloom.discovery.length import length_note, unread_note
from themeloom.discovery.weights import KNOWN
from themeloom.errors import InputError, ModelError
from themeloom.history import store
from themeloom.history.registry import model_folder
from themeloom.progress import Stages
from themeloom.records import Corpus, Doubles, Ints, RawCorpus, RunRecord, UniqueCorpus
from themeloom.system.folders import Folders

_RUN = re.compile(r"-\d{8}-\d{6}-[0-9a-f]{4}$")  # of a run's name, after that of its study
MOST_REASONS = 3
"""Reasons for which rows are set aside that are told one by one."""


def read_messages(config: Experiment, stages: Stages) -> tuple[RawCorpus, UniqueCorpus]:
    """Read a study's rows, and find which of them are unique messages.

    Raises
    ------
    ThemeloomError
        If a source has a fault.
    """
    with stages("ingest") as progress:
        raw = read_sources(config.sources, config.ingest, progress)
    with stages("repeats") as progress:
        return raw, find_repeats(raw, config.repeats, progress)


def read_corpus(config: Experiment, folders: Folders, stages: Stages) -> Corpus:
    """Read a study's unique communications, masked; who watches is told what a reader of them has to know.

    Raises
    ------
    ThemeloomError
        If a source has a fault.
    """
    vault = vault_of(config, folders, stages)
    raw, unique = read_messages(config, stages)
    with stages("anonymise") as progress:
        corpus = anonymise(unique, config.anonymise, vault, progress)
    notes = aside_note(raw.unreadable, unique.flow.identified), *corpus_notes(config, unique, corpus)
    for note in filter(None, notes):
        stages.watcher.tell(note)
    return corpus


def vault_of(config: Experiment, folders: Folders, stages: Stages) -> Vault:
    """Open a study's private folder; tell of a new key where something is there that had another one.

    Raises
    ------
    ThemeloomError
        If the folder cannot be used, or the key is damaged.
    """
    study = config.study.name
    vault = Vault.open(folders.private, study)
    if vault.new and (made := _keyed(study, folders)):
        stages.watcher.tell(
            f"{vault.folder}: the study's key was not here, so a new one was made, though {made[0]} is "
            "there: its ids cannot be led back by this key. Put the folder back from a backup, if there is "
            "one; many leave out folders whose names begin with a dot."
        )
    return vault


def vault_for_audit(config: Experiment, folders: Folders, stages: Stages) -> Vault:
    """Open a study's private folder for whoever asks for ids; tell of a key that is new.

    Raises
    ------
    InputError
        If something is there without the key that it was made with: a new one would lead to none of its ids.
    ThemeloomError
        If the folder cannot be used, or the key is damaged.
    """
    study = config.study.name
    key = folders.key(study)
    if not key.exists() and (made := _keyed(study, folders)):
        raise InputError(
            f"{key}: is missing, though {made[0]} is there, and a new key gives other doc_ids; put it back "
            "from a backup, or name the folder that it is in by --root."
        )
    vault = Vault.open(folders.private, study)
    if vault.new:
        stages.watcher.tell(
            f"The study '{study}' had no key in {folders.root.resolve()} yet, so that one was made now: the "
            "doc_ids are those of runs to come here. If it was run elsewhere, name that folder by --root."
        )
    return vault


def _keyed(study: str, folders: Folders) -> list[Path]:
    """List what is there of a study that holds ids made with its key: its label file and its models."""
    labels = [file for file in (folders.label_file(study),) if file.exists()]
    return labels + [one for one in store.models(folders.models) if _RUN.sub("", one.name) == study]


def aside_note(unreadable: pl.DataFrame, rows: int) -> str:
    """Say how many rows are set aside, for which reasons, and where the first of each is; empty if none is.

    Parameters
    ----------
    unreadable
        The rows that could not be read (UNREADABLE).
    rows
        How many there are, read or not.
    """
    if unreadable.is_empty():
        return ""
    reasons = unreadable.group_by("reason", maintain_order=True).agg(pl.len(), pl.first("file", "line"))
    most = reasons.sort("len", descending=True, maintain_order=True)
    told = [
        f"{row['len']:,} as {row['file']}:{row['line']} ({row['reason']})"
        for row in most.head(MOST_REASONS).iter_rows(named=True)
    ]
    if rest := int(most["len"][MOST_REASONS:].sum()):
        told.append(f"{rest:,} for other reasons")
    return (
        f"{len(unreadable):,} of {rows:,} rows cannot be read and are set aside: {', '.join(told)}. Nobody "
        "sees or codes these messages: mend the source, or what the experiment file says of it."
    )


def corpus_notes(config: Experiment, unique: UniqueCorpus, corpus: Corpus) -> tuple[str, ...]:
    """Say what a reader has to know of a study's messages, if anything: on which a run does less well.

    Parameters
    ----------
    config
        The experiment.
    unique
        The messages as they were written.
    corpus
        The same, masked.
    """
    english = config.encoder.name in KNOWN
    found = (
        language_note(unique.messages, names=config.anonymise.names, english=english),
        group_note(unique.messages, asked=_asks_for_groups(config)),
        calendar_note(unique.messages["created_at"], datetime.now(UTC)),
        length_note(corpus.texts, config.encoder),
        unread_note(corpus.texts, config.encoder),
    )
    return tuple(filter(None, found))


def _asks_for_groups(config: Experiment) -> bool:
    return any(source.group or source.columns.group for source in config.sources)


def newest_run(
    study: str, folders: Folders, model: str | Path | None, *, needed: str, cure: str
) -> RunRecord:
    """Load the model asked for, or the newest of the study.

    Parameters
    ----------
    study
        The study's name.
    folders
        Where models are.
    model
        The model asked for, if any: a folder, or as `model_folder` takes it.
    needed, cure
        What a run is needed for, and how to mend it where there is none: for the message.

    Raises
    ------
    ModelError
        If there is none, or it is not sound.
    TrackingError
        If MLflow has no such model, or cannot be reached.
    """
    if model is not None:
        return store.load(model_folder(str(model), folders.root))
    for folder in reversed(store.models(folders.models)):
        if folder.name.startswith(f"{study}-") and (record := store.load(folder)).study == study:
            return record
    raise ModelError(f"{folders.models}: holds no run of the study '{study}', and {needed}; {cure}.")


def message_topics(record: RunRecord, doc_ids: list[str]) -> Ints:
    """Give each message the topic that the run gave it; -1 where it gave none.

    Raises
    ------
    ModelError
        If the run had none of the messages.
    """
    place = _places(record, doc_ids)
    return np.where(place < 0, -1, record.discovery.clusters.topic[place])


def message_posterior(record: RunRecord, doc_ids: list[str]) -> Doubles:
    """Give each message its posterior over themes, (messages, themes); NaN where the run has none.

    Raises
    ------
    ModelError
        If the run had none of the messages.
    """
    place = _places(record, doc_ids)
    return np.where(place[:, None] < 0, np.nan, record.mapping.messages[place])


def _places(record: RunRecord, doc_ids: list[str]) -> Ints:
    """Where in the run each message is; -1 where the run did not have it."""
    places = {doc_id: place for place, doc_id in enumerate(record.communications["doc_id"])}
    found = np.array([places.get(one, -1) for one in doc_ids], np.int64)
    if not (found >= 0).any():
        raise ModelError(
            f"{record.run}: has none of this study's messages (another study, or another key in "
            ".themeloom/private); name a run of this study by --model."
        )
    return found
