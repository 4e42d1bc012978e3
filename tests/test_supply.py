"""What Themeloom is installed from: hashes for every version, licences that allow it, a bill of materials."""

import re
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import licences  # noqa: E402

LOCK = ROOT / "requirements-hashed.txt"
MINIMUM = ROOT / "constraints-min.txt"


def pins(path):
    """Give the versions that a file pins; one package may have several, for different Pythons."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if pinned := re.match(r"([\w.-]+)==([^\s;\\]+)", line):
            found.setdefault(licences.normal(pinned[1]), set()).add(pinned[2])
    return found


def test_every_pinned_version_has_hashes():
    entries = re.split(r"\n(?=[\w.-]+==)", LOCK.read_text(encoding="utf-8"))[1:]
    bare = [entry.split()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)]
    assert bare == []
    locked = pins(LOCK)
    missing = {
        name: versions
        for name, versions in pins(licences.CONSTRAINTS).items()
        if not versions <= locked.get(name, set())
    }
    assert missing == {}, "run `make lock`"


def test_no_file_names_an_index_or_a_folder():
    for path in (LOCK, MINIMUM, licences.CONSTRAINTS):
        text = path.read_text(encoding="utf-8")
        assert not re.search(
            r"https?://|file://|^-|--(?:extra-)?index-url|--find-links", text, re.MULTILINE
        ), path.name


def test_the_lowest_versions_are_those_of_the_ranges():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*table["dependencies"], *table["optional-dependencies"]["test"]]
    lowest = pins(MINIMUM)
    wrong = []
    for one in asked:
        name, _, rest = one.partition(">=")
        name = name.partition("[")[0]
        bound = rest.partition(",")[0]
        found = lowest.get(licences.normal(name), {"none"})
        if not all(
            version == bound or re.match(rf"{re.escape(bound)}(?:\.0|\.post\d+|\.\d+)*$", version)
            for version in found
        ):
            wrong.append((one, found))
    assert wrong == [], "run `make lock`"


def test_every_licence_is_permissive_and_listed():
    found = licences.licences()
    assert [fault for name, (_, one) in found.items() if (fault := licences.fault_of(name, one))] == []
    assert len(found) > 150
    listed = set(re.findall(r"^\| ([\w.-]+) \|", licences.PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert found.keys() <= listed, "run `make licences`"


@pytest.mark.parametrize(
    ("licence", "said"),
    [
        ("GPL-3.0-or-later", "is not permissive"),
        ("GNU Affero General Public License v3", "is not permissive"),
        ("LGPLv2.1", "is not permissive"),
        ("SSPL-1.0", "is not permissive"),
        ("Proprietary", "is not permissive"),
        ("unknown", "says nothing of its licence"),
        ("MIT AND GPL-2.0-only", "is not permissive"),
        ("MPL-2.0 AND MIT", ""),
        ("BSD-3-Clause", ""),
    ],
)
def test_a_new_package_that_is_not_permissive_is_told(licence, said):
    fault = licences.fault_of("new", licence)
    assert said in fault if said else fault == ""


def test_the_bill_of_materials_is_that_of_what_is_installed():
    pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom is not installed: pip install -e '.[supply]'")
    import json
    import subprocess

    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "cyclonedx_py",
            "environment",
            "--sv",
            "1.6",
            "--output-reproducible",
            "--validate",
        ],
        capture_output=True,
        check=True,
    )
    bill = json.loads(made.stdout)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    told = {(licences.normal(one["name"]), one["version"]) for one in bill["components"]}
    installed = {(licences.normal(one.metadata["Name"]), one.version) for one in distributions()}
    assert told == installed
