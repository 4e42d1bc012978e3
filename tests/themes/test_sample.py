import csv
import unicodedata
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from themeloom.columns import ASIDE
from themeloom.config import ThemesConfig
from themeloom.errors import LabelError
from themeloom.records import Codebook, Theme
from themeloom.themes.codebook import read_codebook
from themeloom.themes.sample import read_labels, read_listed

DEMO = Path(str(files("themeloom"))) / "data" / "dearmhp"
CODES = Codebook(tuple(Theme(key, f"The {key}", ".") for key in ("red", "green", "blue")))
IDS = [str(366000000000000000 + number) for number in range(1, 7)]
DOCS = [f"doc-{number}" for number in range(6)]
# The last id repeats the first message.
CROSSWALK = pl.DataFrame({"source_id": [*IDS, "366999999999999999"], "doc_id": [*DOCS, DOCS[0]]})


def read(path, **changes):
    return read_labels(
        ThemesConfig(codebook="codebook.yaml", labels=str(path), **changes), CODES, CROSSWALK, DOCS
    )


def written(folder, text, name="labels.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def faults(path, **changes):
    with pytest.raises(LabelError) as raised:
        read(path, **changes)
    assert all(fault.startswith(str(path)) and "\n" not in fault for fault in raised.value.faults)
    return [fault.removeprefix(str(path)) for fault in raised.value.faults]


def same(first, second):
    assert first.coders == second.coders
    np.testing.assert_array_equal(first.position, second.position)
    np.testing.assert_array_equal(first.theme, second.theme)
    np.testing.assert_array_equal(first.codes, second.codes)


def test_demo():
    with (DEMO / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    codebook = read_codebook(DEMO / "codebook.yaml")
    ids = [row["tweet_id"] for row in rows]
    crosswalk = pl.DataFrame({"source_id": ids, "doc_id": [f"d{one}" for one in ids]})
    config = ThemesConfig(codebook="codebook.yaml", labels=str(DEMO / "labels.csv"))
    docs = ["other", *reversed(crosswalk["doc_id"].to_list())]
    sample = read_labels(config, codebook, crosswalk, docs)
    assert sample.coders == ("coder_a", "coder_b")
    assert sample.decided.all()
    by_doc = {f"d{row['tweet_id']}": row for row in rows}
    for position, theme, codes in zip(sample.position, sample.theme, sample.codes, strict=True):
        row = by_doc[docs[position]]
        assert codebook.keys[theme] == row["adjudicated"]
        assert [codebook.keys[code] for code in codes] == [row["coder_a"], row["coder_b"]]
    assert np.all(np.diff(sample.position) > 0)


def test_ids_of_every_kind_lead_to_their_message(tmp_path):
    text = f"id,coder\ndoc-3,blue\n{IDS[1]},green\n366999999999999999,red\n"
    sample = read(written(tmp_path, text))
    np.testing.assert_array_equal(sample.position, [0, 1, 3])
    np.testing.assert_array_equal(sample.theme, [0, 1, 2])
    np.testing.assert_array_equal(sample.codes, [[0], [1], [2]])
    assert sample.coders == ("coder",)


def test_majority_adjudication_ties_and_gaps(tmp_path):
    text = (
        "id,ann,bob,cem,adjudicated\n"
        f"{IDS[0]},red,green,green,\n"  # majority
        f"{IDS[1]},red,green,blue,\n"  # tie
        f"{IDS[2]},red,green,blue,blue\n"  # adjudicated
        f"{IDS[3]},,green,,\n"  # one coder
        f"{IDS[4]},,,,red\n"  # adjudicated alone
        f"{IDS[5]},,,,\n"  # not labelled yet
    )
    sample = read(written(tmp_path, text))
    np.testing.assert_array_equal(sample.position, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(sample.theme, [1, -1, 2, 1, 0])
    np.testing.assert_array_equal(sample.decided, [True, False, True, True, True])
    np.testing.assert_array_equal(sample.codes[3:], [[-1, 1, -1], [-1, -1, -1]])


def test_columns_by_name(tmp_path):
    text = f"note,ann,who,final,bob\nsee me,red,{IDS[0]},blue,green\n"
    sample = read(written(tmp_path, text), key="who", coders=("bob", "ann"), adjudicated="final")
    assert sample.coders == ("bob", "ann")
    np.testing.assert_array_equal(sample.codes, [[1, 0]])
    np.testing.assert_array_equal(sample.theme, [2])


def test_adjudicated_labels_alone(tmp_path):
    sample = read(written(tmp_path, f"id,adjudicated\n{IDS[0]},red\n{IDS[1]},blue\n"))
    assert sample.coders == ()
    assert sample.codes.shape == (2, 0)
    np.testing.assert_array_equal(sample.theme, [0, 2])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimiters_blank_lines_and_quotes(tmp_path, delimiter, encoding):
    lines = ["id,ann,bob,,", "", f'"{IDS[0]}", red ,"green",,', ",,,,", f"{IDS[1]},blue,,,", ""]
    text = "\r\n".join(lines).replace(",", delimiter)
    sample = read(written(tmp_path, text, encoding=encoding))
    assert sample.coders == ("ann", "bob")
    np.testing.assert_array_equal(sample.codes, [[0, 1], [2, -1]])


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"'])
def test_a_first_line_that_names_the_separator(tmp_path, first):
    text = f"{first}\r\nid;ann;bob\r\n{IDS[0]};red;green\r\n{IDS[1]};rde;\r\n"
    sample = read(written(tmp_path, text.replace("rde", "blue"), encoding="utf-8-sig"))
    assert sample.coders == ("ann", "bob")
    np.testing.assert_array_equal(sample.codes, [[0, 1], [2, -1]])
    (fault,) = faults(written(tmp_path, text))
    assert fault.startswith(":4: column 'ann' holds 'rde'")


@pytest.mark.parametrize("dtype", [pl.Int64, pl.String, pl.UInt64])
def test_parquet_keeps_every_digit(tmp_path, dtype):
    table = pl.DataFrame({"id": pl.Series(IDS[:3]).cast(dtype), "ann": ["red", None, "blue"]})
    path = tmp_path / "labels.parquet"
    table.with_columns(pl.col("ann").cast(pl.Categorical)).write_parquet(path)
    sample = read(path)
    np.testing.assert_array_equal(sample.position, [0, 2])
    np.testing.assert_array_equal(sample.theme, [0, 2])


def test_all_faults_at_once_by_line(tmp_path):
    text = (
        "id,ann,bob\n"
        f"{IDS[0]},red,grene\n"
        "366999999999999999,red,red\n"
        f"{IDS[1]},red\n"
        "12345,green,blue\n"
        ",green,blue\n"
        f"{IDS[2]},thanks,The blue\n"
        f"{IDS[3]},red,red\n"
        "doc-3,red,blue\n"
    )
    assert faults(written(tmp_path, text)) == [
        ":4: has 2 cells, but the header has 3; quote cells that hold the delimiter.",
        ":5: the id in column 'id' belongs to no message of this corpus; correct the id or remove the row.",
        ":6: the id in column 'id' belongs to no message of this corpus (it is blank); "
        "correct the id or remove the row.",
        ":3: gives another code to the message of line 2 (or a repeat of it); keep one row.",
        ":9: gives another code to the message of line 8 (or a repeat of it); keep one row.",
        ":7: column 'ann' holds 'thanks', which is no code of the codebook; use one of: red, green, blue.",
        ":2: column 'bob' holds 'grene', which is no code of the codebook; use 'green' if that is meant.",
        ":7: column 'bob' holds 'The blue', which is no code of the codebook; use 'blue' if that is meant.",
    ]


ASIDE_ROWS = [
    ("m.csv", 12, "777", "the date is impossible", "doc-7"),
    ("m.csv", 13, None, "not valid UTF-8", None),
    ("m.csv", 14, None, "not valid UTF-8", None),
    ("m.csv", 15, None, "no text", None),
]


def told_aside(path, rows):
    """The faults of a label file beside these rows that could not be read."""
    aside = pl.DataFrame(rows, schema=ASIDE, orient="row")
    config = ThemesConfig(codebook="codebook.yaml", labels=str(path))
    found = []
    for tried in (
        lambda: read_labels(config, CODES, CROSSWALK, DOCS, aside),
        lambda: read_listed(config, CROSSWALK, DOCS, aside),
    ):
        with pytest.raises(LabelError) as raised:
            tried()
        found.append([fault.removeprefix(str(path)) for fault in raised.value.faults])
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("given", ["777", "'777", "doc-7"])
def test_a_label_whose_message_was_set_aside_is_told_as_that(tmp_path, given):
    path = written(tmp_path, f"id,ann\n{IDS[0]},red\n{given},blue\n")
    assert told_aside(path, ASIDE_ROWS[:1]) == [
        ":3: the message that the id in column 'id' belongs to was set aside (m.csv:12: the date is "
        "impossible); mend the source, and keep the label."
    ]
    path = written(tmp_path, f"id,ann\n{given},blue\n12345,red\n")
    first, second = told_aside(path, ASIDE_ROWS[:1])
    assert "was set aside" in first
    assert "belongs to no message of this corpus; correct the id" in second


def test_ids_may_be_those_of_rows_that_could_not_be_read(tmp_path):
    said = (
        ": 3 rows of the sources could not be read, and what ids they have is not known (most often: not "
        "valid UTF-8); they may be those of unknown ids, so mend the sources before any label is removed."
    )
    for text, strange in ((f"{IDS[0]},red\n12345,blue", 1), ("12345,red\n12346,blue", 1)):
        found = told_aside(written(tmp_path, f"id,ann\n{text}\n"), ASIDE_ROWS)
        assert len(found) == strange + 1
        assert found[-1] == said


def test_lines_are_those_of_the_file(tmp_path):
    text = f'id,ann,note\n{IDS[0]},red,"two\nlines"\n\n{IDS[1]},bleu,\n'
    assert faults(written(tmp_path, text), coders=("ann",)) == [
        ":5: column 'ann' holds 'bleu', which is no code of the codebook; use 'blue' if that is meant."
    ]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("rde", "use one of: red, green, blue"),
        ("RED", "use 'red'"),
        ("THE RED", "use 'red'"),
        ("gren", "use 'green'"),
    ],
)
def test_short_codes_are_near_to_too_many(tmp_path, code, told):
    (fault,) = faults(written(tmp_path, f"id,ann\n{IDS[0]},red\n{IDS[1]},{code}\n"))
    assert told in fault


@pytest.mark.parametrize("mark", ["NA", "n/a", "None", "null", "-"])
def test_marks_of_no_code_are_told_once_a_column(tmp_path, mark):
    text = f"id,ann,bob\n{IDS[0]},red,\n{IDS[1]},{mark},{mark}\n{IDS[2]},{mark},red\n"
    said = f"holds '{mark}', which is no code of the codebook"
    cure = "leave the cell empty where there is no code."
    assert faults(written(tmp_path, text)) == [
        f":3: column 'ann' {said} (1 more like this); {cure}",
        f":3: column 'bob' {said}; {cure}",
    ]


@pytest.mark.parametrize("cell", ["2024-01-02", "3"])
def test_a_column_of_one_thing_that_is_no_code_is_told_once(tmp_path, cell):
    text = "id,ann,beside\n" + "".join(f"{one},red,{cell}\n" for one in IDS)
    (fault,) = faults(written(tmp_path, text))
    assert fault.startswith(":2: column 'beside' holds no code of the codebook anywhere; name the coders'")
    (one, *more) = faults(written(tmp_path, text.replace(f"red,{cell}", "red,Red")))
    assert "use 'red' if that is meant" in one
    assert len(more) == 5


NUMBERS = Codebook(tuple(Theme(key, f"The {key}", ".") for key in ("-1", "2", "3", "3.0")))


def test_whole_numbers_are_the_codes_that_programs_wrote_with_a_point(tmp_path):
    config = ThemesConfig(codebook="codebook.yaml", labels=str(tmp_path / "labels.parquet"))
    floats = pl.DataFrame({"id": IDS[:3], "ann": [2.0, None, -1.0], "bob": [3.0, 2.0, 2.0]})
    floats.write_parquet(config.labels)
    sample = read_labels(config, NUMBERS, CROSSWALK, DOCS)
    np.testing.assert_array_equal(sample.codes, [[1, 3], [-1, 1], [0, 1]])
    floats.with_columns(bob=2.5).write_parquet(config.labels)
    with pytest.raises(LabelError, match=r"holds '2\.5', which is no code"):
        read_labels(config.model_copy(update={"coders": ("bob",)}), NUMBERS, CROSSWALK, DOCS)


def test_labels_of_repeats_count_once_where_their_codes_agree(tmp_path):
    text = f"id,ann,bob\n{IDS[0]},red,\n{IDS[1]},blue,blue\n366999999999999999,red,green\n"
    sample = read(written(tmp_path, text), sample="random")
    np.testing.assert_array_equal(sample.position, [0, 1])
    np.testing.assert_array_equal(sample.codes, [[0, 1], [2, 2]])
    assert sample.again == 1
    assert sample.inclusion.tolist() == [1 / 3, 1 / 3], "two messages of six"
    config = ThemesConfig(codebook="codebook.yaml", labels=str(tmp_path / "labels.csv"))
    assert read_listed(config, CROSSWALK, DOCS) == DOCS[:2]
    assert read(written(tmp_path, text.partition("366999")[0])).again == 0
    assert faults(written(tmp_path, f"{text}doc-0,green,\n{IDS[1]},blue,blue\n")) == [
        ":5: gives another code to the message of line 2 (or a repeat of it); keep one row.",
        ":6: gives a code again to the message of line 3 (or a repeat of it), by the same id; keep one row.",
    ]


def test_a_column_of_text_is_no_coder(tmp_path):
    text = f"id,message,ann\n{IDS[0]},some words,red\n{IDS[1]},other words,blue\n"
    (fault,) = faults(written(tmp_path, text))
    assert "column 'message' holds no code of the codebook anywhere" in fault
    assert "words" not in fault


def test_long_cells_and_ids_are_not_told(tmp_path):
    private = "somebody's name and where they live"
    text = f"id,ann\n{IDS[0]},{private}\n987654321,red\n{IDS[1]},red\n"
    told = " ".join(faults(written(tmp_path, text)))
    assert "a text of 35 characters" in told
    assert private not in told
    assert "987654321" not in told


@pytest.mark.parametrize("damaged", ["3.66000000000000E+17", "366000000000000000.0", "366000000000000000"])
def test_ids_that_a_spreadsheet_rounded(tmp_path, damaged):
    found = faults(written(tmp_path, f"id,ann\n{damaged},red\n{IDS[1]},blue\n"))
    assert "a spreadsheet seems to have rounded it" in found[0]
    found = faults(written(tmp_path, f"id,ann\n{damaged},red\n{damaged},blue\n"))
    assert len(found) == 1
    assert "none of the 2 ids in column 'id'" in found[0]
    assert "rounded" in found[0]


def test_float_ids_of_parquet_are_refused(tmp_path):
    path = tmp_path / "labels.parquet"
    pl.DataFrame({"id": [float(IDS[0]), float(IDS[1])], "ann": ["red", "red"]}).write_parquet(path)
    assert "rounded" in faults(path)[0]


def test_many_faults_of_one_kind_are_counted(tmp_path):
    rows = "".join(f"{number},red\n" for number in range(100))
    found = faults(written(tmp_path, f"id,ann\n{IDS[0]},red\n{rows}"))
    assert len(found) == 21
    assert found[-1].startswith(":23: ")
    assert found[-1].endswith("(79 more like this.)")


@pytest.mark.parametrize(
    ("text", "changes", "words"),
    [
        ("", {}, ": is empty"),
        (" \n\n", {}, ": is empty"),
        (",,\n,,\n", {}, ": is empty"),
        ("id,ann\n", {}, "has a header but no rows"),
        (f"id,ann\n{IDS[0]},\n", {}, "holds no label"),
        (f"id\n{IDS[0]}\n", {}, ":1: has no column of labels beside 'id'"),
        (f"id,ann\n{IDS[0]},red\n", {"key": "tweet"}, ":1: has no column 'tweet' (it has: id, ann)"),
        (f"id,ann\n{IDS[0]},red\n", {"coders": ("ann", "bob")}, ":1: has no column 'bob'"),
        (f"id,ann\n{IDS[0]},red\n", {"adjudicated": "final"}, ":1: has no column 'final'"),
        (f"id,ann\n{IDS[0]},red\n", {"coders": ("ann", "id")}, "named for two purposes"),
        (f"id,ann,ann\n{IDS[0]},red,red\n", {}, ":1: names the column 'ann' twice"),
        (f'id,ann\n{IDS[0]},"red\n', {}, ":2: is not CSV"),
        ('[{"id": "1", "ann": "red"}]', {}, "looks like JSON"),
    ],
)
def test_one_fault(tmp_path, text, changes, words):
    (fault,) = faults(written(tmp_path, text), **changes)
    assert words in fault


def test_files_that_are_not_what_they_say(tmp_path):
    assert "no such label file" in faults(tmp_path / "none.csv")[0]
    assert "cannot be read" in faults(tmp_path)[0]
    assert "is no Parquet file" in faults(written(tmp_path, "id,ann\n1,red\n", name="labels.parquet"))[0]
    latin = written(tmp_path, f"id,ann\n{IDS[0]},ré\n", encoding="latin-1")
    assert faults(latin)[0].startswith(":2: is not UTF-8 text")


LINES = [
    f"{one},{code},{other}"
    for one, code, other in zip(IDS, ["red", "blue", ""] * 2, ["red"] * 6, strict=True)
]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(LINES))
def test_the_order_of_rows_makes_no_difference(tmp_path, lines):
    plain = read(written(tmp_path, "\n".join(["id,ann,bob", *LINES])))
    same(plain, read(written(tmp_path, "\n".join(["id,ann,bob", *lines]))))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text('id,ann\n\r";\t366red\x00', max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused_in_sentences(tmp_path, content):
    for name in ("labels.csv", "labels.parquet"):
        path = tmp_path / name
        path.write_bytes(content)
        try:
            sample = read(path)
        except LabelError as error:
            sample = None
            told = error.faults
        assert len(sample.position) if sample else all(fault.startswith(str(path)) for fault in told)


def test_an_index_that_was_written_along_is_told_once(tmp_path):
    """Its numbers may even be ids of other messages; with the key named, it is no coder."""
    numbered = pl.DataFrame({"source_id": ["0", "1", "7", "8"], "doc_id": DOCS[:4]})
    path = written(tmp_path, ",post_id,Ana\n0,7,red\n1,8,green\n2,1,red\n")
    config = ThemesConfig(codebook="codebook.yaml", labels=str(path))
    said = f"{path}:1: the first column has no name, as an index that was written along; 'post_id' holds ids"
    for read_it in (
        lambda: read_labels(config, CODES, numbered, DOCS),
        lambda: read_listed(config, numbered, DOCS),
    ):
        with pytest.raises(LabelError) as raised:
            read_it()
        (fault,) = raised.value.faults
        assert fault == f'{said} of this study: set themes.key = "post_id".'
    sample = read_labels(config.model_copy(update={"key": "post_id"}), CODES, numbered, DOCS)
    assert (sample.coders, sample.position.tolist()) == (("Ana",), [1, 2, 3])


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["1072", "1073", "x"], "2: 2 of the 3 ids in column 'id' that belong to no message would belong to"),
        (["'1072", "001073"], "2: 1 of the 1 ids in column 'id' that belong to no message would belong to"),
        (["1072", "x", "001073"], "2: the id in column 'id' belongs to no message of this corpus"),
    ],
)
def test_zeros_that_a_spreadsheet_took_off_are_told(tmp_path, ids, said):
    padded = pl.DataFrame({"source_id": ["001072", "001073", "000"], "doc_id": DOCS[:3]})
    path = written(tmp_path, "id,Ana\n" + "".join(f"{one},red\n" for one in ids))
    with pytest.raises(LabelError) as raised:
        read_labels(ThemesConfig(codebook="codebook.yaml", labels=str(path)), CODES, padded, DOCS)
    assert raised.value.faults[0].startswith(f"{path}:{said}")


