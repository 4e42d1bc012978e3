"""The codebook: the study's themes and residual categories, read from YAML with every fault by its line."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from themeloom.errors import CodebookError, first_of
from themeloom.records import Codebook, Theme

SECTIONS = ("themes", "residual")
ABOUT = ("study", "title", "unit", "rule", "note", "source", "version")
ENTRY = ("key", "name", "names", "definition", "definitions", "include", "exclude")

LARGEST = 2**20
"""Bytes; a codebook is some pages."""
SHOWN = 60
"""Characters of the file that a fault quotes."""

CURLY = tuple("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb")
"""Quotes as word processors write them."""

NULL = "tag:yaml.org,2002:null"
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


def read_codebook(path: str | Path) -> Codebook:
    """Read a codebook.

    ``themes:`` and ``residual:`` are lists of entries. An entry has a ``key`` (the code that coders
    write), a ``name`` and a ``definition``, and may have ``include`` and ``exclude``. Further names and
    definitions stand under ``names`` and ``definitions``. Wherever several texts may stand, one is
    enough; all are taken as they are written, so that a code such as ``1`` or ``no`` needs no quotes.

    Parameters
    ----------
    path
        A YAML file in UTF-8.

    Returns
    -------
    Codebook
        Themes, then residual categories, in the order of the file.

    Raises
    ------
    CodebookError
        If the file is missing, is not YAML, or has faults; every fault is named with its line.
    """
    reader = _Reader(Path(path))
    root = _compose(reader.path)
    themes = [theme for section in SECTIONS for theme in reader.section(root, section)]
    reader.check(root)
    if reader.faults:
        raise CodebookError(*first_of(reader.faults))
    return Codebook(tuple(themes))


def _compose(path: Path) -> MappingNode:
    """Parse without constructing: nodes keep their lines, and nothing that a tag names is ever built."""
    try:
        root = yaml.compose(_text(path), Loader=_Loader)
    except FileNotFoundError:
        raise CodebookError(f"{path}: there is no such codebook; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CodebookError(f"{path}: cannot be read as UTF-8 text ({error}); give a YAML file.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise CodebookError(f"{place}: is not valid YAML ({error.problem}); mend that line.") from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise CodebookError(f"{path}: is not valid YAML ({reason}); give a plain YAML file.") from None
    if root is None:
        raise CodebookError(f"{path}: is empty; list at least two themes under 'themes:'.")
    if not isinstance(root, MappingNode):
        raise CodebookError(f"{path}:{_line(root)}: is no codebook; it must start with 'themes:'.")
    return root


def _text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise CodebookError(f"{path}: is larger than {LARGEST // 2**10} KiB; give the codebook.")
    return path.read_text(encoding="utf-8-sig")


class _Loader(yaml.SafeLoader):
    """Refuses aliases, by which a short file stands for gigabytes, and characters that no file can hold."""

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:  # noqa: ANN401 (as it is in yaml)
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            problem = f"the alias '*{event.anchor[:SHOWN]}' is not followed; write out what it stands for"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        node = super().compose_node(parent, index)
        if isinstance(node, ScalarNode) and _UNWRITABLE.search(node.value):
            problem = "a character that no file can hold, written as an escape"
            raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
        return node


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


class _Reader:
    """Walks the nodes and gathers faults."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []
        self.first: dict[str, tuple[str, int]] = {}  # of each key, whatever its capitals: it, and its line
        self.first_named: dict[str, int] = {}  # the line of each theme's name, whatever its capitals
        self.count = 0  # of entries under 'themes:', right or wrong

    def fault(self, node: Node, sentence: str) -> None:
        self.faults.append(f"{self.path}:{_line(node)}: {sentence}")

    def section(self, root: MappingNode, name: str) -> Iterator[Theme]:
        for key, value in root.value:
            if key.value != name or _is_null(value):
                continue
            if not isinstance(value, SequenceNode):
                self.fault(value, f"'{name}' must be a list of entries; start each entry with '- key: …'.")
                continue
            self.count += len(value.value) if name == "themes" else 0
            for entry in value.value:
                theme = self.entry(entry, residual=name == "residual")
                if theme is not None:
                    yield theme

    def entry(self, node: Node, *, residual: bool) -> Theme | None:
        if not isinstance(node, MappingNode):
            self.fault(node, "an entry must have 'key', 'name' and 'definition'; write it as '- key: …'.")
            return None
        before = len(self.faults)
        self.known(node, ENTRY)
        texts = {key.value: self.texts(key, value) for key, value in node.value if key.value in ENTRY}
        names = (*texts.get("name", ()), *texts.get("names", ()))
        definitions = (*texts.get("definition", ()), *texts.get("definitions", ()))
        key = self.key(node, texts.get("key"))
        if names:
            self.name(node, names[0])
        for what in ("name", "definition"):
            if what not in texts and f"{what}s" not in texts:
                self.fault(node, f"this entry has no '{what}'; add one.")
        if len(self.faults) > before:
            return None
        return Theme(
            key=key,
            name=names[0],
            definition=definitions[0],
            include=texts.get("include", ()),
            exclude=texts.get("exclude", ()),
            residual=residual,
            other_names=names[1:],
            other_definitions=definitions[1:],
        )

    def key(self, node: MappingNode, texts: tuple[str, ...] | None) -> str:
        if texts is None:
            self.fault(node, "this entry has no 'key'; add the code that coders write.")
            return ""
        if len(texts) > 1:
            self.fault(node, "this entry has several keys; give one code, and other names under 'names'.")
        key = texts[0] if texts else ""
        if key.startswith(CURLY) or key.endswith(CURLY):
            told = f"key '{key[:SHOWN]}' has a word processor's quotes, which YAML takes for letters"
            self.fault(node, f"{told}; take them out.")
        if key.casefold() in self.first:
            first, line = self.first[key.casefold()]
            taken = "is taken" if first == key else f"is '{first[:SHOWN]}' but for capitals, which is taken"
            self.fault(node, f"key '{key[:SHOWN]}' {taken} on line {line}; give each its own key.")
        elif key:
            self.first[key.casefold()] = (key, _line(node))
        return key

    def name(self, node: MappingNode, name: str) -> None:
        line = self.first_named.get(name.casefold())
        if line is None:
            self.first_named[name.casefold()] = _line(node)
        else:
            self.fault(node, f"the name '{name[:SHOWN]}' is taken on line {line}; give each its own name.")

    def texts(self, key: Node, value: Node) -> tuple[str, ...]:
        """One text or a list of texts; empty, with a fault told, where it is neither."""
        items = value.value if isinstance(value, SequenceNode) else [value]
        wrong = [item for item in items if not _is_text(item)]
        for item in wrong:
            self.fault(item, f"'{key.value}' must be text or a list of texts, not {_kind(item)}; correct it.")
        if not items and key.value not in ("include", "exclude"):
            self.fault(value, f"'{key.value}' is an empty list; give at least one text.")
        return (
            ()
            if wrong
            else tuple(unicodedata.normalize("NFC", " ".join(item.value.split())) for item in items)
        )

    def known(self, node: MappingNode, names: tuple[str, ...]) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value) if isinstance(key, ScalarNode) else "?"
            if name not in names:
                self.fault(
                    key, f"unknown key '{name[:SHOWN]}'; remove it, or use one of: {', '.join(names)}."
                )
            elif name in seen:
                self.fault(key, f"'{name}' is given twice; keep one.")
            seen.add(name)

    def check(self, root: MappingNode) -> None:
        self.known(root, SECTIONS + ABOUT)
        if self.count < 2:
            self.faults.append(f"{self.path}: has {self.count} theme(s); list at least two under 'themes:'.")


def _is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == NULL


def _is_text(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag != NULL and bool(node.value.strip())


def _kind(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return "nothing"
    return "a list" if isinstance(node, SequenceNode) else "a table of keys"
