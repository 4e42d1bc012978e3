"""What was coded goes out to other programs and comes back the same; hostile files come to nothing."""

import csv
import io
import json
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import make_codebook
from coding_server import STUDY, open_store
from themeloom.errors import LabelError
from themeloom.labelling import codebooks, codes, doubles, exports, imports, labelstudio, people, refi
from themeloom.labelling.codes import Coding
from themeloom.labelling.collected import Collected, Said, duration, moment
from themeloom.labelling.imports import Taken
from themeloom.labelling.store import insert
from themeloom.records import Codebook, Theme
from themeloom.system import archives
from themeloom.themes.agreement import agreement
from themeloom.themes.sample import read_codes

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


def counts(taken):
    return taken.new, taken.changed, taken.kept


@pytest.mark.parametrize("name", ["codes.csv", "codes.parquet", "label-studio.json", "project.qdpx"])
def test_everything_comes_back(store, other, tmp_path, name):
    content = FORMATS[name].write(exports.everything(store))
    assert take_in(other, tmp_path, name, content) == Taken(5, 0, 0, ("Ana", "Ben", "adjudicated"))
    codes_before, decisions = kept(store)
    codes_after, decided = kept(other)
    plain = [
        tuple(cell.replace("\x0c", "") if isinstance(cell, str) else cell for cell in row)
        for row in codes_before
    ]
    assert codes_after == (plain if name.endswith("qdpx") else codes_before)  # XML cannot hold a form feed
    assert decided == decisions
    assert counts(take_in(other, tmp_path, name, content)) == (0, 0, 0)  # the same file again
    assert FORMATS["labels.csv"].write(exports.everything(other)) == FORMATS["labels.csv"].write(
        exports.everything(store)
    )


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_a_label_file_comes_back_as_codes_alone(store, other, tmp_path, name):
    doubles.decide(store, "Ben", doc(2), "unclear", "nothing said", (1, BOOK))
    take_in(other, tmp_path, name, FORMATS[name].write(exports.everything(store)))
    codes_after, decided = kept(other)
    assert [row[:3] for row in codes_after] == [
        ("Ana", doc(0), "power"),
        ("Ana", doc(1), None),
        ("Ben", doc(0), "support"),
        ("Ben", doc(2), "thanks"),
    ]
    assert [row[4] for row in codes_after] == [0, 1, 0, 0]  # what is unclear stays so
    assert [(*row[:2], row[3]) for row in decided] == [(doc(0), "power", 0), (doc(2), None, 1)]


def test_a_codebook_may_have_a_code_that_is_called_unclear(store, other, tmp_path):
    book = Codebook((*BOOK.themes, Theme("unclear", "Unclear", "Says nothing.")))
    for one in (store, other):
        codebooks.take_in(one, book, "test", "one more")
    codes.save(store, "Ben", Coding(doc(3), "unclear"), book)
    take_in(other, tmp_path, "labels.csv", FORMATS["labels.csv"].write(exports.everything(store)))
    assert codes.codes_of(other, "Ben")[doc(3)]["code"] == "unclear"


TIMED = ["codes.csv", "codes.parquet", "label-studio.json", "project.qdpx"]


@pytest.mark.parametrize("name", ["codes.csv", "codes.parquet"])
def test_a_row_a_code_keeps_the_mark_of_a_guess_times_and_versions(store, other, tmp_path, name):
    store.add("guess", "Ben", doc_id=doc(3))
    codes.save(store, "Ben", Coding(doc(3), "thanks", codebook=1, seconds=0.1), BOOK)
    before = exports.everything(store)
    assert [one.assisted for one in before.codes if one.doc_id == doc(3)] == [1]
    assert codebooks.take_in(other, Codebook(tuple(reversed(BOOK.themes))), "test", "another order") == 2
    take_in(other, tmp_path, name, FORMATS[name].write(before))
    untold = pl.col("codebook_version").fill_null(2)
    told = exports.long_table(before).with_columns(untold).filter(~pl.col("adjudicated"))
    kept_too = exports.long_table(exports.everything(other)).filter(~pl.col("adjudicated"))
    assert kept_too.equals(told)
    codes.save(other, "Ben", Coding(doc(3), "power"), BOOK)  # for good: the guess was seen elsewhere
    assert codes.codes_of(other, "Ben")[doc(3)]["assisted"] == 1


