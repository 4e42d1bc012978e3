"""Figures of scores: how common themes are, and how far what is said of them can be trusted."""

from collections.abc import Mapping
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from themeloom.members import MESSAGE_LEVEL, TOPIC_LEVEL
from themeloom.records import Codebook, RunRecord
from themeloom.reporting.marks import COLOURS, INK, PALE, SHAPES, clear, theme_marks, written
from themeloom.reporting.readable import hover
from themeloom.reporting.texts import say
from themeloom.scored import Score, Scores

if TYPE_CHECKING:
    import plotly.graph_objects as go

GRID = "rgba(128,128,128,0.25)"
SHADES = ((0, "#EAF2F8"), (1, COLOURS[0]))
"""Opaque, so that numbers stand out from their cells on a light and on a dark page."""


def prevalence(record: RunRecord) -> "go.Figure":
    """Draw the share of each theme with its 95% interval, and the share that the mapping counts.

    Where the labels are no sample of known probabilities there is no estimate, and counts alone are drawn.
    """
    import plotly.graph_objects as go

    estimated = record.scores.prevalence.get("communications/prediction-powered", {})
    themes = record.codebook.themes
    names = [written(theme.key) for theme in themes]
    marks = theme_marks({theme.key: theme.residual for theme in themes})
    sizes = dict(record.communications["theme"].value_counts().iter_rows())
    shares = [sizes.get(theme.key, 0) / max(len(record.communications), 1) for theme in themes]
    figure = go.Figure()
    if estimated:
        found = [estimated[theme.key] for theme in themes]
        figure.add_scatter(
            x=[score.value for score in found],
            y=names,
            error_x=_whiskers(found),
            marker={"size": 11, "color": [marks[theme.key].colour for theme in themes]},
            mode="markers",
            name=say("plot.estimated"),
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    figure.add_scatter(
        x=shares,
        y=names,
        mode="markers",
        marker={"size": 11, "symbol": "diamond-open", "color": INK, "line": {"width": 2}},
        name=say("plot.counted"),
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )
    figure.update_xaxes(title=say("plot.prevalence"), tickformat=".0%", rangemode="tozero", gridcolor=GRID)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom"}
    return _rows(figure, len(names)).update_layout(legend=legend)


def by_group(record: RunRecord) -> "go.Figure":
    """Draw the share of each theme in each group with its 95% interval; nothing without groups."""
    import plotly.graph_objects as go

    known = record.scores.groups.drop_nulls("share")
    names = known["group"].unique(maintain_order=True).to_list()
    themes = [written(theme.key) for theme in record.codebook.themes]
    figure = go.Figure()
    for at, name in enumerate(names):
        own = known.filter(group=name)
        found = [Score(*figures) for figures in own.select("share", "low", "high").iter_rows()]
        colour, shape = COLOURS[at % len(COLOURS)], SHAPES[at % len(SHAPES)]
        beside = 0.7 * ((at + 0.5) / len(names) - 0.5)  # groups stand below each other in a theme's row
        figure.add_scatter(
            x=[score.value for score in found],
            y=[row + beside for row in range(len(themes))],
            error_x=_whiskers(found) | {"color": colour},
            marker={"size": 10, "color": colour, "symbol": shape},
            mode="markers",
            name=hover(name),
            customdata=themes,
            hovertemplate="%{customdata}: %{x:.1%}",
        )
    if not names:
        return figure
    _rows(figure, len(themes)).update_layout(height=130 + (30 + 14 * len(names)) * len(themes))
    figure.update_yaxes(tickvals=list(range(len(themes))), ticktext=themes)
    figure.update_xaxes(title=say("plot.by_group"), tickformat=".0%", rangemode="tozero", gridcolor=GRID)
    return figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})


