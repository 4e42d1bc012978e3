import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from themeloom.columns import AGREEMENT
from themeloom.errors import LabelError
from themeloom.records import Codebook, LabelledSample, Theme
from themeloom.themes.agreement import agreement


def coded(*coders, names=None):
    """A sample coded by each of `coders`, all positions different."""
    codes = np.array(coders, np.int64).T
    names = names or tuple(f"c{number}" for number in range(len(coders)))
    return LabelledSample(np.arange(len(codes)), codes[:, 0], names, codes)


def book(themes):
    return Codebook(tuple(Theme(f"t{key}", "name", "definition") for key in range(themes)))


def values(scores):
    return {name: score.value for name, score in scores.items()}


def from_table(table):
    """Two coders whose codes give this table, the first's in the rows."""
    return np.repeat(np.argwhere(np.array(table) >= 0), np.ravel(table), axis=0).T


def noisy(seed, coders, messages, themes, *, missing=0.0):
    """Codes that are right six times of ten."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(themes, size=messages)
    guessed = generator.integers(themes, size=(coders, messages))
    codes = np.where(generator.random((coders, messages)) < 0.6, truth, guessed)
    return np.where(generator.random((coders, messages)) < missing, -1, codes)


def test_kappa_of_artstein_and_poesio():
    """Artstein and Poesio (2008), Inter-coder agreement, table 1: kappa is 0.8013 for A_o = 0.88."""
    found = agreement(coded(*from_table([[46, 6, 0], [0, 32, 0], [0, 6, 10]])), book(3)).scores
    assert found["observed"].value == pytest.approx(0.88)
    assert found["kappa"].value == pytest.approx(0.8013, abs=5e-5)
    assert 0.65 < found["kappa"].low < 0.75
    assert 0.85 < found["kappa"].high < 0.95


# Krippendorff (2011), Computing Krippendorff's alpha-reliability, section C: four observers, twelve units.
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]


def test_alpha_of_krippendorff():
    found = agreement(coded(*(np.array(KRIPPENDORFF) - 1)), book(5))
    assert found.scores["alpha"].value == pytest.approx(0.743, abs=5e-4)
    assert found.scores["alpha"].low < 0.743 < found.scores["alpha"].high
    assert (found.messages, found.coded_once) == (11, 1)


def test_ac1_with_missing_codes():
    """Gwet (2014), Handbook of inter-rater reliability, 4th edition, takes the same table for AC1: 0.77544.

    Told anew from its definition, a message at a time.
    """
    table = [[code for code in unit if code] for unit in zip(*KRIPPENDORFF, strict=True)]
    twice = [unit for unit in table if len(unit) > 1]
    agreed = [
        sum(unit.count(code) * (unit.count(code) - 1) for code in set(unit)) / (len(unit) * (len(unit) - 1))
        for unit in twice
    ]
    shares = [sum(unit.count(code) / len(unit) for unit in table) / len(table) for code in range(1, 6)]
    by_chance = sum(share * (1 - share) for share in shares) / 4
    found = values(agreement(coded(*(np.array(KRIPPENDORFF) - 1)), book(5)).scores)
    assert found["observed"] == pytest.approx(sum(agreed) / 11) == pytest.approx(0.8181818)
    assert by_chance == pytest.approx(0.1903212, abs=5e-8)
    assert found["ac1"] == pytest.approx(0.77544, abs=5e-6)


def test_ac1_stands_where_kappa_falls():
    """Gwet's (2002) table of 125 subjects, of whom nearly all have the trait: agreement 0.944, AC1 0.9408.

    By hand: p_e of kappa (123 * 120 + 2 * 5) / 125^2 = 0.94528, of AC1 2 * 0.972 * 0.028 = 0.054432.
    """
    found = values(agreement(coded(*from_table([[118, 5], [2, 0]])), book(2)).scores)
    assert found["observed"] == pytest.approx(0.944)
    assert found["kappa"] == pytest.approx((0.944 - 0.94528) / (1 - 0.94528))
    assert found["ac1"] == pytest.approx(0.9408, abs=5e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(2, 5), st.sampled_from([0.0, 0.3]))
def test_alpha_equals_that_of_nltk(seed, coders, themes, missing):
    from nltk.metrics.agreement import AnnotationTask

    codes = noisy(seed, coders, 20, themes, missing=missing)
    codes = codes[:, (codes >= 0).sum(axis=0) >= 2]
    assume(len(np.unique(codes[codes >= 0])) > 1)  # else it is undefined (0 of 0), which NLTK calls 1
    task = AnnotationTask([(f"c{c}", str(i), str(codes[c, i])) for c, i in np.argwhere(codes >= 0)])
    found = agreement(coded(*codes), book(themes), 100).scores["alpha"].value
    assert found == pytest.approx(task.alpha())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(2, 5))
def test_kappa_equals_that_of_scikit_learn(seed, coders, themes):
    codes = noisy(seed, coders, 25, themes, missing=0.2)
    found = agreement(coded(*codes), book(themes), 100)
    expected = []
    for pair in found.pairs:
        first, second = (codes[int(name[1:])] for name in (pair.first, pair.second))
        both = (first >= 0) & (second >= 0)
        assert pair.messages == both.sum()
        assert pair.scores["observed"].value == pytest.approx((first == second)[both].mean())
        expected.append(cohen_kappa_score(first[both], second[both]))
        assert pair.scores["kappa"].value == pytest.approx(expected[-1])
    assert found.scores["kappa"].value == pytest.approx(np.mean(expected))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 3))
def test_a_theme_is_scored_against_the_rest(seed, coders):
    """As if the codebook had that theme and one other."""
    codes = noisy(seed, coders, 25, 3, missing=0.2)
    for theme in agreement(coded(*codes), book(3), 100).themes:
        number = int(theme.theme[1:])
        alone = agreement(coded(*np.where(codes < 0, -1, codes != number)), book(2), 100)
        assert values(theme.scores) == pytest.approx(values(alone.scores))
        given_twice = codes[:, (codes >= 0).sum(axis=0) >= 2]
        named = (given_twice == number).any(axis=0)
        unanimous = ((given_twice == number) | (given_twice < 0)).all(axis=0)
        assert (theme.messages, theme.disputed) == (named.sum(), (named & ~unanimous).sum())
        assert theme.disputed_share.value == pytest.approx(theme.disputed / theme.messages)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.randoms())
def test_the_order_of_coders_and_rows_changes_nothing(seed, shuffler):
    codes, names = noisy(seed, 3, 20, 3, missing=0.2), ["ann", "bob", "cem"]
    coders, rows = [0, 1, 2], list(range(20))
    shuffler.shuffle(coders)
    shuffler.shuffle(rows)
    as_it_is = agreement(coded(*codes, names=tuple(names)), book(3), 200)
    shuffled = agreement(coded(*codes[coders][:, rows], names=tuple(names[c] for c in coders)), book(3), 200)

    def numbers(found):
        figures = {"all": found.scores, **{theme.theme: theme.scores for theme in found.themes}}
        figures |= {frozenset((pair.first, pair.second)): pair.scores for pair in found.pairs}
        return {
            (of, name): pytest.approx((score.value, score.low, score.high), nan_ok=True)
            for of, scores in figures.items()
            for name, score in scores.items()
        }

    def triples(found):
        return {
            (frozenset({(c.first, c.first_theme), (c.second, c.second_theme)}), c.messages)
            for c in found.confusions
        }

    first, second = numbers(as_it_is), numbers(shuffled)
    assert first.keys() == second.keys()
    assert all(first[key] == second[key].expected for key in first)
    assert triples(as_it_is) == triples(shuffled)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(4)))
def test_other_names_for_the_codes_change_nothing(seed, names):
    codes = noisy(seed, 3, 20, 4, missing=0.1)
    renamed = np.where(codes < 0, -1, np.array(names)[codes])
    before, after = (agreement(coded(*given), book(4), 100) for given in (codes, renamed))
    assert values(before.scores) == pytest.approx(values(after.scores))
    themes = {theme.theme: theme for theme in after.themes}
    for theme in before.themes:
        same = themes[f"t{names[int(theme.theme[1:])]}"]
        assert values(theme.scores) == pytest.approx(values(same.scores), nan_ok=True)
        assert theme.disputed == same.disputed


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=30).filter(lambda c: len(set(c)) > 1), st.integers(2, 4)
)
def test_perfect_agreement_is_one(codes, coders):
    found = agreement(coded(*[codes] * coders), book(4), 100)
    assert values(found.scores) == dict.fromkeys(AGREEMENT, pytest.approx(1))
    assert all(values(theme.scores) == dict.fromkeys(AGREEMENT, pytest.approx(1)) for theme in found.themes)
    assert found.confusions == ()
    assert [theme.theme for theme in found.themes if theme.disputed or theme.disputed_share.value] == []
    assert {theme.theme for theme in found.themes} == {f"t{code}" for code in codes}
    assert sorted([*found.unused, *(theme.theme for theme in found.themes)]) == ["t0", "t1", "t2", "t3"]


def test_an_interval_needs_messages_that_differ():
    """Agreement on three messages of three says little of the next ones."""
    score = agreement(coded([0, 1, 1], [0, 1, 1]), book(2), 100).scores["observed"]
    assert score.value == 1
    assert np.isnan([score.low, score.high]).all()


def test_chance_agreement_is_nothing():
    found = values(agreement(coded(*from_table([[25, 25], [25, 25]])), book(2), 100).scores)
    assert found["observed"] == 0.5
    assert found["kappa"] == found["ac1"] == pytest.approx(0)
    assert found["alpha"] == pytest.approx(1 / 200)  # corrected for small samples: 1 - 199 / 200


def test_one_code_alone_leaves_kappa_and_alpha_undefined():
    found = agreement(coded([0, 0, 0], [0, 0, 0]), book(2), 100)
    assert np.isnan([found.scores["kappa"].value, found.scores["alpha"].value]).all()
    assert found.scores["observed"].value == found.scores["ac1"].value == 1


def test_who_disagrees_with_whom_on_what():
    ann, bob, cem = [0, 0, 0, 1, 2, -1], [0, 1, 1, 0, 2, 1], [0, 0, -1, -1, 0, 1]
    found = agreement(coded(ann, bob, cem, names=("ann", "bob", "cem")), book(4), 100)
    assert [(c.first, c.second, c.first_theme, c.second_theme, c.messages) for c in found.confusions] == [
        ("ann", "bob", "t0", "t1", 2),
        ("ann", "bob", "t1", "t0", 1),
        ("ann", "cem", "t2", "t0", 1),
        ("bob", "cem", "t1", "t0", 1),
        ("bob", "cem", "t2", "t0", 1),
    ]
    assert [(theme.theme, theme.disputed, theme.messages) for theme in found.themes] == [
        ("t0", 4, 5),
        ("t1", 3, 4),
        ("t2", 1, 1),
    ]
    assert {theme.theme: theme.rival for theme in found.themes} == {"t0": "t1", "t1": "t0", "t2": "t0"}
    assert found.unused == ("t3",)
    assert [(pair.first, pair.second, pair.messages) for pair in found.pairs] == [
        ("ann", "bob", 5),
        ("ann", "cem", 3),
        ("bob", "cem", 4),
    ]


@pytest.mark.parametrize(
    ("coders", "said"),
    [([[0, 1, 1]], "two coders"), ([[0, -1, 1], [-1, 1, -1]], "no message was coded by two")],
)
def test_agreement_needs_messages_coded_twice(coders, said):
    with pytest.raises(LabelError, match=said):
        agreement(coded(*coders), book(2))


def test_agreement_is_seeded():
    sample = coded([0, 1, 1, 0, 1, 0], [0, 1, 0, 0, 1, 1])
    assert agreement(sample, book(2), seed=3).scores == agreement(sample, book(2), seed=3).scores


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Two coders, three themes, 120 messages: the truth is that of very many."""
    joint = np.array([[0.36, 0.05, 0.03], [0.04, 0.24, 0.04], [0.02, 0.04, 0.18]])
    scale = 100_000
    truth = values(agreement(coded(*from_table((joint * scale).round().astype(int))), book(3), 100).scores)
    generator = np.random.default_rng(5)
    studies, covered = 200, dict.fromkeys(AGREEMENT, 0)
    for study in range(studies):
        drawn = generator.multinomial(120, joint.ravel()).reshape(3, 3)
        found = agreement(coded(*from_table(drawn)), book(3), 400, study).scores
        for name in AGREEMENT:
            covered[name] += found[name].low <= truth[name] <= found[name].high
    assert all(0.90 <= count / studies <= 0.99 for count in covered.values()), covered
