"""What a label store holds beside a run's labels: codes that are not read, the codebook that coders see."""

from pathlib import Path

from themeloom.config import LABEL_STORE, Experiment
from themeloom.errors import ThemeloomError
from themeloom.labelling.codebooks import changes, newest
from themeloom.labelling.exports import everything
from themeloom.labelling.store import Store
from themeloom.studies.label_store import uses_store
from themeloom.system.folders import Folders
from themeloom.themes.codebook import read_codebook


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