@pytest.mark.parametrize(
    ("first", "cure"),
    [
        (
            "content-0",
            "the sources name no column of ids, so that ids were made from the content: set columns.id",
        ),
        ("7", "name the column of ids by themes.key"),
    ],
)
def test_where_no_id_is_known_the_column_that_is_to_be_named_is_told(tmp_path, first, cure):
    known = pl.DataFrame({"source_id": [first, "content-1"], "doc_id": DOCS[:2]})
    path = written(tmp_path, "id,Ana\na1,red\na2,green\n")
    with pytest.raises(LabelError) as raised:
        read_labels(ThemesConfig(codebook="codebook.yaml", labels=str(path)), CODES, known, DOCS)
    assert raised.value.faults == (
        f"{path}:2: none of the 2 ids in column 'id' belongs to a message of this corpus; {cure}, "
        "or give the labels of this study.",
    )


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_letters_and_their_marks_may_be_taken_apart(tmp_path, name):
    apart = partial(unicodedata.normalize, "NFD")
    table = pl.DataFrame({apart("Nummer-ä"): ["ä-1"], apart("José"): [apart("größe")]})
    table = table.with_columns(pl.all().str.normalize("NFD"))
    write = table.write_csv if name.endswith("csv") else table.write_parquet
    write(tmp_path / name)
    crosswalk = pl.DataFrame({"source_id": ["ä-1"], "doc_id": ["doc-0"]})
    codebook = Codebook((Theme("größe", "Größe", "Zu groß."), Theme("x", "X", "Anderes.")))
    config = ThemesConfig(
        codebook="", labels=str(tmp_path / name), key=apart("Nummer-ä"), coders=(apart("José"),)
    )
    sample = read_labels(config, codebook, crosswalk, ["doc-0"])
    assert sample.coders == ("José",)
    assert sample.theme.tolist() == [0]
