"""The experiment file: what is read, and how each fault is told."""

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from themeloom.config import Experiment
from themeloom.errors import ConfigError
from themeloom.experiment import read_experiment

SMALLEST = """\
[study]
name = "demo"

[[sources]]
path = "messages.csv"

[themes]
codebook = "codebook.yaml"
labels = "labels.csv"
"""


def _read(folder: Path, text: str) -> Experiment:
    path = folder / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    return read_experiment(path)


def _faults(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        _read(folder, text)
    return caught.value.faults


def test_the_smallest_experiment_gets_every_default(tmp_path: Path) -> None:
    experiment = _read(tmp_path, SMALLEST)
    assert experiment.study.name == "demo"
    assert experiment.sources[0].format == "auto"
    assert experiment.encoder.name == "bundled"
    assert experiment.validate_.folds == 5
    assert experiment.tracking.uri is None


def test_paths_are_told_from_the_experiment_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studies").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies" / "experiment.toml").write_text(SMALLEST)
    experiment = read_experiment("studies/experiment.toml")
    assert experiment.sources[0].path == str(tmp_path / "studies" / "messages.csv")
    assert experiment.themes.codebook == str(tmp_path / "studies" / "codebook.yaml")
    assert experiment.themes.labels == str(tmp_path / "studies" / "labels.csv")


