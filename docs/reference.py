"""Writes docs/reference/: the experiment file from its models, the command line from its commands."""

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

FOLDER = Path(__file__).resolve().parent / "reference"

Schema = Mapping[str, Any]

WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list of texts",
    "object": "table",
}
"""JSON schema's types, as a user would call them."""

VALUES = {Path: "path", str: "text", int: "number", float: "number", bool: "flag"}
"""Python's types, as a user would call them."""


def pages() -> dict[str, str]:
    """Give every generated page by its file name."""
    return {"config.md": config_page(), "cli.md": cli_page(), "api.md": api_page()}


def config_page() -> str:
    """Describe the experiment file, a table a section."""
    from themeloom.config import Experiment

    schema = Experiment.model_json_schema(by_alias=True)
    head = (
        "# The experiment file\n\n"
        "A study is one TOML file. `[study]`, `[[sources]]` and `[themes]` must be there; everything else "
        "has a default.\nUnknown keys are refused, and all faults are told at once, each with its place. "
        "Paths are told from the folder of the file.\n"
    )
    sections = [
        part for name, facts in schema["properties"].items() for part in _sections(name, facts, schema)
    ]
    return "\n".join([head, *sections])


def _sections(name: str, facts: Schema, schema: Schema) -> Iterator[str]:
    """Give the table of a section, then those of the tables inside it."""
    is_list = facts.get("type") == "array"
    model = _model(facts["items"] if is_list else facts, schema)
    fields: Schema = model["properties"]
    inner = {key: field for key, field in fields.items() if "$ref" in _bare(field)}
    rows = [
        _row(f"`{key}`", _kind(field), _default(key, field, model), field.get("description", ""))
        for key, field in fields.items()
        if key not in inner
    ]
    heading = f"[[{name}]]" if is_list else f"[{name}]"
    yield "\n".join(
        [f"## `{heading}`", "", model["description"], "", *_head("key", "value", "default"), *rows, ""]
    )
    for key, field in inner.items():
        yield from _sections(f"{name}.{key}", field, schema)
    for key, field in fields.items():
        for option in field.get("additionalProperties", {}).get("anyOf", ()):
            if "$ref" in option:
                yield from _sections(f"{name}.{key}.KEY", option, schema)


def _model(facts: Schema, schema: Schema) -> Schema:
    found: Schema = schema["$defs"][_bare(facts)["$ref"].rpartition("/")[2]]
    return found


def _bare(facts: Schema) -> Schema:
    """Take off what pydantic wraps around a reference that has a description of its own."""
    return facts["allOf"][0] if "allOf" in facts else facts


def _kind(field: Schema) -> str:
    if "anyOf" in field:
        return ", ".join(_kind(option) for option in field["anyOf"] if option.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    return WORDS[field["type"]] + _limits(field)


def _limits(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}"
    if low is not None:
        below = field.get("exclusiveMaximum")
        return f", from {low:,}" + (f" to below {below:,}" if below is not None else "")
    above = field.get("exclusiveMinimum")
    if above is None:
        return ""
    return f", above {above:,}" + (f" to {high:,}" if high is not None else "")


def _default(key: str, field: Schema, model: Schema) -> str:
    if key in model.get("required", ()):
        return "**needed**"
    default = field.get("default")
    return "" if default is None else f"`{json.dumps(default)}`"


def cli_page() -> str:
    """Describe the commands, a section each, from the functions behind them."""
    from themeloom.cli import app

    head = (
        f"# The command line\n\n{app.info.help}\n\n"
        "`python -m themeloom` is the same as `themeloom`. A fault that you can mend is told in one sentence,"
        " without traceback,\nand the exit code is 2; a fault of the program itself ends with 1, as does what"
        " nobody reads to its end\n(`| head`); what Ctrl-C stops, with 130, by SIGTERM with 143.\n"
        "`themeloom --version` tells the version, `--help` after a command what it takes.\n"
    )
    return "\n".join([head, *(_command(one.callback) for one in app.registered_commands if one.callback)])


def api_page() -> str:
    """Describe the public names, from their docstrings."""
    import themeloom

    head = (
        "# Python\n\nWhat `import themeloom` offers; [From Python](../python.md) shows how to use it, and "
        "[Notebooks and figures](../notebooks.md) the figures of `themeloom.plots`.\n"
    )
    return "\n".join([head, *(_public(name, getattr(themeloom, name)) for name in themeloom.__all__)])


def _public(name: str, found: Any) -> str:  # noqa: ANN401 - a class or a function
    lines = [f"## `{name}`", "", *_documented(f"{name}{_signature(found)}", found)]
    if inspect.isclass(found) and not issubclass(found, Exception):
        for member, value in sorted(vars(found).items()):
            function = value.fget if isinstance(value, property) else getattr(value, "func", value)
            if not member.startswith("_") and inspect.isfunction(function) and inspect.getdoc(function):
                called = "" if function is not value else str(_signature(function))
                lines += [f"### `{name}.{member}`", "", *_documented(f"{name}.{member}{called}", function)]
    return "\n".join(lines)


def _signature(found: Any) -> str:  # noqa: ANN401 - a class or a function
    parameters = [p for p in inspect.signature(found).parameters.values() if p.name != "self"]
    shown = ", ".join(str(p.replace(annotation=p.empty)) for p in parameters)
    return f"({re.sub(r'<[^<>]* at 0x[0-9a-f]+>', '…', shown)})"  # an object has another address each time


def _documented(call: str, found: Any) -> list[str]:  # noqa: ANN401 - a class or a function
    return ["```text", call, "```", "", "```text", inspect.getdoc(found) or "", "```", ""]


def _command(function: Callable[..., None]) -> str:
    found = [_parameter(p) for p in inspect.signature(function, eval_str=True).parameters.values()]
    command = function.__name__.replace("_", "-")
    usage = " ".join(["themeloom", command, *(shown.usage for shown in found)])
    lines = [f"## `{command}`", "", inspect.getdoc(function) or "", "", "```sh", usage, "```", ""]
    rows = [_row(f"`{shown.name}`", shown.value, shown.default, shown.help) for shown in found]
    return "\n".join([*lines, *_head("argument or option", "value", "default"), *rows, ""])


class Shown(NamedTuple):
    """An argument or option, as it is shown."""

    name: str
    usage: str
    value: str
    default: str
    help: str


def _parameter(parameter: inspect.Parameter) -> Shown:
    kind, facts = get_args(parameter.annotation)
    kinds = [inner for one in (*get_args(kind), kind) for inner in (*get_args(one), one)]
    value = VALUES[next(one for one in kinds if one in VALUES)]
    needed = parameter.default is parameter.empty
    default = (
        "**needed**" if needed else "" if parameter.default in (None, False) else f"`{parameter.default}`"
    )
    if parameter.default is True:
        default = "on"
    if type(facts).__name__ == "ArgumentInfo":
        name = facts.metavar or parameter.name.upper()
        return Shown(name, name, value, default, facts.help)
    declared = [
        str(name) for name in (facts.default, *(facts.param_decls or ())) if str(name).startswith("--")
    ]
    name = declared[0].partition("/")[0] if declared else f"--{parameter.name.replace('_', '-')}"
    written = name if value == "flag" else f"{name} {value.upper()}"
    return Shown(name, written if needed else f"[{written}]", value, default, facts.help)


def _head(*columns: str) -> list[str]:
    return [_row(*columns, "meaning"), _row(*["---"] * (len(columns) + 1))]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in pages().items():
        (FOLDER / name).write_text(page, encoding="utf-8")
