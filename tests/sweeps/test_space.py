"""What a sweep tries."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themeloom.config import Experiment
from themeloom.errors import ConfigError
from themeloom.sweeps.space import (
    asked_of,
    configurations,
    configurations_in,
    public_settings,
    with_settings,
)

BASE = {
    "study": {"name": "small"},
    "sources": [{"path": "messages.csv"}],
    "themes": {"codebook": "codebook.yaml", "labels": "labels.csv"},
}


def experiment(**sweep):
    return Experiment.model_validate(BASE | {"sweep": sweep})


def test_a_grid_is_all_combinations_in_order_and_leaves_the_rest_as_it_is():
    config = experiment(grid={"reduce": {"neighbors": [5, 10]}, "themes.strategy": ["soft", "stacked"]})
    found = configurations(config)
    assert [tuple(each.values()) for each in found] == list(product([5, 10], ["soft", "stacked"]))
    changed = with_settings(config, found[1])
    assert (changed.reduce.neighbors, changed.themes.strategy) == (5, "stacked")
    assert changed.themes.codebook == "codebook.yaml"
    assert with_settings(config, {}) == config


@pytest.mark.parametrize(
    ("key", "values", "once"),
    [
        ("reduce.neighbors", [10, 10, 5], [10, 5]),
        ("themes.strategy", ["soft", "soft"], ["soft"]),
        ("reduce.min_dist", [0, 0.0, 0.1], [0, 0.1]),
    ],
)
def test_what_stands_twice_in_a_grid_is_one_configuration(key, values, once):
    assert configurations(experiment(grid={key: values})) == [{key: value} for value in once]


def test_what_is_asked_is_told_without_folders_of_the_user(tmp_path):
    folder = str(tmp_path / "encoder")
    assert public_settings({"encoder.name": folder, "adapt.steps": 2}, tmp_path.parent / "study") == {
        "encoder.name": "encoder",
        "adapt.steps": 2,
    }
    config = experiment(search={"encoder.name": [folder], "reduce.min_dist": {"low": 0.0, "high": 0.5}})
    assert asked_of(config, tmp_path / "study") == {
        "sweep.criterion.kappa": 1.0,
        "sweep.trials": 30,
        "sweep.seeds": 1,
        "sweep.search.encoder.name": ["encoder"],
        "sweep.search.reduce.min_dist": {"low": 0.0, "high": 0.5, "log": False},
    }
    assert "sweep.trials" not in asked_of(experiment(grid={"adapt.steps": [2, 3]}), tmp_path)


def test_a_fault_in_a_file_is_told_with_the_file():
    assert configurations_in("study.toml", experiment(grid={"reduce.neighbors": [5]}))
    with pytest.raises(ConfigError) as caught:
        configurations_in("study.toml", experiment(grid={"reduce.neighbours": [5], "study.seed": [1]}))
    assert [fault.partition(": ")[0] for fault in caught.value.faults] == ["study.toml"] * 2


def test_dotted_keys_may_be_quoted_or_not():
    assert configurations(experiment(grid={"reduce": {"neighbors": [5]}})) == configurations(
        experiment(grid={"reduce.neighbors": [5]})
    )


@settings(deadline=None)
@given(
    low=st.integers(2, 20),
    more=st.integers(1, 30),
    least=st.floats(0, 0.4),
    trials=st.integers(1, 12),
    log=st.booleans(),
    seed=st.integers(0, 100),
)
def test_draws_stay_in_their_spaces_and_are_the_same_again(low, more, least, trials, log, seed):
    config = experiment(
        search={
            "reduce": {"neighbors": {"low": low, "high": low + more, "log": log}},
            "reduce.min_dist": {"low": least, "high": 0.5},
            "cluster.selection": ["eom", "leaf"],
        },
        trials=trials,
    )
    config = config.model_copy(update={"study": config.study.model_copy(update={"seed": seed})})
    found = configurations(config)
    assert 1 <= len(found) <= trials
    for each in found:
        assert isinstance(each["reduce.neighbors"], int)
        assert low <= each["reduce.neighbors"] <= low + more
        assert least <= each["reduce.min_dist"] <= 0.5
        assert each["cluster.selection"] in {"eom", "leaf"}
        with_settings(config, each)
    assert configurations(config) == found


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        ({}, "sweep: needs either a grid or a search space"),
        (
            {"grid": {"reduce.neighbors": [5]}, "search": {"reduce.neighbors": [5]}},
            "sweep: needs either a grid or a search space",
        ),
        ({"grid": {"validate.folds": [3]}}, "sweep.grid.validate.folds: cannot be swept over"),
        ({"grid": {"themes.labels": ["x"]}}, "sweep.grid.themes.labels: cannot be swept over"),
        ({"grid": {"study.seed": [1]}}, "sweep.grid.study.seed: cannot be swept over"),
        ({"grid": {"reduce.neighbours": [5]}}, "sweep.grid.reduce.neighbours: unknown key"),
        ({"grid": {"reduce.neighbors": [5, 1]}}, "sweep.grid.reduce.neighbors: 1 cannot be tried"),
        ({"grid": {"reduce.neighbors": []}}, "sweep.grid.reduce.neighbors: has no values"),
        (
            {"search": {"reduce.min_dist": {"low": 0.5, "high": 0.1}}},
            "sweep.search.reduce.min_dist: low must be below high",
        ),
        (
            {"search": {"reduce.min_dist": {"low": 0.0, "high": 0.1, "log": True}}},
            "sweep.search.reduce.min_dist: low must be below high, and above 0",
        ),
        (
            {"search": {"reduce.min_dist": {"low": 0.5, "high": 2.0}}},
            "sweep.search.reduce.min_dist: 2.0 cannot be tried",
        ),
        (
            {"grid": {"reduce.neighbors": [5]}, "criterion": {"stability": 1.0}},
            "sweep.criterion: stability is over seeds",
        ),
    ],
)
def test_each_fault_is_told_with_its_place(sweep, sentence):
    with pytest.raises(ConfigError) as caught:
        configurations(experiment(**sweep))
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(sentence)
    assert caught.value.faults[0].endswith(".")


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        configurations(experiment(grid={"reduce.neighbors": [1, 0], "tracking.uri": ["x"]}))
    assert len(caught.value.faults) == 3


BOTH = {"adapt.enabled": [True, False], "discover.vectors": ["raw", "raw+adapted"]}


@pytest.mark.parametrize(
    ("where", "space", "base", "places"),
    [
        ("grid", BOTH, {}, "sweep.grid.adapt.enabled and sweep.grid.discover.vectors"),
        ("search", BOTH, {}, "sweep.search.adapt.enabled and sweep.search.discover.vectors"),
        (
            "grid",
            {"discover.vectors": ["raw", "raw+adapted"]},
            {"adapt": {"enabled": False}},
            "sweep.grid.discover.vectors",
        ),
        (
            "grid",
            {"adapt.enabled": [False]},
            {"discover": {"vectors": "raw+adapted"}},
            "sweep.grid.adapt.enabled",
        ),
    ],
)
def test_adapted_vectors_without_adaptation_are_told_before_anything_is_tried(where, space, base, places):
    config = Experiment.model_validate(BASE | base | {"sweep": {where: space, "trials": 12}})
    with pytest.raises(ConfigError) as told:
        configurations(config)
    assert told.value.faults == (
        f"{places}: adapt.enabled = false is tried with discover.vectors = 'raw+adapted', which asks for "
        "adapted vectors; leave one of the two out, or make two sweeps of it.",
    )


def test_adapted_vectors_may_be_tried_beside_raw_ones():
    config = experiment(grid={"discover.vectors": ["raw", "raw+adapted"]})
    assert len(configurations(config)) == 2
