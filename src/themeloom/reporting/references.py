"""Works to cite: as they stand in the text, in a list of references, and as BibTeX."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from themeloom.reporting.contents import Reference

_WHERE = ("journal", "booktitle", "publisher")
_BIBTEX = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"\\": r"\textbackslash{}"})


@cache
def _works() -> Mapping[str, Mapping[str, str]]:
    text = (files(__package__) / "texts" / "references.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def references(keys: Iterable[str], *, study: str = "", version: str = "") -> tuple[Reference, ...]:
    """Give works by their keys, in alphabetical order.

    Parameters
    ----------
    keys
        Keys of the works.
    study
        How the study is to be cited, where it says so.
    version
        The version of Themeloom.
    """
    found = [_reference(key, {**_works()[key], **_versioned(key, version)}) for key in dict.fromkeys(keys)]
    if study:
        found.append(Reference("study", _cited_study(study), study, _study_entry(study)))
    return tuple(sorted(found, key=lambda one: one.text.lower()))


def cited(key: str) -> str:
    """Write how a work stands in the text: McInnes et al., 2018."""
    work = _works()[key]
    names = _family_names(work["author"])
    who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return f"{who}, {work['year']}{work.get('letter', '')}"


def bibliography(found: Iterable[Reference]) -> str:
    """Write a BibTeX file."""
    return "\n\n".join(one.bibtex for one in found) + "\n"


def _versioned(key: str, version: str) -> Mapping[str, str]:
    return {"version": version} if key == "themeloom" and version else {}


def _reference(key: str, work: Mapping[str, str]) -> Reference:
    return Reference(key, cited(key), _listed(work), _entry(key, work))


def _family_names(author: str) -> list[str]:
    return [name.strip("{}").partition(",")[0] for name in author.split(" and ")]


def _listed(work: Mapping[str, str]) -> str:
    """Write a reference as biomedical journals do."""
    where = next((work[name] for name in _WHERE if name in work), "")
    volume = work.get("volume", "") + (f"({work['number']})" if "number" in work else "")
    pages = work.get("pages", "").replace("--", "\N{EN DASH}")
    place = ":".join(part for part in (volume, pages) if part)
    when = f"{where} {work['year']}{work.get('letter', '')}".strip() + (f";{place}" if place else "")
    version = f", version {work['version']}" if "version" in work else ""
    doi = f" https://doi.org/{work['doi']}" if "doi" in work else ""
    who = ", ".join(_short(name) for name in work["author"].split(" and "))
    return f"{who}. {work['title']}{version}. {when}.{doi}"


def _short(name: str) -> str:
    family, _, given = name.strip("{}").partition(", ")
    return f"{family} {''.join(part[0] for part in re.split(r'[ -]', given) if part)}".strip()


def _entry(key: str, work: Mapping[str, str]) -> str:
    fields = {name: value for name, value in work.items() if name not in {"type", "letter"}}
    lines = [
        f"  {name} = {{{value if name in ('author', 'doi') else _bibtex(value)}}}"
        for name, value in fields.items()
    ]
    return f"@{work['type']}{{{key},\n" + ",\n".join(lines) + "\n}"


def _study_entry(study: str) -> str:
    return "@misc{study,\n  note = {" + _bibtex(" ".join(study.split())) + "}\n}"


def _bibtex(text: str) -> str:
    return text.translate(_BIBTEX)


def _cited_study(study: str) -> str:
    """Write a study's reference short: its first author and year, where they can be told."""
    name = re.match(r"\s*([^\W\d_][\w'-]*)", study)
    year = re.search(r"\b(?:19|20)\d\d\b", study)
    several = " et al." if "," in study.partition(".")[0] else ""
    return f"{name[1]}{several}, {year[0]}" if name and year else study
