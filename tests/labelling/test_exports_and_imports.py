"""What was coded goes out to other programs and comes back the same; hostile files come to nothing."""

import csv
import io
import json
import zipfile
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import make_codebook
from coding_server import STUDY, open_store
from themeloom import archives
from themeloom.errors import LabelError
from themeloom.labelling import codes, doubles, exports, imports, labelstudio, people, refi
from themeloom.labelling.codes import Coding
from themeloom.labelling.collected import Said

BOOK = make_codebook()
FORMATS = {one.file: one for one in exports.FORMATS}
Q = refi.Q


def doc(number):
    return f"{number:016x}"


@pytest.fixture
def store(tmp_path):
    """Two coders: second codes, notes (one a formula), an unclear message, a decision."""
    with open_store(tmp_path / "from", 6) as opened:
        for name in ("Ana", "Ben"):
            people.join(opened, name)
        codes.save(
            opened,
            "Ana",
            Coding(doc(0), "power", "support", note='=HYPERLINK("x")', codebook=1, seconds=2.5),
            BOOK,
        )
        codes.save(opened, "Ben", Coding(doc(0), "support", codebook=1), BOOK)
        codes.save(opened, "Ana", Coding(doc(1), None, unclear=True, note="why?\nwho <knows> & \x0c"), BOOK)
        codes.save(opened, "Ben", Coding(doc(2), "thanks"), BOOK)
        doubles.decide(opened, "Ben", doc(0), "power", "who decides is the point", (1, BOOK))
        yield opened


@pytest.fixture
def other(tmp_path):
    with open_store(tmp_path / "to", 6) as opened:
        yield opened


def kept(store):
    """What counts in a label file, times and versions aside."""
    said = store.read(
        "SELECT coder, doc_id, code, second, unclear, note FROM current_codes ORDER BY coder, doc_id"
    )
    decided = store.read("SELECT doc_id, code, second, unclear, note FROM current_decisions")
    return [tuple(row) for row in said], [tuple(row) for row in decided]


def same(doc_id):
    return doc_id


def take_in(other, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return imports.take_in(other, imports.read(path), path, same)


@pytest.mark.parametrize("name", ["codes.csv", "codes.parquet", "label-studio.json", "project.qdpx"])
def test_everything_comes_back(store, other, tmp_path, name):
    content = FORMATS[name].write(exports.everything(store))
    assert take_in(other, tmp_path, name, content) == (5, ("Ana", "Ben", "adjudicated"))
    codes_before, decisions = kept(store)
    codes_after, decided = kept(other)
    plain = [
        tuple(cell.replace("\x0c", "") if isinstance(cell, str) else cell for cell in row)
        for row in codes_before
    ]
    assert codes_after == (plain if name.endswith("qdpx") else codes_before)  # XML cannot hold a form feed
    assert decided == decisions
    assert take_in(other, tmp_path, name, content)[0] == 0  # the same file again
    assert FORMATS["labels.csv"].write(exports.everything(other)) == FORMATS["labels.csv"].write(
        exports.everything(store)
    )


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_a_label_file_comes_back_as_codes_alone(store, other, tmp_path, name):
    take_in(other, tmp_path, name, FORMATS[name].write(exports.everything(store)))
    codes_after, decided = kept(other)
    assert [row[:3] for row in codes_after] == [
        ("Ana", doc(0), "power"),
        ("Ben", doc(0), "support"),
        ("Ben", doc(2), "thanks"),
    ]
    assert [row[:2] for row in decided] == [(doc(0), "power")]


def test_an_agreed_label_comes_back_however_its_column_is_spelt(store, other, tmp_path):
    content = FORMATS["labels.csv"].write(exports.everything(store)).replace(b"adjudicated", b"Adjudicated")
    assert take_in(other, tmp_path, "labels.csv", content)[1] == ("Ana", "Ben", "adjudicated")
    assert kept(other)[1]


def test_csv_holds_nothing_that_a_spreadsheet_would_run(store):
    for name in ("codes.csv", "labels.csv"):
        rows = list(csv.reader(io.StringIO(FORMATS[name].write(exports.everything(store)).decode())))
        cells = [cell for row in rows for cell in row]
        assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []
    assert '\'=HYPERLINK(""x"")' in FORMATS["codes.csv"].write(exports.everything(store)).decode()


def test_the_project_is_what_the_standard_asks_for(store):
    content = FORMATS["project.qdpx"].write(exports.everything(store))
    assert content == FORMATS["project.qdpx"].write(exports.everything(store))  # the same in, the same out
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        root = ET.fromstring(archive.read("project.qde"))  # noqa: S314 (our own)
        assert root.tag == f"{Q}Project"
        assert [child.tag.removeprefix(Q) for child in root] == ["Users", "CodeBook", "Sources", "Notes"]
        targets = {one.get("guid") for one in root.iter() if one.get("guid")}
        used = {one.get("targetGUID") for one in root.iter() if one.get("targetGUID")}
        users = {one.get("guid") for one in root.iter(f"{Q}User")}
        assert used <= targets
        assert {one.get("creatingUser") for one in root.iter(f"{Q}Coding")} <= users
        for source in root.iter(f"{Q}TextSource"):
            text = archive.read(source.get("plainTextPath").replace("internal://", "sources/")).decode()
            for selection in source.iter(f"{Q}PlainTextSelection"):
                assert (selection.get("startPosition"), selection.get("endPosition")) == ("0", str(len(text)))
        assert len({one.get("guid") for one in root.iter() if one.get("guid")}) == sum(
            1 for one in root.iter() if one.get("guid")
        )


def archive(files, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


EMPTY = '<Project xmlns="urn:QDA-XML:project:1.0" name="x"/>'
ENTITIES = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>' + EMPTY
EXTERNAL = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + EMPTY


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"project.qde": EMPTY, "../../evil.txt": "x"}, "would lie outside"),
        ({"project.qde": EMPTY, "/etc/evil": "x"}, "would lie outside"),
        ({"project.qde": EMPTY, "C:\\evil": "x"}, "would lie outside"),
        ({"project.qde": ENTITIES}, "has a document type"),
        ({"project.qde": EXTERNAL}, "has a document type"),
        ({"project.qde": EXTERNAL.encode("utf-16")}, "no REFI-QDA project"),
        ({"project.qde": "<Project>"}, "no REFI-QDA project"),
        ({"other.xml": EMPTY}, "holds no project.qde"),
    ],
)
def test_hostile_projects_are_refused_and_leave_nothing(tmp_path, files, said):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LabelError, match=said):
        refi.read(archive(files), "x.qdpx")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(archives, "HARMLESS", 1_000_000)
    bomb = archive({"project.qde": EMPTY + " " * 2_000_000})
    assert len(bomb) < 10_000
    with pytest.raises(LabelError, match="unpacks to more than"):
        refi.read(bomb, "bomb.qdpx")
    lying = bomb.replace((2_000_000 + len(EMPTY)).to_bytes(4, "little"), (500).to_bytes(4, "little"))
    with pytest.raises(LabelError, match=r"is no \.qdpx archive|too large|no REFI-QDA"):
        refi.read(lying, "bomb.qdpx")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_bytes_make_more_than_a_sentence(content):
    for read in (refi.read, labelstudio.read):
        with pytest.raises(LabelError):
            read(b"\xff" + content, "file")


