"""Figures of a run's messages: each function gives a plotly figure, for pages and notebooks alike."""

from typing import TYPE_CHECKING

import numpy as np

from themeloom.records import RunRecord, Topic
from themeloom.reporting.marks import COLOURS, INK, PALE, clear, name_of, written
from themeloom.reporting.points import MOST, By, Points, points_of
from themeloom.reporting.quotes import Quotes, quotes_of, shown_texts
from themeloom.reporting.readable import hover
from themeloom.reporting.texts import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

WIDTH = 490
"""Of the flow diagram, in pixels."""


def map(
    record: RunRecord, by: By = "topic", *, most: int = MOST, quotes: Quotes | None = None
) -> "go.Figure":
    """Draw every communication as a point, coloured by topic or by theme.

    Parameters
    ----------
    record
        The run.
    by
        'topic' or 'theme'.
    most
        Points to draw; of more, a seeded sample is drawn.
    quotes
        What hovering shows: 'masked', 'words' or 'none'; by default as the run's configuration says.

    Returns
    -------
    plotly.graph_objects.Figure
        One trace a group.
    """
    import plotly.graph_objects as go

    points = points_of(record, most)
    texts = shown_texts(record, quotes or quotes_of(record.config))
    kind = go.Scattergl if points.webgl else go.Scatter
    traces = []
    for slot, mark in enumerate(points.marks[by]):
        members = np.flatnonzero(points.slots[by] == slot)
        if len(members):
            look = {"color": mark.colour, "symbol": mark.shape}
            labels = [_hover(record, int(points.drawn[at]), texts) for at in members]
            traces.append(
                kind(name=written(mark.name), hovertext=labels, **_trace(points, members.tolist(), look))
            )
    axis = {"visible": False, "showgrid": False, "zeroline": False}
    figure = go.Figure(traces).update_layout(
        **clear(),
        xaxis=axis,
        yaxis=axis,
        height=640,
        hovermode="closest",
        dragmode="pan",
        legend={"itemsizing": "constant"},
        hoverlabel={"align": "left"},
    )
    if len(points.drawn) < points.everything:
        drawn, everything = f"{len(points.drawn):,}", f"{points.everything:,}"
        figure.update_layout(title=say("plot.sampled", drawn=drawn, all=everything))
    return figure


def _trace(points: Points, members: list[int], look: dict[str, str]) -> dict[str, object]:
    opacity = np.where(points.faint[members], 0.5, 0.9)
    return {
        "x": points.plane[members, 0],
        "y": points.plane[members, 1],
        "mode": "markers",
        "marker": {**look, "size": points.size, "opacity": opacity},
        "hoverinfo": "text",
    }


def _hover(record: RunRecord, position: int, texts: list[str]) -> str:
    row = record.communications.row(position, named=True)
    topic = say("map.topic", topic=row["topic"]) if row["topic"] >= 0 else say("map.no_topic")
    seen = " · " + say("page.seen", times=f"{row['times_seen']:,}") if row["times_seen"] > 1 else ""
    outlier = f" ({say('map.outlier')})" if row["outlier"] else ""
    theme = hover(row["theme"] or say("map.no_theme"))
    return f"<b>{topic}{outlier} · {theme}</b>{seen}<br>{hover(texts[position])}"


