"""Versions of the codebook, and the codes that were given under them."""

import pytest

from builders import make_codebook
from coding_server import open_store
from themeloom.errors import LabelError
from themeloom.labelling import codebooks, codes
from themeloom.labelling.codes import Coding
from themeloom.records import Codebook, Theme

BOOK = make_codebook()
ONE, TWO = f"{1:016x}", f"{2:016x}"


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path, 10) as opened:
        yield opened


def test_codes_remember_the_version_of_the_codebook(store):
    codes.save(store, "Ana", Coding(ONE, "power", codebook=1), BOOK)
    clearer = Codebook(
        tuple(
            Theme(t.key, t.name, f"{t.definition} Clearer.") if t.key == "power" else t for t in BOOK.themes
        )
    )
    assert codebooks.take_in(store, clearer, "Ana", "power was disputed") == 2
    assert codebooks.take_in(store, clearer, "Ana", "again") is None
    codes.save(store, "Ana", Coding(TWO, "power", codebook=2), clearer)
    versions = dict(store.read("SELECT doc_id, codebook FROM current_codes"))
    assert versions == {ONE: 1, TWO: 2}
    newest = codebooks.versions(store)[0]
    assert (newest["version"], newest["why"]) == (2, "power was disputed")
    assert newest["changes"] == ["power: definition, include, exclude changed"]


def test_a_code_in_use_cannot_leave_the_codebook(store):
    codes.save(store, "Ana", Coding(ONE, "support", second="power"), BOOK)
    less = Codebook(tuple(theme for theme in BOOK.themes if theme.key != "power"))
    with pytest.raises(LabelError, match="lacks 'power', a code that messages were given"):
        codebooks.take_in(store, less, "Ana", "shorter")