@pytest.mark.parametrize("seen", ["here", "before"])
def test_a_file_without_marks_takes_none_away(other, tmp_path, seen):
    people.join(other, "Ana")
    other.add("guess", "Ana", doc_id=doc(0))
    if seen == "before":
        codes.save(other, "Ana", Coding(doc(0), "power"), BOOK)
    taken = take_in(other, tmp_path, "labels.csv", f"doc_id,ana\n{doc(0)},thanks\n{doc(1)},power".encode())
    assert counts(taken) == ((1, 1, 0) if seen == "before" else (2, 0, 0))
    said = codes.codes_of(other, "Ana")
    assert [(said[doc(place)]["code"], said[doc(place)]["assisted"]) for place in (0, 1)] == [
        ("thanks", 1),
        ("power", 0),
    ]


def test_a_mark_that_is_missing_is_set_and_changes_nothing_else(store, tmp_path):
    table = exports.long_table(exports.everything(store))
    codes.save(store, "Ana", Coding(doc(1), "power", note="now I see"), BOOK)
    marked = table.with_columns(pl.col("doc_id").is_in([doc(0), doc(1)]).alias("assisted"))
    marked = marked.filter(coder="Ana").with_columns(pl.lit("2020-01-01").alias("at"))
    before = kept(store)
    assert take_in(store, tmp_path, "codes.parquet", exports._parquet(marked)) == Taken(0, 2, 0, ("Ana",))
    assert kept(store) == before
    assert [one["assisted"] for one in codes.codes_of(store, "Ana").values()] == [1, 1]


@pytest.mark.parametrize("name", FORMATS)
def test_ones_own_export_changes_nothing(store, tmp_path, name):
    before = exports.everything(store)
    assert counts(take_in(store, tmp_path, name, FORMATS[name].write(before))) == (0, 0, 0)
    assert exports.everything(store) == before


OLD = "2026-01-31T12:00:00.250+00:00"
TEXTS = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from(["'=x", "''-1", "'7", "a\r\nb", "x\x00", "\r"])
)


@st.composite
def sayings(draw):
    """What coders say of messages and what is decided: coder, message, and the columns of an event."""
    found = []
    for coder, place in draw(st.sets(st.tuples(st.sampled_from(["Ana", "O'Neil", ""]), st.integers(0, 3)))):
        code, second = draw(st.permutations(BOOK.keys))[:2]
        unclear = draw(st.booleans())
        given = {"code": None if unclear else code, "unclear": int(unclear), "note": draw(TEXTS) or None}
        given["second"] = second if coder and not unclear and draw(st.booleans()) else None
        given["assisted"] = int(bool(coder) and draw(st.booleans()))
        seconds = draw(st.none() | st.floats(0, 1e6))
        found.append((coder, doc(place), {**given, "seconds": seconds, "codebook": 1, "at": OLD}))
    return found


def filled(folder, said):
    opened = open_store(folder, 4)
    for coder in {coder for coder, _, _ in said} - {""}:
        people.join(opened, coder)
    with opened.writing() as connection:
        for coder, doc_id, values in said:
            insert(connection, "code" if coder else "decide", coder or "Ben", doc_id=doc_id, **values)
    return opened


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=10, deadline=None)
@given(said=sayings())
def test_whatever_was_said_goes_out_and_comes_back(name, said):
    """Into the same file nothing comes; into a new one all that the format has room for."""
    with tempfile.TemporaryDirectory() as place, filled(Path(place) / "from", said) as mine:
        folder, before = Path(place), exports.everything(mine)
        content = FORMATS[name].write(before)
        path = written(folder / name, content)
        if name.startswith("codes") and not (before.codes or before.decisions):
            with pytest.raises(LabelError, match="has a header but no rows"):
                imports.read(path)
            return
        if not imports.read(path):
            return
        assert counts(take_in(mine, folder, name, content)) == (0, 0, 0)
        assert exports.everything(mine) == before
        with open_store(folder / "to", 4) as new:
            taken = take_in(new, folder, name, content)
            after = exports.everything(new)
            assert counts(taken) == (len(after.codes) + len(after.decisions), 0, 0)
            if name in TIMED:
                assert [one.content for one in after.codes] == [one.content for one in before.codes]
                assert [one.content for one in after.decisions] == [one.content for one in before.decisions]
                assert exports.label_table(after).equals(exports.label_table(before))
            if name.startswith("codes"):
                assert after.codes == before.codes


