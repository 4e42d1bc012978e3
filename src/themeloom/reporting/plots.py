"""Figures of a run: each function gives a plotly figure, for the report, MLflow and notebooks alike.

Colours are Okabe and Ito's, which people with colour-blindness tell apart; where seven do not suffice,
the marks change their shape too. Backgrounds are clear, so that a page can be light or dark.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from themeloom.records import Codebook, Ints, RunRecord, Scores, Topic
from themeloom.reporting.readable import hover

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#B8A100")
SHAPES = ("circle", "square", "diamond", "triangle-up")
GREYS = ("#66707A", "#8E969E", "#AEB5BB")
PALE = "#A9B0B8"
NAMED_TOPICS = len(COLOURS) * len(SHAPES)
SMOOTH_AS_SVG = 3_000
"""Up to so many points are drawn as SVG (sharp in print, no WebGL needed); beyond, by WebGL."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a group of points looks and what the legend calls it."""

    name: str
    colour: str
    shape: str


def theme_marks(residual: Mapping[str, bool]) -> dict[str, Mark]:
    """Give each theme (key → whether it is residual) a colour, and each residual category a grey."""
    marks: dict[str, Mark] = {}
    for key, grey in residual.items():
        index = sum(other == grey for other in list(residual.values())[: len(marks)])
        look = (GREYS[index % len(GREYS)], SHAPES[index % len(SHAPES)]) if grey else _look(index)
        marks[key] = Mark(hover(key), *look)
    return marks


def topic_marks(topics: tuple[Topic, ...]) -> tuple[Mark, ...]:
    """Give each of the largest topics a look of its own; the rest share the last mark."""
    named = [Mark(_name(topic), *_look(index)) for index, topic in enumerate(topics[:NAMED_TOPICS])]
    rest = [Mark("smaller topics", PALE, "circle-open")] if len(topics) > NAMED_TOPICS else []
    return (*named, *rest)


def map(record: RunRecord, *, most: int = 50_000) -> "go.Figure":
    """Draw every communication as a point, coloured by topic, with a switch to themes.

    Parameters
    ----------
    record
        The run.
    most
        Points to draw; of more, a seeded sample is drawn.

    Returns
    -------
    plotly.graph_objects.Figure
        Its update menu holds the switch. Hovering shows the masked text.
    """
    import plotly.graph_objects as go

    topic_of = record.discovery.clusters.topic
    drawn = _sample(len(topic_of), most)
    topics = (*topic_marks(record.discovery.topics), Mark("no topic", PALE, "x"))
    themes = (*_theme_marks(record.codebook), Mark("no theme", PALE, "x"))
    topic = _slots(topic_of[drawn], len(topics))
    theme = _slots(_theme_indices(record)[drawn], len(themes))
    pairs = sorted(set(zip(topic.tolist(), theme.tolist(), strict=True)))
    kind = go.Scattergl if len(drawn) > SMOOTH_AS_SVG else go.Scatter
    figure = go.Figure(
        [kind(**_points(record, drawn[(topic == of) & (theme == in_)], len(drawn))) for of, in_ in pairs]
    )
    views = {
        "Topics": _view(topics, [of for of, _ in pairs]),
        "Themes": _view(themes, [in_ for _, in_ in pairs]),
    }
    figure.plotly_restyle(views["Topics"])
    figure.update_layout(**clear(), **_map_layout(views))
    if len(drawn) < len(topic_of):
        figure.update_layout(title=f"{len(drawn):,} of {len(topic_of):,} communications, drawn at random")
    return figure


def confusion(scores: Scores, codebook: Codebook, *, messages: bool = False) -> "go.Figure":
    """Draw people's codes (rows) by themes of topics or messages (columns), shaded by shares of a row."""
    import plotly.graph_objects as go

    counts = np.asarray(scores.message_confusion if messages else scores.confusion)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[*(hover(key) for key in codebook.keys), "no theme given"],
            y=[hover(key) for key in codebook.keys],
            text=np.round(counts, 1),
            texttemplate="%{text}",
            hovertemplate="coded %{y}, given %{x}: %{text} (%{z:.0%} of the row)<extra></extra>",
            colorscale=[[0, "rgba(0, 114, 178, 0)"], [1, COLOURS[0]]],
            zmin=0,
            zmax=1,
            colorbar={"title": "share of row", "tickformat": ".0%"},
        )
    )
    figure.update_yaxes(title="coded by people", autorange="reversed", automargin=True)
    return figure.update_xaxes(
        title=f"given by {'messages' if messages else 'topics'}", automargin=True
    ).update_layout(**clear())


