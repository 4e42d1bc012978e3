"""The fenced blocks of the manual's pages, and what they say of the program's output."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in (
        "README.md",
        "docs/*.md",
        "models/*.md",
        "mlruns/*.md",
        "experiments/*.md",
        "benchmarks/*.md",
    )
    for path in ROOT.glob(pattern)
    if path.name != "changelog.md"
)
FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<kind>[^\n]*)\n(?P<text>.*?)^ *(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: str  # beginning at the repository's folder
    line: int  # of its fence
    kind: str  # the word after the fence
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line} (```{self.kind})"


def blocks_of(path: Path) -> list[Block]:
    """Give a page's fenced blocks, in order; blocks in lists lose their indent."""
    page = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix()
    found = []
    for match in FENCE.finditer(page):
        indent = match["indent"]
        text = "\n".join(line.removeprefix(indent) for line in match["text"].split("\n"))
        found.append(Block(name, page.count("\n", 0, match.start()) + 1, match["kind"].strip(), text))
    return found


def commands_of(block: Block) -> list[tuple[str, str]]:
    """Give a block's commands, each with the output that it shows.

    In ``console``, a command begins with ``$ ``, and what stands below it is its output. A line that
    ends in a backslash goes on in the next one.
    """
    text = block.text.replace("\\\n", " ")
    if block.kind != "console":
        return [(line, "") for line in text.splitlines() if line.strip() and not line.startswith("#")]
    first, *parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not first.strip(), f"{block}: begins with output; a command begins with `$ `"
    return [(command, shown) for command, _, shown in (part.partition("\n") for part in parts)]


def differs(shown: str, said: str) -> str:
    """Give the first line of shown output that was not said in that order; empty where all were.

    ``…`` stands for anything, blanks for any number of them; the program may say more than is shown.
    """
    rest = iter(" ".join(line.split()) for line in said.splitlines())
    for line in filter(None, (" ".join(line.split()) for line in shown.splitlines())):
        pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
        if not any(pattern.fullmatch(heard) for heard in rest):
            return line
    return ""
