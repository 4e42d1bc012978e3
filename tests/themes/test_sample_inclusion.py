"""With which probability labelled messages were drawn, read from the label file or known by design."""

import numpy as np
import polars as pl
import pytest

from builders import make_codebook
from themeloom.config import ThemesConfig
from themeloom.errors import LabelError
from themeloom.themes.sample import read_codes, read_labels, read_listed

DOC_IDS = ["d0", "d1", "d2", "d3", "d4"]
CROSSWALK = pl.DataFrame({"source_id": ["s0", "s1", "s2", "s3", "s4"], "doc_id": DOC_IDS})
KEY = make_codebook().keys[0]
SHEET = f"""\
doc_id,text,inclusion_probability,design,anna,ben
d3,good morning,0.4,random,{KEY},{KEY}
d1,=2+2,0.25,random,{KEY},
d4,not coded yet,0.5,random,,
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(SHEET, encoding="utf-8")

    def made(**more):
        return ThemesConfig(codebook="codebook.yaml", labels=str(path), **more)

    return made


def read(config):
    return read_labels(config, make_codebook(), CROSSWALK, DOC_IDS)


def respelt(config, old, new):
    path = config().labels
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(SHEET.replace(old, new))


def test_messages_that_the_mapping_doubted_are_no_random_sample(config):
    respelt(config, "0.25,random", ",uncertain")
    with pytest.raises(
        LabelError, match=r"labels\.csv:3: 1 labelled message.* chosen as 'uncertain'.*inclusion"
    ):
        read(config(sample="random"))
    found = read(config(inclusion="inclusion_probability")).inclusion
    assert np.array_equal(found, [np.nan, 0.4], equal_nan=True)


def test_a_filled_sheet_is_a_label_file(config):
    sample = read(config())
    assert sample.coders == ("anna", "ben")
    assert sample.position.tolist() == [1, 3]
    assert sample.inclusion is None


@pytest.mark.parametrize("column", ["text", "inclusion_probability", "design", "batch"])
def test_what_stands_beside_codes_in_sheets_and_exports_is_no_coder(config, column):
    respelt(config, SHEET, f"doc_id,{column},anna,ben,adjudicated\nd3,0.4,{KEY},{KEY},\nd1,1,,{KEY},{KEY}\n")
    assert read(config()).coders == ("anna", "ben")
    assert read_codes(config().labels)[0].coders == ("anna", "ben")
    assert read(config(sample="random")).inclusion.tolist() == [0.4, 0.4]


def test_a_coder_may_be_called_so_where_somebody_says_it(config):
    respelt(config, SHEET, f"doc_id,design,ben\nd3,{KEY},{KEY}\n")
    assert read(config(coders=("design", "ben"))).coders == ("design", "ben")


def test_probabilities_are_those_of_the_column(config):
    assert read(config(inclusion="inclusion_probability")).inclusion.tolist() == [0.25, 0.4]


def test_the_column_of_probabilities_is_no_coder(config):
    respelt(config, SHEET, f"id,p,anna,ben\nd3,.4,{KEY},\nd1,0.25,,{KEY}\n")
    sample = read(config(inclusion="p"))
    assert sample.coders == ("anna", "ben")
    assert sample.inclusion.tolist() == [0.25, 0.4]


def test_blank_probabilities_are_unknown(config):
    respelt(config, "0.25", "")
    np.testing.assert_equal(read(config(inclusion="inclusion_probability")).inclusion, [np.nan, 0.4])


def test_a_random_sample_is_as_likely_everywhere(config):
    assert read(config(sample="random")).inclusion.tolist() == [0.4, 0.4]  # 2 coded of 5


@pytest.mark.parametrize("wrong", ["0", "-0.1", "1.2", "often", "nan", "inf"])
def test_what_is_no_probability_is_told_with_its_line(config, wrong):
    respelt(config, "0.25", wrong)
    with pytest.raises(LabelError, match=rf"labels.csv:3: column 'inclusion_probability' holds '{wrong}'"):
        read(config(inclusion="inclusion_probability"))


@pytest.mark.parametrize("wrong", ["1.5", "often"])
def test_a_column_without_any_probability_is_told_once(config, wrong):
    respelt(config, SHEET, SHEET.replace("0.25", wrong).replace("0.4", wrong))
    with pytest.raises(
        LabelError, match=rf"labels.csv:2: .* no probability .* anywhere, as '{wrong}'"
    ) as raised:
        read(config(inclusion="inclusion_probability"))
    assert len(raised.value.faults) == 1


def test_rows_on_one_message_have_one_probability(config):
    again = f"s3,,0.4,random,{KEY},{KEY}\n"
    respelt(config, SHEET, SHEET + again)
    sample = read(config(inclusion="inclusion_probability"))
    assert (sample.again, sample.inclusion.tolist()) == (1, [0.25, 0.4])
    for other in ("0.3", ""):
        respelt(config, SHEET, SHEET + again.replace("0.4", other))
        with pytest.raises(
            LabelError, match=r"labels.csv:5: gives another probability .* of line 2"
        ) as raised:
            read(config(inclusion="inclusion_probability"))
        assert len(raised.value.faults) == 1
        assert read(config()).again == 1


def test_a_missing_column_is_told(config):
    with pytest.raises(LabelError, match="has no column 'chance'"):
        read(config(inclusion="chance"))


def test_what_is_listed_is_taken_coded_or_not(config):
    assert sorted(read_listed(config(), CROSSWALK, DOC_IDS)) == ["d1", "d3", "d4"]


def test_source_ids_lead_to_what_is_listed(config):
    respelt(config, "d3,", "s3,")
    assert sorted(read_listed(config(), CROSSWALK, DOC_IDS)) == ["d1", "d3", "d4"]


def test_an_apostrophe_that_says_text_is_no_part_of_an_id(config):
    respelt(config, "d3,", "'d3,")
    assert read(config()).position.tolist() == [1, 3]


def test_nothing_is_listed_before_there_is_a_file():
    config = ThemesConfig(codebook="codebook.yaml", labels="not/yet/there.csv")
    assert read_listed(config, CROSSWALK, DOC_IDS) == []


def test_a_list_of_other_messages_is_refused(config):
    with pytest.raises(LabelError, match="none of the 3 ids"):
        read_listed(config(), CROSSWALK, ["x"])
    respelt(config, "d3,", "d9,")
    with pytest.raises(LabelError, match=r"labels.csv:2: the id"):
        read_listed(config(), CROSSWALK, DOC_IDS)
    with pytest.raises(LabelError, match="no column 'id'"):
        read_listed(config(key="id"), CROSSWALK, DOC_IDS)