def reliability(scores: Scores) -> "go.Figure":
    """Draw how often the message level is right against how sure it is."""
    import plotly.graph_objects as go

    bins = scores.calibration
    size = bins["messages"].to_numpy()
    figure = go.Figure(
        [
            go.Scatter(
                x=[0, 1], y=[0, 1], mode="lines", line={"color": PALE, "dash": "dash"}, hoverinfo="skip"
            ),
            go.Scatter(
                x=bins["confidence"].to_numpy(),
                y=bins["accuracy"].to_numpy(),
                mode="lines+markers",
                line={"color": COLOURS[0]},
                marker={"size": 10},
                text=[f"{number:.0f} messages" for number in size],
                hovertemplate="%{x:.0%} sure, %{y:.0%} right<br>%{text}<extra></extra>",
            ),
        ]
    )
    return _of_shares(figure, "how sure it is", "how often it is right")


def coverage(scores: Scores) -> "go.Figure":
    """Draw accuracy and kappa among the messages kept against their share."""
    import plotly.graph_objects as go

    curve = scores.coverage
    lines = {"accuracy": ("right", COLOURS[0], "solid"), "kappa": ("kappa", COLOURS[1], "dot")}
    figure = go.Figure(
        [
            go.Scatter(
                x=curve["coverage"].to_numpy(),
                y=curve[column].to_numpy(),
                mode="lines",
                line={"color": colour, "dash": dash},
                customdata=curve["threshold"].to_numpy(),
                hovertemplate=f"%{{x:.0%}} kept: %{{y:.2f}} {name}<br>at least %{{customdata:.2f}} probable"
                "<extra></extra>",
            )
            for column, (name, colour, dash) in lines.items()
        ]
    )
    return _of_shares(figure, "share of messages kept", "right (line), kappa (dots)")


def _of_shares(figure: "go.Figure", x: str, y: str) -> "go.Figure":
    axis = {
        "range": [0, 1.02],
        "tickformat": ".0%",
        "automargin": True,
        "gridcolor": "rgba(128,128,128,0.25)",
    }
    figure.update_xaxes(title=x, **axis).update_yaxes(title=y, **axis)
    return figure.update_layout(height=360, showlegend=False, dragmode=False, **clear())


def topic_sizes(record: RunRecord) -> "go.Figure":
    """Draw how many communications each topic has, and how many of them HDBSCAN called noise."""
    return sizes_of(record.discovery.topics)


def sizes_of(topics: tuple[Topic, ...]) -> "go.Figure":
    """Draw how many communications each topic has; outliers among them apart, where there are any."""
    import plotly.graph_objects as go

    names = [_name(topic) for topic in topics]
    core = [topic.size - topic.outliers for topic in topics]
    figure = go.Figure(go.Bar(y=names, x=core, name="core members", orientation="h", marker_color=COLOURS[0]))
    if any(topic.outliers for topic in topics):
        figure.add_bar(
            y=names,
            x=[topic.outliers for topic in topics],
            name="outliers given their second-best topic",
            orientation="h",
            marker={"color": PALE, "pattern": {"shape": "/"}},
        )
    figure.update_yaxes(autorange="reversed", automargin=True).update_xaxes(title="communications")
    height = 140 + 24 * len(topics)
    return figure.update_layout(barmode="stack", height=height, legend_orientation="h", **clear())