def flow(record: RunRecord) -> "go.Figure":
    """Draw the flow from identified rows to unique communications, as systematic reviews do."""
    import plotly.graph_objects as go

    found = record.flow
    kept = [
        (found.identified, say("flow.identified")),
        (found.ids, say("flow.ids")),
        (found.unique, say("flow.unique")),
    ]
    aside = [
        [(found.same_id, say("flow.same_id")), (found.unreadable, say("flow.unreadable"))],
        [
            (found.retweets, say("flow.retweets")),
            (found.copies, say("flow.copies")),
            (found.near_duplicates, say("flow.near_duplicates")),
        ],
    ]
    titles = [say("flow.set_aside"), say("flow.repeats")]
    figure, top = go.Figure(), 8
    for step, (number, what) in enumerate(kept):
        last = step == len(kept) - 1
        _box(figure, (2, top, 214, top + 64), f"<b>{number:,}</b><br>{what}", accent=last)
        if not last:
            height = 44 + 22 * len(aside[step])
            total = f"<b>{sum(count for count, _ in aside[step]):,}</b> {titles[step]}"
            told = "<br>".join([total, *(f"  {count:,} {what}" for count, what in aside[step])])
            _box(figure, (248, top + 76, WIDTH - 2, top + 76 + height), told)
            middle = top + 76 + height / 2
            _arrow(figure, (108, top + 64), (108, top + 88 + height))
            _arrow(figure, (108, middle), (246, middle))
            top += 90 + height
    axis = {"visible": False, "fixedrange": True}
    figure.update_xaxes(range=[0, WIDTH], **axis).update_yaxes(range=[top + 72, 0], **axis)
    layout = {**clear(), "margin": {"l": 0, "r": 0, "t": 0, "b": 0}}
    return figure.update_layout(width=WIDTH, height=top + 72, dragmode=False, **layout)


def _box(
    figure: "go.Figure", corners: tuple[float, float, float, float], text: str, *, accent: bool = False
) -> None:
    x0, y0, x1, y1 = corners
    line = {"color": COLOURS[0], "width": 2.5} if accent else {"color": INK, "width": 1.5}
    figure.add_shape(type="rect", x0=x0, y0=y0, x1=x1, y1=y1, line=line)
    middle, size = (y0 + y1) / 2, {"size": 15}
    figure.add_annotation(
        x=x0 + 12, y=middle, text=text, font=size, showarrow=False, xanchor="left", align="left"
    )


def _arrow(figure: "go.Figure", start: tuple[float, float], end: tuple[float, float]) -> None:
    figure.add_annotation(
        x=end[0],
        y=end[1],
        ax=start[0],
        ay=start[1],
        xref="x",
        yref="y",
        axref="x",
        ayref="y",
        text="",
        showarrow=True,
        arrowhead=2,
        arrowwidth=1.5,
        arrowcolor=INK,
    )


def topic_sizes(record: RunRecord) -> "go.Figure":
    """Draw how many communications each topic has, and how many of them HDBSCAN called noise."""
    return sizes_of(record.discovery.topics)


def sizes_of(topics: tuple[Topic, ...]) -> "go.Figure":
    """Draw how many communications each topic has; outliers among them apart, where there are any."""
    import plotly.graph_objects as go

    names = [written(name_of(topic)) for topic in topics]
    core = [topic.size - topic.outliers for topic in topics]
    bar = go.Bar(y=names, x=core, name=say("plot.core"), orientation="h", marker_color=COLOURS[0])
    figure = go.Figure(bar)
    if any(topic.outliers for topic in topics):
        figure.add_bar(
            y=names,
            x=[topic.outliers for topic in topics],
            name=say("plot.outliers"),
            orientation="h",
            marker={"color": PALE, "pattern": {"shape": "/"}},
        )
    figure.update_yaxes(autorange="reversed", automargin=True).update_xaxes(title=say("plot.communications"))
    height = 140 + 24 * len(topics)
    return figure.update_layout(barmode="stack", height=height, legend_orientation="h", **clear())


def words(record: RunRecord, *, topics: int = 8) -> "go.Figure":
    """Draw the words of the largest topics with their c-TF-IDF weights."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    shown = sorted(record.discovery.topics, key=lambda topic: -topic.size)[:topics]
    columns = 2 if len(shown) > 1 else 1
    rows = max(1, -(-len(shown) // columns))
    titles = [say("plot.topic", topic=topic.topic) for topic in shown]
    figure = make_subplots(rows, columns, subplot_titles=titles)
    for index, topic in enumerate(shown):
        bars = go.Bar(
            y=[hover(word) for word in topic.words], x=topic.weights, orientation="h", marker_color=COLOURS[0]
        )
        figure.add_trace(bars, row=index // columns + 1, col=index % columns + 1)
    figure.update_yaxes(autorange="reversed", automargin=True)
    return figure.update_layout(showlegend=False, height=60 + 240 * rows, **clear())