def test_a_version_that_is_not_here_is_the_newest(other, tmp_path):
    content = f"doc_id,coder,code,codebook_version\n{doc(0)},Ana,power,7.0\n".encode()
    take_in(other, tmp_path, "codes.csv", content)
    assert [one.codebook for one in exports.everything(other).codes] == [1]


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", TIMED)
def test_what_was_said_after_an_export_stays(store, tmp_path, name):
    codes.save(store, "Ana", Coding(doc(4), "power"), BOOK)
    old = FORMATS[name].write(exports.everything(store))
    later = "2199-01-01T00:00:00.000+00:00"
    store.add("code", "Ana", doc_id=doc(0), code="thanks", at=later)
    store.add("decide", "Ben", doc_id=doc(0), code="thanks", note="seen anew", at=later)
    before = exports.everything(store)
    assert counts(take_in(store, tmp_path, name, old)) == (0, 0, 2)
    assert exports.everything(store) == before


@pytest.mark.parametrize("name", TIMED)
def test_what_was_said_elsewhere_later_counts_here(store, other, tmp_path, name):
    take_in(other, tmp_path, name, FORMATS[name].write(exports.everything(store)))
    later = "2099-01-01T00:00:00.000+00:00"
    other.add("code", "Ana", doc_id=doc(0), code="thanks", note="on reflection", at=later)
    other.add("decide", "Ben", doc_id=doc(0), code="thanks", note="seen anew", at=later)
    taken = take_in(store, tmp_path, name, FORMATS[name].write(exports.everything(other)))
    assert counts(taken) == (0, 2, 0)
    assert codes.codes_of(store, "Ana")[doc(0)]["note"] == "on reflection"
    assert kept(store)[1] == [(doc(0), "thanks", None, 0, "seen anew")]
    assert (
        max(one.at for one in exports.everything(store).codes) < later
    )  # a clock that was fast is not believed


def test_a_label_file_changes_codes_and_leaves_what_it_has_no_room_for(store, tmp_path):
    header = "doc_id,Ana,adjudicated\n"
    content = f"{header}{doc(0)},thanks,\n".encode()
    assert counts(take_in(store, tmp_path, "labels.csv", content)) == (0, 1, 0)
    note = '=HYPERLINK("x")'
    assert kept(store)[0][0] == ("Ana", doc(0), "thanks", "support", 0, note)
    content = f"{header}{doc(0)},support,thanks\n".encode()  # the second code becomes the first
    assert counts(take_in(store, tmp_path, "labels.csv", content)) == (0, 2, 0)
    assert kept(store)[0][0] == ("Ana", doc(0), "support", None, 0, note)
    assert kept(store)[1] == [
        (doc(0), "thanks", None, 0, None)
    ]  # why it was another code says nothing of this


def test_a_file_that_tells_no_times_is_taken_in_once(store, tmp_path):
    content = f"doc_id,Ana\n{doc(0)},thanks\n".encode()
    assert counts(take_in(store, tmp_path, "labels.csv", content)) == (0, 1, 0)
    codes.save(store, "Ana", Coding(doc(0), "power"), BOOK)
    assert counts(take_in(store, tmp_path, "again.csv", content)) == (0, 0, 1)
    assert codes.codes_of(store, "Ana")[doc(0)]["code"] == "power"


def test_a_program_without_notes_takes_none_away(store, tmp_path):
    content = FORMATS["project.qdpx"].write(exports.everything(store))
    with zipfile.ZipFile(io.BytesIO(content)) as whole:
        text = whole.read("project.qde").decode()
    bare = archive({"project.qde": text.replace('name="note of', 'name="memo of')})
    before = exports.everything(store)
    assert counts(take_in(store, tmp_path, "project.qdpx", bare)) == (0, 0, 0)
    assert exports.everything(store) == before


def test_times_of_programs_that_know_whole_seconds_are_not_earlier():
    mine = Said("Ana", doc(0), "power", at=OLD)
    for told, before in [
        ("2026-01-31T12:00:00Z", False),
        ("2026-01-31T13:00:00+01:00", False),
        ("2026-01-31 11:59:59", True),
        ("2026-01-31T12:00:00.249Z", True),
        ("", False),
    ]:
        assert Said("Ana", doc(0), "thanks", at=moment(told)).was_before(mine) == before
    for read, wrong in [(moment, "0001-01-01T00:00:00+05:00"), (duration, "-1"), (duration, "inf")]:
        with pytest.raises(ValueError, match=r".+"):
            read(wrong)


def test_an_agreed_label_comes_back_however_its_column_is_spelt(store, other, tmp_path):
    content = FORMATS["labels.csv"].write(exports.everything(store)).replace(b"adjudicated", b"Adjudicated")
    assert take_in(other, tmp_path, "labels.csv", content).coders == ("Ana", "Ben", "adjudicated")
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


