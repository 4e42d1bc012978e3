import re

from themeloom.reporting.references import bibliography, cited, references


def test_bibtex_is_well_formed() -> None:
    keys = ("umap", "hdbscan", "bertopic", "sbert", "minilm", "supcon", "ppi", "ppi_plus", "themeloom")
    text = bibliography(references(keys, study="50% of {braces} & more_", version="0.1.0"))
    entries = re.findall(r"^@(\w+)\{(\w+),\n((?:  \w+ = \{.*\},?\n)+)\}$", text, re.MULTILINE)
    assert {key for _, key, _ in entries} == {*keys, "study"}
    assert text.count("{") - text.count("\\{") == text.count("}") - text.count("\\}")
    assert r"50\% of \{braces\} \& more\_" in text


def test_works_stand_in_the_text_by_author_and_year() -> None:
    assert cited("bertopic") == "Grootendorst, 2022"
    assert cited("sbert") == "Reimers and Gurevych, 2019"
    assert cited("umap") == "McInnes et al., 2018"
    assert (cited("ppi"), cited("ppi_plus")) == ("Angelopoulos et al., 2023a", "Angelopoulos et al., 2023b")
