"""Figures of a comparison: where messages go from topic to topic, and how alike topics are."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from themeloom.compared import ComparedTopic, ComparisonRecord, Pairing, Stream
from themeloom.reporting.differences import letter
from themeloom.reporting.marks import COLOURS, PALE, clear
from themeloom.reporting.readable import hover
from themeloom.reporting.texts import say

if TYPE_CHECKING:
    import plotly.graph_objects as go

AXIS = {"automargin": True, "showgrid": False, "zeroline": False, "ticks": ""}
MOST_STREAMS = 400
"""Streams to draw, the largest first: more is no drawing."""
LEAST_SHARE = 0.02
"""Of either of its topics, for a stream to be drawn."""


def drawn_streams(pairing: Pairing) -> tuple[Stream, ...]:
    """Choose the streams to draw: those of some size in a topic that they leave or reach, largest first."""
    leaving: Counter[int] = Counter()
    reaching: Counter[int] = Counter()
    for stream in pairing.streams:
        leaving[stream.first] += stream.messages
        reaching[stream.second] += stream.messages
    large = [
        stream
        for stream in pairing.streams
        if stream.messages >= LEAST_SHARE * min(leaving[stream.first], reaching[stream.second])
    ]
    return tuple(sorted(large, key=lambda stream: -stream.messages)[:MOST_STREAMS])


def streams(record: ComparisonRecord, pairing: Pairing) -> "go.Figure":
    """Draw how messages go from the reference's topics to those of another run (Sankey)."""
    import plotly.graph_objects as go

    drawn = drawn_streams(pairing)
    here = _nodes(record.runs[0].topics, {stream.first for stream in drawn})
    there = _nodes(record.runs[pairing.run].topics, {stream.second for stream in drawn})
    left = {topic: at for at, topic in enumerate(here)}
    right = {topic: len(here) + at for at, topic in enumerate(there)}
    colour = {topic: PALE if topic < 0 else COLOURS[at % len(COLOURS)] for topic, at in left.items()}
    given = {**_partners(pairing), -1: -1}
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            node={
                "label": [*here.values(), *there.values()],
                "color": [colour[t] for t in here] + [colour.get(given.get(t, -1), PALE) for t in there],
                "pad": 12,
                "thickness": 14,
                "line": {"width": 0},
                "hovertemplate": say("plot.stream_topic_hover"),
            },
            link={
                "source": [left[stream.first] for stream in drawn],
                "target": [right[stream.second] for stream in drawn],
                "value": [stream.messages for stream in drawn],
                "color": [_faint(colour[stream.first]) for stream in drawn],
                "hovertemplate": say("plot.stream_hover"),
            },
        )
    )
    return figure.update_layout(**clear(), height=height(max(len(here), len(there)), 30))


def likeness(record: ComparisonRecord, pairing: Pairing) -> "go.Figure":
    """Draw how alike the reference's topics (rows) and another run's (columns) are, partners first."""
    import plotly.graph_objects as go

    first, second = record.runs[0].topics, record.runs[pairing.run].topics
    place = {topic.topic: at for at, topic in enumerate(first)}
    partner = {topic: place[of] for topic, of in _partners(pairing).items()}
    order = sorted(range(len(second)), key=lambda at: (partner.get(second[at].topic, len(first)), at))
    values = np.array(pairing.likeness).reshape(len(first), len(second))[:, order]
    figure = go.Figure(
        go.Heatmap(
            z=np.round(values, 3),
            x=[_name(second[at]) for at in order],
            y=[_name(topic) for topic in first],
            text=np.where(values >= 0.1, np.char.mod("%.2f", values), ""),
            texttemplate="%{text}" if values.size <= 400 else "",
            hovertemplate=say("plot.likeness_hover"),
            colorscale=[[0, "rgba(0, 114, 178, 0)"], [1, COLOURS[0]]],
            zmin=0,
            zmax=1,
            colorbar={
                "title": say("plot.likeness"),
                "thickness": 12,
                "lenmode": "pixels",
                "len": 220,
                "y": 1,
                "yanchor": "top",
            },
        )
    )
    figure.update_yaxes(title=_run(record, 0), autorange="reversed", **AXIS)
    figure.update_xaxes(title=_run(record, pairing.run), tickangle=-40, **AXIS)
    return figure.update_layout(**clear(), dragmode=False, height=height(len(first), 26) + 140)


def height(rows: int, each: int) -> int:
    """Pixels that so many rows need."""
    return 120 + each * max(rows, 4)


def _partners(pairing: Pairing) -> dict[int, int]:
    """Give the other run's topics, and their partners in the reference."""
    return {match.topic: match.partner for match in pairing.others if match.partner is not None}


def _nodes(topics: tuple[ComparedTopic, ...], used: set[int]) -> dict[int, str]:
    names = {topic.topic: _name(topic) for topic in topics if topic.topic in used}
    return names | ({-1: say("plot.no_topic")} if -1 in used else {})


def _run(record: ComparisonRecord, place: int) -> str:
    return hover(say("plot.run", letter=letter(place), name=record.runs[place].name))


def _name(topic: ComparedTopic) -> str:
    return hover(f"{topic.topic} {', '.join(topic.words[:3])}", width=200, most=34)


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.35)"