def test_absolute_paths_stay(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "messages.csv"
    experiment = _read(tmp_path, SMALLEST.replace('"messages.csv"', json.dumps(str(elsewhere))))
    assert experiment.sources[0].path == str(elsewhere)


def test_a_backslash_that_toml_read_as_an_escape_is_told(tmp_path: Path) -> None:
    text = SMALLEST.replace("messages.csv", "data\\forum.csv").replace("labels.csv", "data\\total.csv")
    source, labels = _faults(tmp_path, text)
    assert "'sources.0.path' is 'data\\x0corum.csv', with a control character" in source
    assert source.endswith(r"write / for it, or put the path between single quotes: 'data\forum.csv'.")
    assert r"'themes.labels' is 'data\total.csv', with" in labels
    (tmp_path / "data\total.csv").touch()  # a strange name, but a file's
    assert len(_faults(tmp_path, text)) == 1


def test_lists_are_read_as_tuples(tmp_path: Path) -> None:
    text = SMALLEST + 'coders = ["a", "b"]\n[anonymise]\nkeep = ["Sertraline"]\n'
    experiment = _read(tmp_path, text)
    assert experiment.themes.coders == ("a", "b")
    assert experiment.anonymise.keep == ("Sertraline",)


def test_an_experiment_cannot_be_changed(tmp_path: Path) -> None:
    experiment = _read(tmp_path, SMALLEST)
    with pytest.raises(ValidationError, match="frozen"):
        experiment.study.seed = 1


def test_what_was_read_can_be_read_again(tmp_path: Path) -> None:
    experiment = _read(tmp_path, SMALLEST)
    kept = json.loads(json.dumps(experiment.model_dump(mode="json", by_alias=True)))
    assert Experiment.model_validate(kept) == experiment


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ("[study]\nname = 'a'\ncolour = 'red'", "unknown key 'study.colour'"),
        ("[reduce]\nn_neighbors = 15", "unknown key 'reduce.n_neighbors'"),
        ("[umap]\nneighbors = 15", "unknown key 'umap'"),
        ("[[sources]]\npath = 'a'\n[sources.columns]\nbody = 'b'", "unknown key 'sources.0.columns.body'"),
        ("[[sources]]\nformat = 'csv'", "'sources.0.path' is missing"),
        ("[themes]\ncodebook = 'a'", "'themes.labels' is missing"),
        ("[study]\ntitle = 'a'", "'study.name' is missing"),
        ("[study]\nname = 'a b'", "'study.name' is 'a b'"),
        ("[study]\nname = '../up'", "'study.name' is '../up'"),
        ("[study]\nname = 'a'\nseed = -1", "'study.seed' is -1"),
        ("[study]\nname = 'a'\nseed = '1'", "'study.seed' is '1'"),
        ("[study]\nname = 'a'\nseed = true", "'study.seed' is True"),
        ("[[sources]]\npath = 'a'\nformat = 'pdf'", "'sources.0.format' is 'pdf'"),
        ("[[sources]]\npath = 'a'\nday_first = 'yes'", "'sources.0.day_first' is 'yes'"),
        ("[anonymise]\nkeep = 'word'", "'anonymise.keep' is 'word'"),
        ("[repeats]\nnear_duplicates = 1.5", "'repeats.near_duplicates' is 1.5"),
        ("[repeats]\nnear_duplicates = 0.0", "'repeats.near_duplicates' is 0.0"),
        ("[encoder]\nfrequent_terms = 0.0", "'encoder.frequent_terms' is 0.0"),
        ("[sweep]\ncriterion = {}", "'sweep.criterion' is {}"),
        ("[sweep]\ncriterion = { kappa = -1.0 }", "'sweep.criterion' is {'kappa': -1.0}"),
        ("[repeats]\nnear_duplicates = nan", "'repeats.near_duplicates' is nan"),
        ("[cluster]\nselection = 'best'", "'cluster.selection' is 'best'"),
        ("[cluster]\nmin_cluster_size = 1", "'cluster.min_cluster_size' is 1"),
        ("[validate]\nfolds = 1", "'validate.folds' is 1"),
        ("[validate]\nfolds = 2.5", "'validate.folds' is 2.5"),
        ("[validate]\nheld_out = 0.6", "'validate.held_out' is 0.6"),
        ("[adapt]\nlayers = 0", "'adapt.layers' is 0"),
        ("[adapt]\nlearning_rate = inf", "'adapt.learning_rate' is inf"),
        ("[discover]\nvectors = 'adapted'", "'discover.vectors' is 'adapted'"),
        ("[themes]\ncodebook = 'a'\nlabels = 'b'\nstrategy = 'clever'", "'themes.strategy' is 'clever'"),
        ("[themes]\ncodebook = 'a'\nlabels = 'b'\nmixed_below = 2.0", "'themes.mixed_below' is 2.0"),
    ],
)
def test_each_fault_is_named_with_its_place(tmp_path: Path, fault: str, named: str) -> None:
    section = fault.partition("\n")[0].strip("[]")
    rest = "\n".join(part for part in SMALLEST.split("\n\n") if f"[{section}]" not in part.split("\n")[0])
    (sentence,) = _faults(tmp_path, f"{rest}\n{fault}\n")
    assert named in sentence
    assert sentence.startswith(f"{tmp_path / 'experiment.toml'}: ")
    assert ";" in sentence, "a sentence also says how to mend it"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("[study]\nname = 'a b'", "but a name has letters (a to z), digits, '-', '_' and '.' only"),
        ("[study]\nname = 'Küche'", "but a name has letters (a to z), digits"),
        ("[encoder]\nsha256 = 'abc'", "but a SHA-256 digest has 64 digits"),
        (
            "[[sources]]\npath = 'a'\ntimezone = 'Europe/Nowhere'",
            "but a time zone is expected by its IANA name",
        ),
        ("[[sources]]\npath = 'a'\ntimezone = '../etc'", "but a time zone is expected by its IANA name"),
        (
            "[encoder]\nname = ''",
            "'encoder.name' is '', but a text is expected, or no such key, for its default;",
        ),
        ("[tracking]\nuri = ' '", "'tracking.uri' is ' ', but a text is expected"),
        ("[tracking]\nexperiment = ''", "'tracking.experiment' is '', but a text is expected"),
        ("[sweep]\ncriterion = { kappa = 0.0, coverage = -1.0 }", "above 0 is expected, as { kappa = 1.0 }"),
        ("[sources]\npath = 'a'", "but each source is a table of its own, begun by [[sources]]"),
        ("sources = 'a.csv'", "but each source is a table of its own, begun by [[sources]]"),
        ("sources = ['a.csv']", "'sources.0' is 'a.csv', but each source is a table of its own"),
        ("[anonymise]\nmask = 'Bumble'", 'but a list is expected, as ["Bumble"];'),
        ("[anonymise]\nmask = 3", 'but a list is expected, as ["..."];'),
        ("[themes]\ncodebook = 'a'\nlabels = 'b'\ncoders = 'ann'", 'but a list is expected, as ["ann"];'),
        ("[[sources]]\npath = 'a'\ncolumns = 'text'", 'a table is expected, as columns = { text = "..." };'),
        ("study = 'a'", "but a table is expected, as [study];"),
        ("[sweep]\ngrid = 3", "but a table is expected, as [sweep.grid];"),
        ("[sweep.grid]\nreduce.neighbors = 10", "but a list is expected, as [10, 30];"),
    ],
)
def test_what_is_expected_is_said_in_the_words_of_the_file(tmp_path: Path, given: str, told: str) -> None:
    section = given.partition("\n")[0].strip("[]").partition(" ")[0]
    rest = "\n".join(part for part in SMALLEST.split("\n\n") if f"[{section}]" not in part.split("\n")[0])
    (sentence,) = _faults(tmp_path, f"{given}\n{rest}\n")
    assert told in sentence, sentence
    assert not re.search("tuple|dictionary|instance|pattern", sentence)


@pytest.mark.parametrize("sources", ["sources = []", "sources = 'a.csv'", "sources = ['a.csv']", ""])
def test_there_must_be_a_source(tmp_path: Path, sources: str) -> None:
    text = f'{sources}\n[study]\nname = "a"\n[themes]\ncodebook = "c"\nlabels = "l"\n'
    assert "'sources" in " ".join(_faults(tmp_path, text))