def test_messages_that_are_not_in_the_sample_are_told_once_with_the_cure(other, tmp_path):
    content = "doc_id,Ana\n" + "".join(f"unknown{at},power\n" for at in range(30))
    with pytest.raises(LabelError) as caught:
        take_in(other, tmp_path, "labels.csv", content.encode())
    assert caught.value.faults == (
        f"{tmp_path / 'labels.csv'}:2: the message is not in the sample, nor are those of 29 more codes; "
        "leave such codes out, or take the messages in first by `themeloom label EXPERIMENT --sheet SHEET` "
        "(a label file is one).",
    )


def test_a_fault_of_an_import_is_told_with_its_place(store, other, tmp_path):
    found = exports.everything(store)
    wrong = Said("Ben", doc(4), "Meds", note="two\nlines")
    larger = Codebook((*BOOK.themes, replace(BOOK.themes[0], key="Meds")))
    found = exports.Collected(found.study, found.messages, larger, (*found.codes, wrong), ())
    for name, place in {
        "codes.csv": ":7",  # one note before has two lines; a row is where it begins
        "codes.parquet": ":5",
        "label-studio.json": ", task 5",
        "project.qdpx": f", source '{doc(4)}'",
    }.items():
        with pytest.raises(LabelError, match="'Meds' is no code of the codebook") as caught:
            take_in(other, tmp_path, name, FORMATS[name].write(found))
        assert str(caught.value).startswith(f"{tmp_path / name}{place} (by Ben): 'Meds'")
    content = f'doc_id,text,Dan\n\n{doc(0)},"a\nb",\n{doc(1)},x,Meds\n'.encode()
    with pytest.raises(LabelError, match=r"labels\.csv:5 \(by Dan\): 'Meds' is no code"):
        take_in(other, tmp_path, "labels.csv", content)
    with pytest.raises(LabelError, match=r"labels\.csv:2 \(by Dan!\): 'Dan!' can be no coder's name"):
        take_in(other, tmp_path, "labels.csv", f"doc_id,Dan,Dan!\n{doc(0)},power,power\n".encode())
    assert people.coders(other) == []


def test_a_first_line_that_names_the_separator_is_no_header(other, tmp_path):
    content = f'sep=|\r\ndoc_id|Ana|text\r\n{doc(0)}|power|"a,b;c"\r\n{doc(1)}|Meds|x\r\n'.encode()
    with pytest.raises(LabelError, match=r"labels\.csv:4 \(by Ana\): 'Meds'"):
        take_in(other, tmp_path, "labels.csv", content)
    assert counts(take_in(other, tmp_path, "labels.csv", content.replace(b"Meds", b"thanks"))) == (2, 0, 0)


@pytest.mark.parametrize(
    "lines",
    [
        ("doc_id|Ana|Ben", "{}|power|thanks"),
        ("doc_id;Ana;Ben;;", "{};power;thanks;;"),
        ("doc_id,Ana,Ben", "{},power,thanks,,"),
        ("", "doc_id;Ana;Ben", "{};power;thanks"),
        (" ; ; ", " doc_id ; Ana ; Ben ", " {} ; power ; thanks "),
    ],
)
def test_what_a_run_reads_is_taken_in(other, tmp_path, lines):
    content = "\n".join([*lines, ""]).format(doc(0)).encode()
    taken = take_in(other, tmp_path, "labels.csv", content)
    assert (counts(taken), taken.coders) == ((2, 0, 0), ("Ana", "Ben"))


def test_every_row_that_does_not_fit_is_told(other, tmp_path):
    with pytest.raises(LabelError) as caught:
        take_in(other, tmp_path, "labels.csv", b"doc_id,Ana\n1\n2,a,b\n")
    assert [fault.partition(": ")[0][-2:] for fault in caught.value.faults] == [":2", ":3"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"doc_id,Ana\n", "has a header but no rows"),
        ("x.csv", b"doc_id,Ana\n1,\n", "holds no codes"),
        ("x.csv", b"doc_id,Ana\n1,2,3\n", r"x\.csv:2: has 3 cells, but the header has 2"),
        ("x.csv", b'doc_id,text,Ana\n1,"a\nb",x\n1,2\n', r"x\.csv:4: has 2 cells, but the header has 3"),
        ("x.csv", b"\ndoc_id,Ana,Ben,Ana\n1,a,b,c\n", r"x\.csv:2: names the column 'Ana' twice"),
        ("x.csv", b'doc_id,Ana\n1,"a\n', r"x\.csv:2: is not CSV"),
        ("x.csv", b"doc_id,coder,code\n1,Ana,\n", r"x\.csv:2: has neither a code nor 'unclear'"),
        (
            "x.csv",
            b"doc_id,coder,code,assisted\n1,Ana,power,yes\n",
            ":2: assisted is 'yes'; give true or false",
        ),
        ("x.csv", b"doc_id,coder,code,seconds\n1,Ana,power,-1\n", ":2: seconds is '-1'; give a number"),
        ("x.csv", b"doc_id,coder,code,at\n1,Ana,power,noon\n", ":2: at is 'noon'; give a time such as"),
        (
            "x.csv",
            b"doc_id,coder,code,codebook_version\n1,Ana,power,x\n",
            ":2: codebook_version is 'x'; give a",
        ),
        ("x.csv", b"\xff\xfe", r"x\.csv:1: is not UTF-8 text"),
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


