"""A run and its scores as HTML for a notebook: no style, script or figure of their own."""

from themeloom.members import TOPIC_LEVEL
from themeloom.reporting import leads
from themeloom.reporting.contents import ScoresSummary, Summary
from themeloom.reporting.formats import FORMATS
from themeloom.reporting.page import make_environment
from themeloom.reporting.sentences import validation

FILTERS = (*FORMATS, validation)


def summary_fragment(summary: Summary) -> str:
    """Show what a run found: the answer, its themes, its scores."""
    return _rendered("summary", summary.scores, s=summary, leads=leads)


def scores_fragment(scores: ScoresSummary) -> str:
    """Show scores of both levels and of the reference lines, with their intervals."""
    return _rendered("scores", scores)


def _rendered(name: str, scores: ScoresSummary, **context: object) -> str:
    template = make_environment(FILTERS).get_template(f"fragments/{name}.html")
    lines = {TOPIC_LEVEL: scores.overall, **scores.lines}
    return template.render(scores=scores, lines=lines, **context)