def test_a_sample_is_random_or_has_probabilities(tmp_path: Path) -> None:
    assert _read(tmp_path, SMALLEST).themes.sample == "unknown"
    assert _read(tmp_path, SMALLEST + 'inclusion = "p"\n').themes.inclusion == "p"
    (fault,) = _faults(tmp_path, SMALLEST + 'sample = "random"\ninclusion = "p"\n')
    assert "'themes.inclusion'" in fault
    assert "give one of the two" in fault


def test_a_negative_weight_may_stand_beside_a_positive_one(tmp_path: Path) -> None:
    text = SMALLEST + "[sweep]\ncriterion = { kappa = 1.0, coverage = -0.1 }\n"
    assert _read(tmp_path, text).sweep.criterion == {"kappa": 1.0, "coverage": -0.1}


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = SMALLEST.replace('name = "demo"', 'name = ""\nseed = "x"') + "[encoder]\nbatch = 1\n[nonsense]\n"
    told = " ".join(_faults(tmp_path, text))
    for place in ("study.name", "study.seed", "encoder.batch", "nonsense"):
        assert f"'{place}'" in told


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: there is no such experiment file; check the path"):
        read_experiment(tmp_path / "nowhere.toml")


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_experiment(tmp_path)


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (sentence,) = _faults(tmp_path, SMALLEST + "this is no TOML\n")
    assert "not valid TOML" in sentence
    assert "line 10" in sentence


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000 + "]" * 5000], ids=["long number", "deep lists"])
def test_toml_that_python_cannot_hold_is_told(tmp_path: Path, value: str) -> None:
    (sentence,) = _faults(tmp_path, f"{SMALLEST}prior = {value}\n")
    assert "not valid TOML" in sentence


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Windows' Notepad writes one."""
    assert _read(tmp_path, f"\ufeff{SMALLEST}").study.name == "demo"
    (sentence,) = _faults(tmp_path, f"\ufeff{SMALLEST}this is no TOML\n")
    assert "line 10" in sentence


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_bytes(b'[study]\nname = "\xff"\n')
    with pytest.raises(ConfigError, match="UTF-8"):
        read_experiment(path)


def test_an_empty_file_is_told_what_it_lacks(tmp_path: Path) -> None:
    faults = _faults(tmp_path, "")
    assert [fault.split("'")[1] for fault in faults] == ["study", "sources", "themes"]


def _only_config_errors(folder: Path, content: bytes) -> None:
    path = folder / "experiment.toml"
    path.write_bytes(content)
    with suppress(ConfigError):
        assert Path(read_experiment(path).sources[0].path).is_absolute()


within_a_folder = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

values = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["name", "path", "codebook", "labels", "seed", "folds", "neighbors"])
sections = st.sampled_from(["study", "themes", "encoder", "reduce", "cluster", "validate", "tracking", "x"])


@given(content=st.binary(max_size=200))
@within_a_folder
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    _only_config_errors(tmp_path, content)


@given(place=st.integers(0, len(SMALLEST)), scrap=st.text(max_size=12), cut=st.integers(0, 12))
@within_a_folder
def test_any_damage_is_read_or_refused(tmp_path: Path, place: int, scrap: str, cut: int) -> None:
    damaged = SMALLEST[:place] + scrap + SMALLEST[place + cut :]
    _only_config_errors(tmp_path, damaged.encode("utf-8", "surrogatepass"))


@given(tables=st.dictionaries(sections, st.dictionaries(keys, values, max_size=3), max_size=4))
@within_a_folder
def test_any_values_are_read_or_refused(tmp_path: Path, tables: dict[str, dict[str, object]]) -> None:
    lines = ['[[sources]]\npath = "a.csv"']
    for section, table in tables.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    _only_config_errors(tmp_path, "\n".join(lines).encode())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a." * 100_000 + "a = 1", ":1: a key has more than 50 parts"),
        ("\n[" + "'a' . " * 1000 + "a]", ":2: a key has more than 50 parts"),
        ("x = {" + "a." * 100_000 + "a = 1}", ":1: a key has more than 50 parts"),
        (
            "[sweep]\ngrid = {" + "a = {" * 300 + "}" * 301,
            "is not valid TOML|nests tables too deep|is missing",
        ),
        ("x = [" + "[], " * 1000 + "]", "unknown key 'x'"),
        ("#" * 2**20 + "#", "is larger than 1024 KiB"),
        ("\n".join(f"a{number} = 1" for number in range(1000)), "more faults like these"),
        (f'[study]\nname = "{"x" * 100_000}"', "'study.name' is "),
    ],
)
def test_what_takes_long_or_says_much_is_refused_soon(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ConfigError, match=said) as found:
        read_experiment(tmp_path / "x.toml")
    assert len(str(found.value)) < 20_000


def test_texts_with_many_dots_are_no_deep_keys(tmp_path: Path) -> None:
    assert not [
        one
        for one in _faults(tmp_path, f'[study]\nnote = "{"..." * 99} www.{"a b. " * 99}"')
        if "parts" in one
    ]
