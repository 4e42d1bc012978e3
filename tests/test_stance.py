"""The same command on real tweets, where the shared corpora are at hand; none of their text is kept."""

import csv
import os
import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

import themeloom

CORPORA = Path(os.environ.get("THEMELOOM_CORPORA", Path(__file__).parents[2] / "shared" / "data"))

EXPERIMENT = """\
[study]
name = "stance"

[[sources]]
path = "messages.csv"
columns = { id = "id", text = "text" }

[adapt]
enabled = false

[themes]
codebook = "codebook.yaml"
labels = "labels.csv"
"""


@pytest.mark.slow
@pytest.mark.skipif(not (CORPORA / "stance.csv").is_file(), reason="the shared corpora are not here")
def test_five_targets_are_found_among_real_tweets(tmp_path):
    with (CORPORA / "stance.csv").open(newline="", encoding="utf-8") as file:
        every = [(f"s{number}", row["text"], row["label"]) for number, row in enumerate(csv.DictReader(file))]
    rows = random.Random(0).sample(every, 900)  # noqa: S311
    coded = {source_id: label for source_id, _, label in rows}
    targets = sorted(set(coded.values()))
    with (tmp_path / "messages.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("id", "text"), *((i, text) for i, text, _ in rows)])
    entries = "".join(f"  - {{key: {key}, name: {key}, definition: tweets on {key}}}\n" for key in targets)
    (tmp_path / "codebook.yaml").write_text("themes:\n" + entries)
    audit_first = write_experiment(tmp_path)
    kept = audit_first.filter(outcome="kept")["source_id"].to_list()
    labelled = random.Random(1).sample(kept, 200)  # noqa: S311
    lines = [f"{source_id},{coded[source_id]}" for source_id in labelled]
    (tmp_path / "labels.csv").write_text("\n".join(["id,coder", *lines]) + "\n")

    result = themeloom.run(tmp_path / "experiment.toml", tmp_path)

    by_doc = dict(audit_first.filter(outcome="kept").select("doc_id", "source_id").iter_rows())
    table = result.communications
    truth = np.array([coded[by_doc[doc_id]] for doc_id in table["doc_id"]])
    unseen = np.array([by_doc[doc_id] not in set(labelled) for doc_id in table["doc_id"]])
    guess = table["theme"].fill_null("none").to_numpy()
    kappa = cohen_kappa_score(truth[unseen], guess[unseen])
    foretold = result.model.record.scores.lines["message level"]["kappa"]
    assert kappa > 0.5
    assert foretold.low < kappa < foretold.high
    assert (table["topic"] < 0).mean() < 0.05
    assert result.topics.height >= len(targets)


def write_experiment(folder):
    (folder / "experiment.toml").write_text(EXPERIMENT)
    return themeloom.audit(folder / "experiment.toml", folder)
