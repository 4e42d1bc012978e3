"""One page from a template: a single file that needs nothing else, and lets nothing else in."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.reporting import texts
from themeloom.reporting.readable import readable

if TYPE_CHECKING:
    import plotly.graph_objects as go

Blocks = Mapping[str, object]
"""Data that scripts read: id → what becomes JSON."""

_BEYOND_ASCII = re.compile(r"(?<!\\)[\x80-\uffff]")
_JSON_IN_HTML = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def render_page(
    template: str,
    styles: Sequence[str],
    figures: Mapping[str, "go.Figure"],
    filters: Sequence[Callable[..., object]],
    *,
    scripts: Sequence[str] = ("figures.js",),
    blocks: Blocks = MappingProxyType({}),
    **context: Any,  # noqa: ANN401 - whatever a template shows
) -> str:
    """Render a template with its styles and figures as one page.

    Every text is escaped, and a content security policy lets the page run its own scripts only and
    fetch nothing.

    Parameters
    ----------
    template
        The template's file name.
    styles
        File names of style sheets.
    figures
        By name; drawn where the template has an element for one.
    filters
        The template's filters.
    scripts
        File names of scripts.
    blocks
        Data that the scripts read.
    **context
        What the template shows.
    """
    environment = make_environment(tuple(filters))
    data = {name: _figure_data(figure) for name, figure in figures.items()}
    sources = [_source(environment, name) for name in scripts]
    if data:
        sources.insert(0, plotly_script())
    read = {name: _json(block) for name, block in blocks.items()}
    style = "\n".join(_source(environment, name) for name in styles)
    page = environment.get_template(template).render(
        figures=data,
        blocks=read,
        heights={name: int(figure.layout.height or 360) for name, figure in figures.items()},
        scripts=[Markup(script) for script in sources],  # noqa: S704 - our own and plotly's files
        style=Markup(style),  # noqa: S704 - our own files
        policy=_policy(sources, webgl=any('"webgl":true' in block for block in read.values())),
        **context,
    )
    return page.rstrip() + "\n"


@cache
def make_environment(filters: tuple[Callable[..., object], ...]) -> Environment:
    """Open the templates, once a process: all is escaped, and what is not defined is a fault."""
    environment = Environment(
        loader=PackageLoader("themeloom.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({fmt.__name__: fmt for fmt in (*filters, texts.bdi)})
    environment.globals.update({"t": texts.html, "n": texts.counted, "form": texts.form})
    environment.globals.update(
        {"catalogue": texts.catalogue(), "TOPIC_LEVEL": TOPIC_LEVEL, "MESSAGE_LEVEL": MESSAGE_LEVEL}
    )
    return environment


def _shown(value: object) -> object:
    """Whatever a template shows passes here, before it is escaped."""
    return readable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _source(environment: Environment, name: str) -> str:
    if environment.loader is None:  # pragma: no cover - set above
        raise LookupError(name)
    return environment.loader.get_source(environment, name)[0].replace("\r\n", "\n")


@cache
def plotly_script() -> str:
    """Return plotly's script as pages carry it: the same program, in fewer steps for the browser."""
    from plotly.offline import get_plotlyjs

    script: str = get_plotlyjs()
    script = _read_once(script.replace("\r\n", "\n"))
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--")


def _read_once(script: str) -> str:
    """Take plotly out of its wrappers, so that browsers need not read it three times before they run it.

    Of a function they first look for the end alone, unless they see that it is called at once; of what is
    not ASCII they keep two bytes a character.
    """
    head, begins, body = script.partition('"use strict";var Plotly=(()=>{')
    body, ends, _ = body.rpartition("window.Plotly = Plotly;")
    if begins and ends:
        notice = head[: head.find("*/") + 2]
        script = f'{notice}\n"use strict";var Plotly=(function(){{{body}'
    return _BEYOND_ASCII.sub(lambda found: f"\\u{ord(found[0]):04x}", script)


def _figure_data(figure: "go.Figure") -> Markup:
    return Markup(figure.to_json().translate(_JSON_IN_HTML))  # noqa: S704 - no < > & is left in it


def _json(block: object) -> Markup:
    text = json.dumps(block, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_JSON_IN_HTML))  # noqa: S704 - no < > & is left in it


def _policy(scripts: Sequence[str], *, webgl: bool) -> str:
    """Name the scripts that may run by their digests; plotly's WebGL code is compiled in the page."""
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    evaluated = " 'unsafe-eval'" if webgl else ""
    return (
        f"default-src 'none'; script-src {allowed}{evaluated}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
