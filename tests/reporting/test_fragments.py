import math
from dataclasses import replace

from hostile import hostile_record

from builders import make_record
from themeloom.reporting.summary import summarise
from themeloom.scored import Score


def test_a_run_shows_itself_in_a_notebook() -> None:
    record = make_record()
    shown = summarise(record, paths={}, tracked={})._repr_html_()
    assert "5 topics emerged from 60 unique communications" in shown
    kappa = record.scores.overall["kappa"]
    assert f"{kappa.value:.2f}" in shown
    assert all(f'<th scope="row"><bdi>{key}</bdi></th>' in shown for key in record.codebook.keys)
    assert record.note in shown


def test_scores_show_themselves_in_a_notebook() -> None:
    scores = summarise(make_record(), paths={}, tracked={}).scores
    shown = scores._repr_html_()
    assert shown.count("<tr>") == 2 + len(scores.lines)
    assert Score(0.474, 0.41, 0.52)._repr_html_() == "<b>0.47</b> <small>0.41 to 0.52</small>"
    assert Score(0.474, math.nan, math.nan)._repr_html_() == "<b>0.47</b> <small>no interval</small>"
    assert Score(math.nan, math.nan, math.nan)._repr_html_() == "<b>undefined</b> <small></small>"
    nothing = replace(scores, overall={}, lines={})
    assert nothing._repr_html_().count("<td>\N{EN DASH}</td>") == 4


def test_hostile_names_are_escaped() -> None:
    shown = summarise(hostile_record(), paths={}, tracked={})._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