def lines(scores: Scores, figure_name: str = "kappa") -> "go.Figure":
    """Draw a score of both levels and of every reference line with its 95% interval."""
    import plotly.graph_objects as go

    named: Mapping[str, Mapping[str, Score]] = {TOPIC_LEVEL: scores.overall, **scores.lines}
    found = {
        line: score
        for line, of_line in named.items()
        if (score := of_line.get(figure_name)) is not None and not isnan(score.value)
    }
    own = {TOPIC_LEVEL, MESSAGE_LEVEL}
    figure = go.Figure(
        go.Scatter(
            x=[score.value for score in found.values()],
            y=[written(line) for line in found],
            error_x=_whiskers(list(found.values())),
            mode="markers",
            marker={
                "size": 11,
                "color": [COLOURS[0] if line in own else INK for line in found],
                "symbol": ["circle" if line in own else "diamond" for line in found],
            },
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
        )
    )
    title = say("plot.kappa") if figure_name == "kappa" else say(f"metric.{figure_name}")
    figure.update_xaxes(title=title, gridcolor=GRID, zeroline=True, zerolinecolor=INK)
    return _rows(figure, len(found)).update_layout(showlegend=False)


def _whiskers(scores: list[Score]) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [0 if isnan(score.high) else score.high - score.value for score in scores],
        "arrayminus": [0 if isnan(score.low) else score.value - score.low for score in scores],
        "color": INK,
        "thickness": 2,
        "width": 5,
    }


def _rows(figure: "go.Figure", rows: int) -> "go.Figure":
    figure.update_yaxes(
        range=[rows - 0.5, -0.5], automargin=True, showgrid=False, zeroline=False, fixedrange=True
    )
    figure.update_xaxes(automargin=True, fixedrange=True)
    layout = {**clear(), "margin": {"l": 10, "r": 20, "t": 36, "b": 45}}
    return figure.update_layout(height=110 + 30 * rows, dragmode=False, hovermode="closest", **layout)


def confusion(scores: Scores, codebook: Codebook, *, messages: bool = False) -> "go.Figure":
    """Draw people's codes (rows) by themes of topics or messages (columns), shaded by shares of a row."""
    import plotly.graph_objects as go

    counts = np.asarray(scores.message_confusion if messages else scores.confusion)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[*(hover(key) for key in codebook.keys), say("plot.no_theme")],
            y=[hover(key) for key in codebook.keys],
            text=np.round(counts, 1),
            texttemplate="%{text}",
            hovertemplate=say("plot.confusion_hover"),
            textfont={"size": 13},
            colorscale=SHADES,
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            colorbar={"title": say("plot.row"), "tickformat": ".0%", "outlinewidth": 0, "thickness": 14},
        )
    )
    axis = {"automargin": True, "showgrid": False, "zeroline": False, "fixedrange": True, "ticks": ""}
    figure.update_yaxes(title=_beside(say("plot.coded")), autorange="reversed", **axis)
    figure.update_xaxes(title=_beside(say("plot.by_messages" if messages else "plot.by_topics")), **axis)
    height = 170 + 38 * len(codebook.keys)
    return figure.update_layout(height=height, dragmode=False, **clear())


def _beside(title: str) -> dict[str, object]:
    """Set a title off the labels of its axis, however long these are."""
    return {"text": title, "standoff": 10}


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
                text=[f"{number:.0f}" for number in size],
                hovertemplate=say("plot.sure_hover"),
            ),
        ]
    )
    return _of_shares(figure, say("plot.sure"), say("plot.right_axis"))


def coverage(scores: Scores) -> "go.Figure":
    """Draw accuracy and kappa among the messages kept against their share."""
    import plotly.graph_objects as go

    curve = scores.coverage
    drawn = {
        "accuracy": (say("plot.right_line"), COLOURS[0], "solid"),
        "kappa": (say("plot.kappa_line"), COLOURS[1], "dot"),
    }
    figure = go.Figure(
        [
            go.Scatter(
                x=curve["coverage"].to_numpy(),
                y=curve[column].to_numpy(),
                mode="lines",
                line={"color": colour, "dash": dash},
                customdata=curve["threshold"].to_numpy(),
                hovertemplate=say("plot.kept_hover", name=name),
            )
            for column, (name, colour, dash) in drawn.items()
        ]
    )
    return _of_shares(figure, say("plot.kept"), say("plot.coverage"))


def _of_shares(figure: "go.Figure", x: str, y: str) -> "go.Figure":
    axis = {
        "range": [0, 1.02],
        "tickformat": ".0%",
        "automargin": True,
        "gridcolor": GRID,
        "fixedrange": True,
    }
    figure.update_xaxes(title=x, **axis).update_yaxes(title=y, **axis)
    return figure.update_layout(height=360, showlegend=False, dragmode=False, **clear())
