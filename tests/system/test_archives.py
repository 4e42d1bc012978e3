"""Archives are looked over before anything in them is unpacked."""

import io
import zipfile

import pytest

from themeloom.system import archives
from themeloom.system.archives import unpacking_fault


def fault_of(members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with zipfile.ZipFile(buffer) as archive:
        return unpacking_fault(archive, len(buffer.getvalue()))


@pytest.mark.parametrize(
    ("members", "method", "said"),
    [
        ({"../x": ""}, zipfile.ZIP_DEFLATED, "outside of it"),
        ({"a/../../x": ""}, zipfile.ZIP_DEFLATED, "outside of it"),
        ({"/etc/x": ""}, zipfile.ZIP_DEFLATED, "outside of it"),
        ({"C:/x": ""}, zipfile.ZIP_DEFLATED, "outside of it"),
        ({"x": "y"}, zipfile.ZIP_LZMA, "in a way that is not read"),
        ({"x": " " * 2_000_000}, zipfile.ZIP_DEFLATED, "more than 200 times its size"),
    ],
)
def test_what_must_not_be_unpacked(monkeypatch, members, method, said):
    monkeypatch.setattr(archives, "HARMLESS", 1_000_000)
    assert said in fault_of(members, method)


def test_too_much_and_too_many(monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 1000)
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    assert "unpacks to more than" in fault_of({"x": "y" * 1001}, zipfile.ZIP_STORED)
    assert "holds more than 3 files" in fault_of(dict.fromkeys("abcd", ""))


def test_an_ordinary_archive_may_be_unpacked():
    assert fault_of({"a.xml": "<a/>" * 1000, "sources/b.txt": "text"}) == ""
