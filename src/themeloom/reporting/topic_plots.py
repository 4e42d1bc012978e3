"""Figures of topics: how near they are to each other, and when they were spoken of."""

from typing import TYPE_CHECKING

import numpy as np

from themeloom.records import RunRecord
from themeloom.reporting.marks import COLOURS, clear, look, name_of, written
from themeloom.reporting.periods import over_time as counted_over_time
from themeloom.reporting.texts import say
from themeloom.reporting.tree import leaves, merges

if TYPE_CHECKING:
    import plotly.graph_objects as go

GRID = "rgba(128,128,128,0.25)"
LINES = 7
"""Topics to draw over time: the largest, each in a colour of its own."""


def hierarchy(record: RunRecord) -> "go.Figure":
    """Draw how topics join, from left to right, by the cosine distance of their mean vectors (dendrogram).

    One trace a merge, nearest first; empty for fewer than two topics.
    """
    import plotly.graph_objects as go

    joined = merges(record)
    order = leaves(joined)
    place = {topic: float(at) for at, topic in enumerate(order)}
    reached = dict.fromkeys(order, 0.0)
    figure = go.Figure()
    for at, merge in enumerate(joined):
        node = len(joined) + 1 + at
        x = [reached[merge.first], merge.distance, merge.distance, reached[merge.second]]
        y = [place[merge.first], place[merge.first], place[merge.second], place[merge.second]]
        place[node], reached[node] = (y[0] + y[2]) / 2, merge.distance
        figure.add_scatter(
            x=np.round(x, 4).tolist(),
            y=y,
            mode="lines",
            line={"color": COLOURS[0], "width": 2},
            hoverinfo="x",
            showlegend=False,
        )
    topics = record.discovery.topics
    figure.update_yaxes(
        tickvals=list(range(len(order))),
        ticktext=[written(name_of(topics[topic])) for topic in order],
        range=[len(order) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
        automargin=True,
        fixedrange=True,
    )
    farthest = joined[-1].distance if joined else 1.0
    figure.update_xaxes(
        title=say("plot.distance"),
        range=[0, 1.05 * farthest],
        gridcolor=GRID,
        zeroline=False,
        fixedrange=True,
    )
    layout = {**clear(), "margin": {"l": 10, "r": 10, "t": 10, "b": 45}}
    return figure.update_layout(height=80 + 22 * len(order), dragmode=False, **layout)


def over_time(record: RunRecord, *, topics: int = LINES) -> "go.Figure":
    """Draw how many messages the largest topics had in each period.

    That is an hour, six hours, a day, a week, a month, a quarter or a year: the shortest of which there are
    at most 40. Empty where no message has a time.
    """
    import plotly.graph_objects as go

    found = counted_over_time(record)
    drawn = sorted(record.discovery.topics, key=lambda topic: -topic.size)
    figure = go.Figure()
    for at, topic in enumerate(drawn[:topics]) if found else ():
        colour, _ = look(at)
        figure.add_scatter(
            x=found.periods if found else (),
            y=found.topics[topic.topic] if found else (),
            name=written(name_of(topic)),
            mode="lines+markers",
            line={"color": colour},
            marker={"symbol": ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")[at % 7]},
        )
    figure.update_yaxes(
        title=say("plot.communications"), rangemode="tozero", gridcolor=GRID, automargin=True, fixedrange=True
    )
    figure.update_xaxes(showgrid=False, automargin=True, fixedrange=True, type="date")
    legend = {"orientation": "h", "y": -0.2, "yanchor": "top"}
    return figure.update_layout(height=420, dragmode=False, legend=legend, hovermode="closest", **clear())