def test_a_label_table_leaves_out_assisted_codes_and_says_what_is_unclear(store):
    store.add("guess", "Ben", doc_id=doc(3))
    codes.save(store, "Ben", Coding(doc(3), "thanks"), BOOK)
    doubles.decide(store, "Ben", doc(2), "unclear", "nothing said", (1, BOOK))
    everything = exports.label_table(exports.everything(store))
    blind = exports.label_table(exports.everything(store), assisted=False)
    assert everything.filter(pl.col("doc_id") == doc(3))["Ben"].item() == "thanks"
    assert blind.filter(pl.col("doc_id") == doc(3))["Ben"].item() is None
    cells = everything.select("Ana", "Ben", "adjudicated").rows()
    assert cells[:3] == [("power", "support", "power"), ("unclear", None, None), (None, "thanks", "unclear")]
    assert everything.columns == ["doc_id", "inclusion_probability", "Ana", "Ben", "adjudicated"]
    assert exports.everything(store).study == STUDY


def test_rows_of_blanks_are_no_rows_of_a_sheet(tmp_path):
    content = b"doc_id,inclusion_probability,design\n , ,\na,0.5,random\n"
    assert imports.designs(written(tmp_path / "sheet.csv", content)) == imports.Drawn(["random"], [0.5])


def test_a_decision_that_a_message_is_unclear_changes_no_agreement(store, tmp_path):
    """The page's and that of the label file are the same, and what coders said before."""
    said = [
        ("power", "power"),
        ("support", "power"),
        ("thanks", "thanks"),
        ("thanks", "support"),
        ("meta", None),
    ]
    for place, pair in enumerate(said):
        for name, code in zip(("Ana", "Ben"), pair, strict=True):
            codes.save(store, name, Coding(doc(place), code, unclear=code is None), BOOK)
    codes.save(store, "Ana", Coding(doc(5), "meta"), BOOK)
    codes.save(store, "Ben", Coding(doc(5), "meta"), BOOK)

    def measured():
        content = FORMATS["labels.csv"].write(exports.everything(store))
        sample, _ = read_codes(written(tmp_path / "labels.csv", content), BOOK)
        page = doubles.as_sample(doubles.doubles(store, [1]), BOOK)
        return [agreement(one, BOOK, draws=50).scores["kappa"].value for one in (page, sample)], sample

    before, _ = measured()
    assert before[0] == before[1]
    for place in (1, 3, 4):
        doubles.decide(store, "Ben", doc(place), "unclear", "nobody can tell", (1, BOOK))
    after, sample = measured()
    assert after == before
    assert sample.decided.tolist() == [True, False, True, False, False, True]


@pytest.mark.parametrize("name", ["codes.csv", "codes.parquet", "label-studio.json", "project.qdpx"])
def test_codes_come_back_from_programs_that_take_letters_and_marks_apart(tmp_path, name):
    apart = Said(normalize("NFD", "Zoë"), normalize("NFD", "doc-ä"), normalize("NFD", "größe"))
    codebook = Codebook(tuple(Theme(key, key, key) for key in ("größe", "x")))
    message = {"doc_id": apart.doc_id, "text": "a", "batch": 1, "design": "random", "inclusion": 1.0}
    apart_book = Codebook((replace(codebook.themes[0], key=apart.code), codebook.themes[1]))
    content = FORMATS[name].write(Collected("study", (message,), apart_book, (apart,), ()))
    with open_store(tmp_path / "to", 1) as other:
        codebooks.take_in(other, codebook, "lead", "a test")
        asked = []
        path = written(tmp_path / name, content)
        taken = imports.take_in(other, imports.read(path), path, lambda one: asked.append(one) or doc(0))
        assert (taken.new, taken.coders) == (1, ("Zoë",))
        assert kept(other)[0][0][2] == "größe"
        assert asked == ["doc-ä"]
