import re
from collections.abc import Callable
from pathlib import Path

import pytest

import themeloom
from builders import make_record
from themeloom.errors import ConfigError
from themeloom.model import Model
from themeloom.reporting.summary import summarise
from themeloom.running.result import RunResult


@pytest.mark.parametrize("name", themeloom.plots.__all__)
def test_every_figure_is_drawn_of_a_record_and_of_a_model(name: str) -> None:
    record = make_record()
    draw = getattr(themeloom.plots, name)
    figure = draw(record)
    assert figure.to_json() == draw(Model(record)).to_json()
    assert figure.data or figure.layout.shapes
    assert draw.__doc__


def test_anything_else_is_refused() -> None:
    with pytest.raises(TypeError, match="a RunResult, a Model or a RunRecord is needed, not str"):
        themeloom.plots.map("models/RUN")


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (
            lambda run: themeloom.plots.map(run, by="x"),
            "by: 'x' cannot be drawn; use one of: 'topic', 'theme'",
        ),
        (
            lambda run: themeloom.plots.map(run, quotes="all"),
            "quotes: 'all' cannot be drawn; use one of: 'mas",
        ),
        (lambda run: themeloom.plots.lines(run, score="foo"), "score: 'foo' cannot be drawn; .*'kappa', "),
    ],
)
def test_what_can_be_drawn_is_told(draw: Callable[[object], object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        draw(make_record())


def test_each_score_can_be_drawn() -> None:
    with pytest.raises(ConfigError) as told:
        themeloom.plots.lines(make_record(), "")
    for name in re.findall(r"'(\w+)'", str(told.value)):
        assert themeloom.plots.lines(make_record(), name).data


def test_objects_tell_in_a_line_what_they_are_and_no_message() -> None:
    record = make_record()
    model = Model(record)
    result = RunResult(
        model, summarise(record, paths={}, tracked={}), Path("models"), Path("report.html"), None
    )
    told = f"<Model {record.run}: 60 messages, 5 topics>"
    assert (repr(model), repr(result)) == (told, f"<RunResult of {told} in models>")
