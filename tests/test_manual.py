"""Every block of the manual is run: commands, Python, experiment files, codebooks, labels, messages.

A page is run from its top to its end, in a copy of a folder with small finished studies of invented
messages, under the names that the manual uses. What cannot be run stands in `manual_elsewhere`.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import themeloom
from bertopics import quiet_libraries
from manual_blocks import PAGES, ROOT, Block, blocks_of, commands_of, differs
from manual_elsewhere import ELSEWHERE, SMALLER, UNREAD, elsewhere
from manual_runner import Reader, run
from manual_workspace import messages, write_workspace
from themeloom.studies.labelling_study import Asked, open_study

pytestmark = quiet_libraries

BLOCKS = {page: blocks_of(page) for page in PAGES}
ALL = [block for blocks in BLOCKS.values() for block in blocks]
STUDIES = {"RUN": "waiting-lists.toml", "OTHER": "my-study.toml", "THIRD": "dearmhp/experiment.toml"}

ADVICE = """

{block}: {fault}

Every block of the manual is run by tests/test_manual.py, a page from its top to its end.
If the block is wrong, mend it. If it is right, but
- needs a file or a study: add it to `write_workspace` in tests/manual_workspace.py;
- needs a Python name that no block above it makes: add it to `given_names` in tests/test_manual.py;
- takes long, or asks for more messages than there are: say in SMALLER (tests/manual_elsewhere.py)
  how it is written here;
- is a command that no test can run (another machine, a cluster): add it to ELSEWHERE there, with the
  reason and a check;
- is a command that runs until it is stopped: add it to SERVERS in tests/manual_runner.py;
- shows output: write that as ```text right below the command or as ```console, with … for all that varies;
- is of a kind that no reader knows: add a reader to READERS in tests/manual_runner.py, or list the block
  in UNREAD (tests/manual_elsewhere.py).
To run this page alone: pytest tests/test_manual.py -k '{page}'
"""


@dataclass(frozen=True)
class Workspace:
    """A folder with finished studies."""

    folder: Path
    words: dict[str, str]
    done: dict[str, str]  # commands → what they said


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("manual") / "study"
    folder.mkdir()
    page = {block.kind: block.text for block in reversed(BLOCKS[ROOT / "docs" / "your-data.md"])}
    write_workspace(folder, page["toml"], page["yaml"], page["json"])
    words, done = {"STUDY": "waiting-lists"}, {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for word, study in STUDIES.items():
            before = set(folder.glob("models/*"))
            line = ["themeloom", "run", study]
            done[shlex.join(line)] = run(line)
            (words[word],) = (path.name for path in set(folder.glob("models/*")) - before)
        open_study("waiting-lists.toml", Asked(sheet=Path("labels.csv"))).store.close()
        run(["themeloom", "import-labels", "waiting-lists.toml", "labels.csv"])
    return Workspace(folder, words, done)


def given_names() -> dict[str, Any]:
    """Give what Python blocks may use without making it: texts, their themes, documents."""
    found = messages()
    texts = [text for _, _, text in found]
    y = [theme if at < 40 else "" for at, (_, theme, _) in enumerate(found)]
    return {"__name__": "__main__", "texts": texts, "y": y, "docs": texts}


@pytest.fixture
def reader(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Somebody who reads one page, in a copy of the workspace."""
    import mlflow

    folder = shutil.copytree(workspace.folder, tmp_path / "study", symlinks=True)
    environment = dict(os.environ)
    monkeypatch.chdir(folder)
    model = themeloom.load(f"models/{workspace.words['RUN']}")
    np.save("vectors.npy", model.record.discovery.embeddings.vectors)
    yield Reader(given_names(), workspace.words, workspace.done)
    themeloom.autolog(disable=True)
    mlflow.set_tracking_uri(None)
    os.environ.clear()
    os.environ.update(environment)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if BLOCKS[page]], ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_every_block_of_the_page_runs(page: Path, reader: Reader) -> None:
    for block in BLOCKS[page]:
        if key_of(block) in UNREAD:
            continue
        try:
            reader.read(block)
        except Exception as fault:
            said = ADVICE.format(block=block, fault=f"{type(fault).__name__}: {fault}", page=block.page)
            raise AssertionError(said) from fault


def key_of(block: Block) -> tuple[str, str]:
    return block.page, block.text.partition("\n")[0].strip()


def test_what_is_not_run_is_there_and_is_tested_elsewhere() -> None:
    lines = [line for block in ALL if block.kind in {"sh", "console"} for line, _ in commands_of(block)]
    used = {elsewhere(shlex.split(line, comments=True)) for line in lines}
    assert ELSEWHERE.keys() - {"pip"} <= used
    assert UNREAD.keys() <= {key_of(block) for block in ALL}
    assert [text for text in SMALLER if not any(text in block.text for block in ALL)] == []
    reasons = [reason for reason, _ in ELSEWHERE.values()] + list(UNREAD.values())
    named = [path for reason in reasons for path in re.findall(r"tests/[\w/]+\.py", reason)]
    assert all((ROOT / path).is_file() for path in named)


def test_experiments_that_pages_name_are_there() -> None:
    named = {path for block in ALL for path in re.findall(r"\bexperiments/[\w-]+\.toml", block.text)}
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def block_of(kind: str, text: str) -> Block:
    return Block("page.md", 1, kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("sh", "themeloom check nowhere.toml\n"),
        ("sh", "themeloom run waiting-lists.toml --no-such-option\n"),
        ("sh", "rm -r models\n"),
        ("sh", "make nothing\n"),
        ("console", "$ themeloom sync\n7 sent\n"),
        ("python", "import themeloom\nthemeloom.nothing()\n"),
        ("toml", "[cluster]\nno_such_key = 1\n"),
        ("yaml", "themes: []\n"),
        ("csv", "post_id,coder_a,adjudicated\n1041,nonsense,nonsense\n"),
        ("json", '{"nothing": 1}\n'),
        ("text", "output of nothing\n"),
        ("mermaid", "graph TD\n"),
    ],
)
def test_a_wrong_block_is_found(kind: str, text: str, reader: Reader) -> None:
    with pytest.raises((AssertionError, AttributeError, themeloom.ThemeloomError)):
        reader.read(block_of(kind, text))


def test_output_is_compared() -> None:
    assert differs("two  topics\nat …\n", "one\ntwo topics\nthree\nat 20:15\n") == ""
    assert differs("two topics\n", "three topics\n") == "two topics"
    assert differs("b\na\n", "a\nb\n") == "a"


def test_blocks_and_commands_are_found() -> None:
    console = "$ themeloom a \\\n  --b\nsaid\n$ themeloom c\n"
    assert commands_of(block_of("console", console)) == [
        ("themeloom a    --b", "said\n"),
        ("themeloom c", ""),
    ]
    assert commands_of(block_of("sh", "# why\nthemeloom a\n\nthemeloom b\n")) == [
        ("themeloom a", ""),
        ("themeloom b", ""),
    ]
    assert len(ALL) > 60
