import numpy as np
import polars as pl
import pytest

from themeloom.errors import LabelError
from themeloom.records import Codebook, Theme
from themeloom.system.sheets import as_csv
from themeloom.themes.sample import read_codes

CODES = Codebook(tuple(Theme(key, f"The {key}", ".") for key in ("red", "green", "blue")))


def written(folder, *rows):
    path = folder / "labels.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_codes_are_found_where_no_codebook_is(tmp_path):
    path = written(tmp_path, "id,ann,bob,adjudicated", "a,red,blue,red", "b,,red,", "c,,,", "d,blue,blue,sky")
    sample, codebook = read_codes(path)
    assert codebook.keys == ("blue", "red", "sky")
    assert sample.coders == ("ann", "bob")
    np.testing.assert_array_equal(sample.codes, [[1, 0], [-1, 1], [0, 0]])
    np.testing.assert_array_equal(sample.theme, [1, 1, 2])


ANN = [
    "a,red,blue,red,unclear",
    "b,unclear,unclear,red,",
    "c,unclear,red,,",
    "d,unclear,red,red,",
    "e,unclear,,,",
]


@pytest.mark.parametrize("book", [CODES, None])
def test_unclear_is_no_code_and_counts_for_the_label_like_one(tmp_path, book):
    """Decided to be so, said by most, or by as many as gave a code: no label. Agreement is that of codes."""
    sample, found = read_codes(written(tmp_path, "id,ann,bob,cem,adjudicated", *ANN), book)
    assert "unclear" not in found.keys
    red, blue = found.keys.index("red"), found.keys.index("blue")
    assert sample.codes.tolist() == [[red, blue, red], [-1, -1, red], [-1, red, -1], [-1, red, red]]
    assert sample.theme.tolist() == [-1, -1, -1, red]


def test_a_codebook_may_call_a_theme_unclear(tmp_path):
    book = Codebook((*CODES.themes, Theme("unclear", "Unclear", ".")))
    sample, _ = read_codes(written(tmp_path, "id,ann,bob", "a,unclear,unclear", "b,red,"), book)
    assert (sample.codes.tolist(), sample.theme.tolist()) == ([[3, 3], [0, -1]], [3, 0])


def test_codes_are_those_of_the_codebook(tmp_path):
    sample, codebook = read_codes(written(tmp_path, "id,ann,bob", "a,red,blue", "b,red,red"), CODES)
    assert codebook is CODES
    np.testing.assert_array_equal(sample.codes, [[0, 2], [0, 0]])


def test_whole_numbers_are_shown_without_a_point(tmp_path):
    path = written(tmp_path, "id,ann,bob", "a,1.0,1", "b,2.0,", "c,,2")
    assert read_codes(path)[1].keys == ("1", "2")
    path = written(tmp_path, "id,ann,bob", "a,1.0,1.0", "b,1.1,1.0")
    assert read_codes(path)[1].keys == ("1.0", "1.1")


@pytest.mark.parametrize("name", ["Adjudicated", "ADJUDICATED", " adjudicated "])
def test_the_agreed_label_is_no_coder_however_it_is_spelt(tmp_path, name):
    rows = pl.DataFrame(
        {"id": ["a", "b"], "ann": ["red", "red"], "bob": ["blue", "red"], name: ["blue", "red"]}
    )
    rows.write_parquet(tmp_path / "labels.parquet")
    for path in (
        written(tmp_path, f"id,ann,bob,{name}", "a,red,blue,blue", "b,red,red,"),
        tmp_path / "labels.parquet",
    ):
        sample, codebook = read_codes(path)
        assert sample.coders == ("ann", "bob")
        assert codebook.keys[sample.theme[0]] == "blue"


def test_two_columns_of_agreed_labels_are_told(tmp_path):
    path = written(tmp_path, "id,ann,bob,adjudicated,Adjudicated", "a,red,red,red,red")
    with pytest.raises(LabelError, match=r":1: the columns 'adjudicated' and 'Adjudicated' are called alike"):
        read_codes(path)
    named = read_codes(path, coders=["ann", "bob"], adjudicated="Adjudicated")[0]
    assert named.coders == ("ann", "bob")


def test_columns_are_named(tmp_path):
    path = written(tmp_path, "ann,note,who,bob,final", "red,see me,x,blue,red", "red,,y,red,blue")
    sample, _ = read_codes(path, key="who", coders=["bob", "ann"], adjudicated="final")
    assert sample.coders == ("bob", "ann")


