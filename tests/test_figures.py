import pytest

import themeloom
from builders import make_record
from themeloom.model import Model


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