def test_a_project_of_another_program_is_read():
    """Codes by name, braces around ids, sources named as files, codings on the selection's own user."""
    text = f"""<?xml version="1.0" encoding="utf-8"?>
    <Project xmlns="urn:QDA-XML:project:1.0" name="q" origin="Other 3.5">
    <Users><User guid="{{AA}}" name="Ana"/></Users>
    <CodeBook><Codes><Code guid="{{C1}}" name="power" isCodable="true"/>
    <Code guid="{{C2}}" name="support" isCodable="true"/></Codes></CodeBook>
    <Sources><TextSource guid="{{S}}" name="{doc(3)}.txt">
    <PlainTextSelection guid="{{P}}" startPosition="2" endPosition="9" creatingUser="{{aa}}">
    <Coding guid="{{K}}"><CodeRef targetGUID="{{c1}}"/></Coding></PlainTextSelection>
    <PlainTextSelection guid="{{P2}}" startPosition="4" endPosition="6">
    <Coding guid="{{K2}}" creatingUser="{{AA}}"><CodeRef targetGUID="{{C2}}"/></Coding></PlainTextSelection>
    </TextSource></Sources></Project>"""
    assert refi.read(archive({"project.qde": text}), "q.qdpx") == [Said("Ana", doc(3), "power", "support")]


def test_faults_of_an_import_are_all_told_and_nothing_is_taken_in(other, tmp_path):
    content = f"doc_id,Ana\n{doc(0)},power\n{doc(1)},nonsense\nunknown,power\n".encode()
    with pytest.raises(LabelError) as caught:
        take_in(other, tmp_path, "labels.csv", content)
    assert len(caught.value.faults) == 2
    assert "'nonsense' is no code of the codebook" in caught.value.faults[0]
    assert "not in the sample" in caught.value.faults[1]
    assert kept(other) == ([], [])
    assert people.coders(other) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"doc_id,Ana\n", "holds no codes"),
        ("x.csv", b"doc_id,Ana\n1,2,3\n", "not as many cells"),
        ("x.csv", b"\xff\xfe", "no CSV in UTF-8"),
        ("x.parquet", b"PAR1", "no Parquet file"),
        ("x.json", b"{}", "holds no codes"),
        ("x.json", b"[1]", "no export of Label Studio"),
        ("x.docx", b"", "name a file that ends in"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(other, tmp_path, name, content, said):
    with pytest.raises(LabelError, match=said):
        take_in(other, tmp_path, name, content)


def test_label_studio_annotators_are_named_by_address_or_number():
    def task(who):
        choice = {"from_name": "theme", "to_name": "text", "type": "choices", "value": {"choices": ["power"]}}
        return {"data": {"doc_id": doc(0)}, "annotations": [{"completed_by": who, "result": [choice]}]}

    content = json.dumps([task({"email": "ana@example.org"}), task({"id": 3}), task(4)]).encode()
    assert [one.coder for one in labelstudio.read(content, "x")] == ["ana", "annotator 3", "annotator 4"]


def test_a_label_table_leaves_out_assisted_codes_and_unclear_messages(store):
    store.add("guess", "Ben", doc_id=doc(3))
    codes.save(store, "Ben", Coding(doc(3), "thanks"), BOOK)
    doubles.decide(store, "Ben", doc(2), "unclear", "nothing said", (1, BOOK))
    everything = exports.label_table(exports.everything(store))
    blind = exports.label_table(exports.everything(store), assisted=False)
    assert everything.filter(pl.col("doc_id") == doc(3))["Ben"].item() == "thanks"
    assert blind.filter(pl.col("doc_id") == doc(3))["Ben"].item() is None
    assert doc(2) not in everything["doc_id"].to_list()
    assert everything.columns == ["doc_id", "inclusion_probability", "Ana", "Ben", "adjudicated"]
    assert exports.everything(store).study == STUDY