def test_long_codes_may_be_given_by_coders_who_are_named(tmp_path):
    code = "access to mental health services, or the lack of it"
    path = written(tmp_path, "id,ann,bob", f'a,"{code}","{code}"')
    assert read_codes(path, coders=["ann", "bob"])[1].keys == (code,)


SPOILT = {
    "a code not in the codebook": (
        ["id,ann,bob", "a,red,blu", "b,red,red"],
        CODES,
        "2: column 'bob' holds 'blu'",
    ),
    "a row too long": (["id,ann,bob", "a,red,red,red"], None, "2: has 4 cells"),
    "an id twice": (["id,ann,bob", "a,red,red", "a,red,blue"], None, "3: labels the same message as line 2"),
    "a blank id": (["id,ann,bob", ",red,red", "b,red,blue"], None, "2: the id in column 'id' is blank"),
    "no column of ids": (
        ["ann,bob,cem", *["red,red,red", "blue,blue,red"] * 3],
        None,
        "2: column 'ann' holds 2 different ids in 6 rows",
    ),
    "a mark of nothing": (["id,ann,bob", "a,red,red", "b,NA,red"], None, "3: column 'ann' holds 'NA'"),
    "a column of notes": (
        ["id,ann,bob,note", f"a,red,red,{'a word ' * 9}"],
        None,
        "2: column 'note' holds a text of 62 characters",
    ),
    "a column like no other": (
        ["id,ann,bob,date", "a,red,red,Monday", "b,red,blue,Monday"],
        None,
        "1: column 'date' holds no code that any other column holds",
    ),
    "a code spelt in two ways": (
        ["id,ann,bob", "a,meds,meds", "b,cost,Meds", "c,meds,Meds"],
        None,
        "3: column 'bob' holds 'Meds', which is 'meds' but for its spelling; spell each code in one way.",
    ),
    "a code with one space more": (
        ["id,ann,bob", "a,side effects,side  effects"],
        None,
        "2: column 'bob' holds 'side  effects', which is 'side effects' but for its spelling",
    ),
    "no code": (["id,ann,bob", "a,,"], None, " holds no label"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_faults_are_told(tmp_path, case):
    rows, codebook, said = SPOILT[case]
    path = written(tmp_path, *rows)
    with pytest.raises(LabelError) as raised:
        read_codes(path, codebook)
    (fault,) = raised.value.faults
    assert fault.removeprefix(str(path)).removeprefix(":").startswith(said)


def test_faults_are_told_together(tmp_path):
    path = written(tmp_path, "id,ann,bob", "a,red,red", "a,NA,red", "c,red,null", "d,red,red")
    with pytest.raises(LabelError) as raised:
        read_codes(path)
    assert [fault.removeprefix(f"{path}:")[0] for fault in raised.value.faults] == ["3", "3", "4"]


@pytest.mark.parametrize("coders", [None, ["ann", "bob"]])
def test_a_coder_who_writes_in_capitals_is_told_of_each_code(tmp_path, coders):
    path = written(tmp_path, "id,ann,bob", "a,red,RED", "b,blue,BLUE", "c,red,RED")
    with pytest.raises(LabelError) as raised:
        read_codes(path, coders=coders)
    assert [fault.removeprefix(f"{path}:")[:25] for fault in raised.value.faults] == [
        "2: column 'bob' holds 'RE",
        "3: column 'bob' holds 'BL",
    ]


def test_columns_that_are_not_there(tmp_path):
    with pytest.raises(LabelError, match="has no column 'eve'"):
        read_codes(written(tmp_path, "id,ann,bob", "a,red,red"), coders=["ann", "eve"])


def test_codes_that_spreadsheets_would_run_come_back_as_they_were_written(tmp_path):
    keys = ("1", "-1", "+a", "=x", "007")
    table = pl.DataFrame({"id": list("abcde"), "ann": keys, "bob": keys})
    (tmp_path / "labels.csv").write_bytes(as_csv(table))
    codebook = Codebook(tuple(Theme(key, f"Code {key}", ".") for key in keys))
    sample, _ = read_codes(tmp_path / "labels.csv", codebook)
    np.testing.assert_array_equal(sample.codes, [[place, place] for place in range(5)])
