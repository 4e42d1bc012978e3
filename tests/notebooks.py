"""Runs a notebook's cells one after the other, and shows what a notebook would show."""

import ast
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"


def run_notebook(name: str) -> tuple[dict[str, Any], list[str]]:
    """Run a notebook in the current folder; return its names, and what its cells showed as HTML or text."""
    names: dict[str, Any] = {}
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    return names, [text for cell in cells if (text := _run_cell(cell, names)) is not None]


def _run_cell(source: str, names: dict[str, Any]) -> str | None:
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)  # noqa: S102 (our own notebooks)
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307 (our own notebooks)
    if value is None:
        return None
    if hasattr(value, "to_plotly_json"):  # its HTML is that of plotly's, and large
        return str(value.to_json())
    return str(value._repr_html_()) if hasattr(value, "_repr_html_") else repr(value)
