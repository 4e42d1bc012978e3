"""Imported by the process that others are forked from: what each would do first, it finds done.

Polars, UMAP and the encoder are not asked for anything here: they begin threads, which no fork takes along.
"""

import gc
from pathlib import Path
from tempfile import TemporaryDirectory

from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

from themeloom.config import AnonymiseConfig
from themeloom.corpus.recognise import recognise
from themeloom.history.backend import backend_of
from themeloom.history.connection import connection
from themeloom.reporting.html import FILTERS
from themeloom.reporting.page import make_environment

recognise(["They told Ada Lovelace nothing"], AnonymiseConfig())
_templates = make_environment(FILTERS)
for _name in _templates.list_templates(["html"]):
    _templates.get_template(_name)
warn_dependency_requirement_mismatches(["polars"])  # finds out which package each module is of
with TemporaryDirectory() as _folder, connection(backend_of(f"sqlite:///{_folder}/mlflow.db", Path(_folder))):
    pass
gc.freeze()  # what all share is not looked through, nor copied by that, in each
