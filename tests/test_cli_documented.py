"""What the manual says in sentences is what the program does; its blocks are run by test_manual."""

import json
import re
import shlex
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command

import themeloom
from themeloom.cli import app
from themeloom.config import Experiment
from themeloom.history.parts import LAYOUT, MANIFEST, REPORT

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted(
    path
    for pattern in (
        "*.md",
        "docs/**/*.md",
        "experiments/*.md",
        "models/*.md",
        "mlruns/*.md",
        "benchmarks/*.md",
    )
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())

COMMAND = get_command(app)
COMMANDS: dict[str, Any] = dict(COMMAND.commands)  # type: ignore[attr-defined]
BEFORE_ANY = {"--help", *(option for parameter in COMMAND.params for option in parameter.opts)}


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def _invocations(page: Path) -> list[list[str]]:
    """Find `themeloom …`, in shell blocks and in code within a sentence."""
    shell = [line for block in _blocks(page, "sh") for line in block.splitlines()]
    spans = re.findall(r"`(themeloom [^`\n]+)`", page.read_text(encoding="utf-8"))
    words = [shlex.split(line, comments=True) for line in [*shell, *spans]]
    return [line[1:] for line in words if line[:1] == ["themeloom"]]


def _options(command: str) -> set[str]:
    return {"--help"} | {name for parameter in COMMANDS[command].params for name in parameter.opts}


def _reference() -> ModuleType:
    spec = spec_from_file_location("themeloom_reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_up_to_date() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.glob("*.md")}
    assert written == _reference().pages(), "run `make docs` and commit docs/reference"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_option_is_in_the_reference(command: str) -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## `{command}`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert COMMANDS[command].help in section
    for parameter in COMMANDS[command].params:
        assert parameter.help, f"{command} {parameter.name} has no help"
        assert parameter.help in section
        if parameter.param_type_name == "option":
            assert f"`{parameter.opts[0]}`" in section


def test_every_key_of_the_experiment_file_is_in_the_reference() -> None:
    page = (REFERENCE / "config.md").read_text(encoding="utf-8")
    for model in Experiment.model_json_schema()["$defs"].values():
        for key, field in model["properties"].items():
            assert field.get("description"), f"{model['title']}.{key} has no description"
            assert field["description"].replace("|", "\\|") in page or f".{key}]" in page


@each_page
def test_only_commands_that_exist_are_shown(page: Path) -> None:
    for words in _invocations(page):
        command = words[0]
        assert command in {*COMMANDS, *BEFORE_ANY}, f"there is no `themeloom {command}`"
        named = {word.strip("[]").partition("=")[0] for word in words if word.strip("[]").startswith("--")}
        assert named <= _options(command) if command in COMMANDS else True


@each_page
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        word for span in re.findall(r"\bmake ([a-z ]+)`", page.read_text("utf-8")) for word in span.split()
    }
    named |= {
        word for block in _blocks(page, "sh") for word in re.findall(r"^make (\w+)", block, re.MULTILINE)
    }
    assert named <= targets


def test_the_public_menu_is_in_the_manual() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert [name for name in themeloom.__all__ if f"`{name}" not in page] == []


def test_every_file_of_a_model_folder_is_told() -> None:
    page = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `([\w.]+)` \| (.+) \|$", page, re.MULTILINE))
    assert told.keys() == {*LAYOUT, MANIFEST, REPORT}
    assert {name: told[name] for name in LAYOUT} == {name: part.holds for name, part in LAYOUT.items()}


@each_page
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|mailto:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_of_the_manual_is_in_its_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r":\s+([\w/-]+\.md)$", contents, re.MULTILINE)
    there = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(listed) == sorted(there)


@each_page
def test_no_row_is_cut_off_its_table(page: Path) -> None:
    """A blank line within a table ends it: what follows would be shown as text with bars in it."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    blocks = [block.splitlines() for block in re.split(r"\n{2,}", text) if block.startswith("|")]
    assert [lines[0] for lines in blocks if not re.match(r"\| ?:?-", "".join(lines[1:2]))] == []


def test_the_last_fuzzing_is_told_as_it_was_kept() -> None:
    kept = json.loads((ROOT / "benchmarks" / "results" / "fuzzing.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert f"| inputs | {kept['inputs']:,}, in {len(kept['readers'])} kinds" in page


def test_every_fault_of_the_troubleshooting_page_is_one_that_is_told() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src" / "themeloom").rglob("*.py"))
    told = re.sub(r'"\s*\n?\s*(?:f?")', "", source)  # sentences are written over several lines
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    rows = [row for row in page.partition("## Without a sentence")[0].splitlines() if row.startswith("| `")]
    parts = [part for row in rows for part in re.findall(r"`([^`]+)`", row.split(" | ")[0])]
    assert len(parts) > 20
    assert [part for part in parts if part not in told] == []


def test_the_values_of_quotes_and_formats_are_all_told() -> None:
    from themeloom.reporting.quotes import QUOTES
    from themeloom.results.exporting import FORMATS

    page = (ROOT / "docs" / "report.md").read_text(encoding="utf-8")
    assert all(f"| `{value}` |" in page for value in QUOTES)
    assert all(f"`{kind}`" in page or f"--format {kind}" in page for kind in FORMATS)


def test_every_figure_is_told() -> None:
    from themeloom import plots

    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert [name for name in plots.__all__ if f"`{name}(run" not in page] == []


@each_page
def test_every_key_named_in_a_sentence_is_a_key(page: Path) -> None:
    sections = {(field.alias or name): field.annotation for name, field in Experiment.model_fields.items()}
    files = {"html", "json", "md", "csv", "toml", "bib", "parquet", "py"}
    named = re.findall(r"`([a-z]+)\.([a-z_]+)(?: = [^`]*)?`", page.read_text(encoding="utf-8"))
    for section, key in named:
        known = getattr(sections.get(section), "model_fields", None)
        assert known is None or key in files or key in known, f"there is no key {section}.{key}"
