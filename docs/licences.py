"""Write docs/licences.md: the licence of each package that Themeloom needs; fail where one is not permissive.

    python docs/licences.py [--check]

What packages say of themselves is read, as installed; packages of the spark extra and of other systems are
not there, and not told.
"""

import re
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "licences.md"
CONSTRAINTS = HERE.parent / "constraints.txt"

COPYLEFT = re.compile(
    r"\b[AL]?GPL|GNU|Affero|\bEUPL|\bCC-BY-(?:NC|SA)|\bSSPL|\bOSL-|\bBUSL|Proprietary", re.IGNORECASE
)
PERMISSIVE = re.compile(
    r"\bMIT|\bBSD|Apache|\bISC|\bPSF|Python Software Foundation|\bZlib|\bHPND|\bUnlicense|\b0BSD|\bBSL-1\.0"
    r"|\bCC0|\bCNRI",
    re.IGNORECASE,
)
BY_FILE = re.compile(r"\bMPL|Mozilla Public License", re.IGNORECASE)
"""Copyleft of single files only: used unchanged, it asks for nothing."""

READ_BY_HAND = {
    "axe-playwright-python": "MIT",
    "hdbscan": "BSD-3-Clause",
    "huey": "MIT",
    "skeletoken": "MIT",
    "skops": "MIT",
    "umap-learn": "BSD-3-Clause",
}
"""Packages that tell their licence in a file only."""
ACCEPTED = {
    "psycopg2-binary": "LGPL with exceptions; for a test on Postgres only, not installed with Themeloom",
}
"""Not permissive, and why it may be there all the same."""


def licence_of(package: Distribution) -> str:
    """Give the licence as a package tells it: its expression, its classifiers, else its first line."""
    told = package.metadata
    classified = [
        one.rpartition("::")[2].strip() for one in told.get_all("Classifier") or [] if "License ::" in one
    ]
    classified = [one for one in classified if one not in {"OSI Approved", "DFSG approved"}]
    first = (told.get("License") or "").strip().partition("\n")[0][:60]
    name = normal(told["Name"])
    return (
        told.get("License-Expression")
        or READ_BY_HAND.get(name)
        or ", ".join(classified)
        or first
        or "unknown"
    )


def normal(name: str) -> str:
    """Write a package's name as the index does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def fault_of(name: str, licence: str) -> str:
    """Say what is wrong with a licence; nothing if it is permissive."""
    if name in ACCEPTED:
        return ""
    if COPYLEFT.search(licence):
        return f"{name}: {licence} is not permissive; choose another package."
    if not PERMISSIVE.search(licence) and not BY_FILE.search(licence):
        told = "says nothing of its licence that is known"
        return f"{name}: {told} ({licence}); read it, and add it to docs/licences.py."
    return ""


def licences() -> dict[str, tuple[str, str]]:
    """Give version and licence of each package of constraints.txt that is installed."""
    pinned = {
        normal(line.partition("==")[0]) for line in CONSTRAINTS.read_text().splitlines() if "==" in line
    }
    found = {normal(one.metadata["Name"]): (one.version, licence_of(one)) for one in distributions()}
    return {name: found[name] for name in sorted(pinned & found.keys())}


def page(found: dict[str, tuple[str, str]]) -> str:
    """Write the page; without versions, which constraints.txt has."""
    rows = [f"| {name} | {ACCEPTED.get(name, licence)} |" for name, (_, licence) in found.items()]
    return "\n".join(
        [
            "# Licences",
            "",
            "What Themeloom needs, its tests and tools included, and under which licence; the versions",
            "are those of `constraints.txt`. Written by `make licences` from what the packages say of",
            "themselves. All are permissive, but for these: the Mozilla Public License asks for nothing",
            "where its files are used unchanged, and psycopg2 is used by one test alone.",
            "",
            "| package | licence |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def main() -> int:
    """Write the page, or check that it is as it would be written."""
    found = licences()
    faults = [fault for name, (_, licence) in found.items() if (fault := fault_of(name, licence))]
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    if "--check" not in sys.argv:
        PAGE.write_text(page(found), encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
