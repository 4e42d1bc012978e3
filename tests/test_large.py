"""A run whose topics are found in a sample: all of a run is there, and it says so wherever it is read."""

from datetime import UTC, datetime

import numpy as np
import pytest

from invented import SAYINGS, messages
from themeloom.experiment import read_experiment
from themeloom.history import store
from themeloom.model import Model
from themeloom.pipeline import keep, prepare, to_record
from themeloom.progress import Stages
from themeloom.running.learning import learn_study
from themeloom.system.folders import Folders

WHEN = ("in the morning before work", "as my neighbour keeps telling everybody")
EXPERIMENT = """\
[study]
name = "large"

[[sources]]
path = "messages.csv"
columns = { id = "id", text = "text" }

[repeats]
near_duplicates = 1.0

[adapt]
layers = 1
steps = 2

[discover]
sample = 130
vectors = "VECTORS"

[cluster]
min_cluster_size = 10

[themes]
codebook = "codebook.yaml"
labels = "labels.csv"

[validate]
folds = 2
bootstrap = 100
"""


@pytest.fixture(scope="module", params=["raw", "raw+adapted"])
def made(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("large")
    texts, themes = messages()
    texts, themes = [f"{text} {when}" for when in WHEN for text in texts], themes * 2
    keys = list(SAYINGS)
    rows = [f'm{at},"{text}"' for at, text in enumerate(texts)]
    (root / "messages.csv").write_text("\n".join(["id,text", *rows]) + "\n", encoding="utf-8")
    labels = [f"m{at},{keys[themes[at]]}" for at in range(0, len(texts), 5)]
    (root / "labels.csv").write_text("\n".join(["id,coder", *labels]) + "\n", encoding="utf-8")
    book = [f"  - {{key: {key}, name: {key.title()}, definition: A {key}.}}" for key in keys]
    (root / "codebook.yaml").write_text("\n".join(["themes:", *book]) + "\n", encoding="utf-8")
    experiment = EXPERIMENT.replace("VECTORS", request.param)
    (root / "experiment.toml").write_text(experiment, encoding="utf-8")
    folders, stages = Folders(root), Stages()
    config = read_experiment(root / "experiment.toml")
    prepared = prepare(config, folders, stages)
    study = learn_study(config, prepared.corpus, prepared.codebook, prepared.sample, folders.cache, stages)
    record = to_record(config, prepared, study, stages, datetime.now(UTC))
    return record, *keep(record, folders, stages)


def test_every_communication_has_all_that_a_run_gives(made):
    record, *_ = made
    clusters = record.discovery.clusters
    assert len(clusters.topic) == len(record.communications) > 200
    assert record.mapping.messages.shape == (len(clusters.topic), 3)
    assert np.isfinite(record.mapping.messages).all()
    assert record.adapted.vectors.shape == record.discovery.embeddings.vectors.shape
    assert np.allclose(np.linalg.norm(record.adapted.vectors, axis=1), 1, atol=1e-4)
    assert np.isfinite(record.discovery.layout.plane).all()
    assert record.communications["theme"].null_count() == 0


def test_the_sample_is_told_in_the_record_the_report_and_the_card(made):
    record, folder, report = made
    note, size = record.discovery.clusters.note, len(record.communications)
    assert f" of {size:,} communications, all labelled ones among them" in note
    assert 0 <= record.quality.overall["placed_low"] <= record.quality.overall["placed"] <= 1
    assert f" of {size:,} communications, all labelled ones among them" in report.read_text(encoding="utf-8")
    assert note in (folder / "model_card.md").read_text(encoding="utf-8")


def test_labels_lie_in_the_sample(made):
    record, *_ = made
    child = record.discovery.clusters.tree["child"].to_numpy()
    assert set(record.labelled) <= set(child[child < len(record.communications)].tolist())


def test_the_model_comes_back_and_gives_its_messages_what_the_run_gave_them(made):
    record, folder, _ = made
    again = store.load(folder)
    assert again.discovery.clusters.note == record.discovery.clusters.note
    texts = record.communications["text"].to_list()
    assigned = Model(again).assign(texts, masked=True)
    assert assigned["topic"].to_list() == record.discovery.clusters.topic.tolist()