def words(record: RunRecord, *, topics: int = 8) -> "go.Figure":
    """Draw the words of the largest topics with their c-TF-IDF weights."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    shown = record.discovery.topics[:topics]
    columns = 2 if len(shown) > 1 else 1
    rows = max(1, -(-len(shown) // columns))
    figure = make_subplots(rows, columns, subplot_titles=[f"Topic {topic.topic}" for topic in shown])
    for index, topic in enumerate(shown):
        bars = go.Bar(
            y=[hover(word) for word in topic.words], x=topic.weights, orientation="h", marker_color=COLOURS[0]
        )
        figure.add_trace(bars, row=index // columns + 1, col=index % columns + 1)
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure.update_layout(showlegend=False, height=60 + 240 * rows, **clear())


def _theme_marks(codebook: Codebook) -> tuple[Mark, ...]:
    return tuple(theme_marks({theme.key: theme.residual for theme in codebook.themes}).values())


def _look(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], SHAPES[index // len(COLOURS) % len(SHAPES)]


def _name(topic: Topic) -> str:
    return hover(f"{topic.topic} {', '.join(topic.words[:3])}", width=200, most=34)


def _sample(size: int, most: int) -> Ints:
    if size <= most:
        return np.arange(size)
    return np.sort(np.random.default_rng(0).choice(size, most, replace=False))


def _slots(index: Ints, marks: int) -> Ints:
    """Which mark each point has: the last one stands for none, the one before it for all the rest."""
    return np.where(index < 0, marks - 1, np.minimum(index, marks - 2))


def _theme_indices(record: RunRecord) -> Ints:
    number = {key: index for index, key in enumerate(record.codebook.keys)}
    themes = record.communications["theme"].to_list()
    return np.array([number.get(theme, -1) for theme in themes], dtype=np.int64)


def _points(record: RunRecord, members: Ints, drawn: int) -> dict[str, object]:
    plane = record.discovery.layout.plane[members]
    faint = record.discovery.clusters.outlier[members]
    return {
        "x": plane[:, 0],
        "y": plane[:, 1],
        "mode": "markers",
        "marker": {"size": float(np.clip(120 / drawn**0.4, 3, 10)), "opacity": np.where(faint, 0.5, 0.9)},
        "hovertext": [_hover(record, int(position)) for position in members],
        "hoverinfo": "text",
    }


def _hover(record: RunRecord, position: int) -> str:
    row = record.communications.row(position, named=True)
    topic = f"topic {row['topic']}" if row["topic"] >= 0 else "no topic"
    seen = f" · seen {row['times_seen']:,} times" if row["times_seen"] > 1 else ""
    outlier = " (outlier)" if row["outlier"] else ""
    return f"<b>{topic}{outlier} · {hover(row['theme'] or 'no theme')}</b>{seen}<br>{hover(row['text'])}"


def _view(marks: tuple[Mark, ...], slots: list[int]) -> dict[str, list[object]]:
    """Restyle arguments that colour the points by one kind of group, one legend entry a group."""
    return {
        "marker.color": [marks[slot].colour for slot in slots],
        "marker.symbol": [marks[slot].shape for slot in slots],
        "name": [marks[slot].name for slot in slots],
        "legendgroup": [str(slot) for slot in slots],
        "legendrank": list(slots),
        "showlegend": [slot not in slots[:place] for place, slot in enumerate(slots)],
        "visible": [True] * len(slots),
    }


def _map_layout(views: dict[str, dict[str, list[object]]]) -> dict[str, object]:
    buttons = [{"label": name, "method": "restyle", "args": [view]} for name, view in views.items()]
    axis = {"visible": False, "showgrid": False, "zeroline": False}
    return {
        "xaxis": axis,
        "yaxis": axis,
        "height": 640,
        "hovermode": "closest",
        "dragmode": "pan",
        "legend": {"tracegroupgap": 0, "itemsizing": "constant"},
        "hoverlabel": {"align": "left"},
        "updatemenus": [{"type": "buttons", "direction": "right", "x": 0, "y": 1.1, "buttons": buttons}],
    }


def clear() -> dict[str, object]:
    """Give a layout with nothing painted that a light or a dark page could not carry."""
    return {
        "template": "none",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 10, "r": 10, "t": 40, "b": 40},
    }
