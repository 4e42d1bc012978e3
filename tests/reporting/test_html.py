import base64
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hostile import hostile_record
from markupsafe import escape
from plotly.offline import get_plotlyjs

from builders import make_record
from themeloom.errors import OutputError
from themeloom.records import Candidate, RunRecord
from themeloom.reporting import html, leads
from themeloom.reporting.page import plotly_script
from themeloom.reporting.page_data import page_data
from themeloom.reporting.quotes import Quotes
from themeloom.reporting.summary import summarise, to_json
from themeloom.scored import Score


class Page(HTMLParser):
    """What a browser would find in the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside.append(tag)
        if tag in {"td", "th"}:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.inside):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]


def page_of(record: RunRecord, whole: bool = False, quotes: Quotes | None = None) -> Page:
    """Read the page as a browser would; but for a whole one, without its drawings and their data."""
    summary = summarise(
        record, paths={"model": "/home/ada/models/x"}, tracked={"run_id": "abc123"}, quotes=quotes
    )
    figures, blocks = (html.figures_of(record), page_data(summary, record)) if whole else ({}, {})
    return Page(html.render(summary, figures, blocks))


def test_one_file_below_eight_megabytes_that_refers_to_nothing_else(tmp_path: Path) -> None:
    record = make_record(515)
    path = tmp_path / "new" / "report.html"
    html.write_report(summarise(record, paths={}, tracked={}), record, path)
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert path.stat().st_size < 8_000_000
    assert list(path.parent.iterdir()) == [path]
    assert page.attributes("src") == []
    assert all(address.startswith(("#", "data:")) for address in page.attributes("href"))
    assert "@import" not in text.split("</style>")[0]
    assert text.count("plotly.js v") == 1


def test_policy_allows_the_own_scripts_only() -> None:
    page = page_of(make_record(), whole=True)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("sha256-") == 5  # plotly and our own
    assert "unsafe-eval" not in policy


def test_hostile_texts_stay_text() -> None:
    page = page_of(hostile_record(), whole=True)
    scripts = [attrs.get("type") for tag, attrs in page.tags if tag == "script"]
    assert Counter(scripts)[None] == 5  # plotly and our own; all else is data
    assert set(scripts) == {None, "application/json"}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert "img" not in {tag for tag, _ in page.tags}
    for shown in (
        "<script>window.obeyed = 1</script> <b>bold</b> &amp; &#60;i&#62;",
        "{{ 7 * 7 }} {% raw %} {# gone #} %{x} <a href='javascript:window.obeyed = 1'>x</a>",
        "harmless⟨U+202E⟩gnp.exe⟨U+202C⟩",
        "x" * 10_000,
        "family 👩‍👩‍👧 and flag 🏳️‍🌈",
        "null␀byte ␛[31mred",
        "[<b>x</b> 12] and person 12",
        "</title><script>window.obeyed = 3</script>",
        "{{ note }} <img src=x onerror='window.obeyed = 4'>",
    ):
        assert shown in page.text


def test_page_is_built_for_everybody() -> None:
    page = page_of(make_record(), whole=True)
    tags = Counter(tag for tag, _ in page.tags)
    ids = page.attributes("id")
    assert ("html", {"lang": "en"}) in page.tags
    assert (tags["h1"], tags["main"], tags["header"], tags["nav"], tags["footer"]) == (1, 1, 1, 1, 1)
    assert tags["h2"] == 7
    assert tags["caption"] == tags["table"]
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in page.attributes("href") if address.startswith("#")} <= set(ids)
    named = {name for value in page.attributes("aria-labelledby") for name in value.split()}
    assert named <= set(ids)


def test_headline_says_the_numbers() -> None:
    record = make_record()
    score = {"kappa": Score(0.414, 0.31, 0.5)}
    lines = {"majority class": {"kappa": Score(0, 0, 0)}, "coders": {"kappa": Score(0.7, 0.6, 0.8)}}
    text = page_of(replace(record, scores=replace(record.scores, overall=score, lines=lines))).text
    assert "5 topics emerged from 60 unique communications; 5% of them have no topic." in text
    assert "123 rows held 105 messages; 45 of these repeated another one, and 60 are left" in text
    assert "istinct message" not in text
    assert "The commonest theme is" in text
    assert "at κ = 0.41 (95% interval 0.31 to 0.50), where the coders agree" in text
    assert "0.70 (95% interval 0.60 to 0.80) and giving everything the commonest code scores 0.00" in text
    assert (
        "The mapping does better than giving everything the commonest code, and it does less well than"
        in text
    )
    assert record.note in text


NAN = float("nan")
BETTER = "The mapping does better than giving everything the commonest code"


@pytest.mark.parametrize(
    ("kappa", "majority", "coders", "said"),
    [
        (
            (0.33, -0.02, 0.73),
            -0.1,
            None,
            "The mapping may do no better than giving everything the commonest",
        ),
        (
            (0.33, 0.02, 0.73),
            0.05,
            None,
            "The mapping may do no better than giving everything the commonest",
        ),
        ((0.33, 0.02, 0.73), -0.1, None, f"{BETTER}. "),
        ((0.33, 0.02, 0.73), 0, 0.7, f"{BETTER}, and its interval reaches the agreement between coders."),
        ((1, NAN, NAN), 0, None, f"{BETTER}. "),
        ((1, NAN, NAN), 0, NAN, f"{BETTER}. "),
        ((1, NAN, NAN), 0, 0.7, f"{BETTER}, and it does no less well than one coder agrees with another."),
        ((0.5, NAN, NAN), 0, 0.7, f"{BETTER}, and it does less well than one coder agrees with another."),
        ((0, NAN, NAN), 0, None, "The mapping does no better than giving everything the commonest code. "),
        ((NAN, NAN, NAN), NAN, None, "Kappa is not defined on these labels, so that nothing tells"),
    ],
)
def test_the_verdict_is_that_of_the_numbers(kappa, majority, coders, said) -> None:  # type: ignore[no-untyped-def]
    """One code for everything has a kappa of 0: a line below that is no help to the mapping."""
    record = make_record()
    lines = {"majority class": {"kappa": Score(majority, NAN, NAN)}}
    lines |= {} if coders is None else {"coders": {"kappa": Score(coders, NAN, NAN)}}
    scores = replace(record.scores, overall={"kappa": Score(*kappa)}, lines=lines)
    assert str(leads.trust(summarise(replace(record, scores=scores), paths={}, tracked={}))).startswith(said)


def test_a_perfect_score_has_no_interval_and_says_so() -> None:
    record = make_record()
    perfect = {"kappa": Score(1, NAN, NAN)}
    lines = {"message level": perfect, "majority class": {"kappa": Score(-0.1, -0.3, 0.1)}}
    text = page_of(replace(record, scores=replace(record.scores, overall=perfect, lines=lines))).text
    assert "at κ = 1.00 (no interval), where giving everything the commonest code scores 0.00; " in text
    assert "message by message, the mapping agrees at 1.00 (no interval)" in text
    assert re.search(r"of topics, held out\s*1\.00\s*no interval", text)
    assert "\N{EN DASH} to \N{EN DASH}" not in text


def test_informed_topics_candidates_and_what_is_undecided_are_said_plainly() -> None:
    record = make_record()
    record = replace(record, candidates=(Candidate(4, "mixed: its likeliest theme has only 20% of it"),))
    text = page_of(record).text
    assert "No label had a say in these topics." in text
    assert "Candidates for new themes" in text
    assert "mixed: its likeliest theme has only 20% of it" in text
    assert f"{record.undecided.sum()} messages without a label are undecided" in text
    informed = replace(record, config={"discover": {"vectors": "raw+adapted"}}, candidates=())
    text = page_of(informed).text
    assert "The labels informed these topics." in text.split("From rows to unique")[0]  # in the head
    assert "Labels informed these topics: they were read from raw vectors" in text
    assert "Candidates for new themes" not in text


def test_levels_are_compared_and_charts_have_tables() -> None:
    record = make_record()
    difference = {"kappa": Score(0.2, 0.1, 0.3)}
    scores = replace(record.scores, differences={"topic level, less plain BERTopic": difference})
    page = page_of(replace(record, scores=scores))
    assert "Topic level: kappa is 0.20 above that of plain BERTopic (0.10 to 0.30), more than" in page.text
    assert "Topic level plain BERTopic 0.20 0.10 to 0.30" in page.text
    for caption in ("Confidence and accuracy of the message level", "Accuracy of the message level among"):
        assert caption in page.text


def test_every_drawing_has_a_table_and_can_be_saved() -> None:
    page = page_of(make_record(), whole=True)
    drawn = page.attributes("data-figure")
    assert drawn == [
        "prevalence",
        "by_group",
        "flow",
        "hierarchy",
        "over_time",
        "lines",
        "confusion",
        "confusion_messages",
        "reliability",
        "coverage",
    ]
    assert Counter(page.attributes("data-save")) == {
        "svg": len(drawn) + 1,
        "png": len(drawn) + 1,
    }  # and the map
    assert page.text.count("This drawing needs JavaScript. ") == len(drawn)
    for caption in (
        "The flow of messages",
        "Prevalence of the themes among unique communications Theme",
        "Prevalence of the themes among unique communications, by group",
        "Topics merged into groups",
    ):
        assert caption in page.text


def test_groups_stand_beside_each_other_and_say_where_they_are_apart() -> None:
    record = make_record()
    key, other = record.codebook.keys[:2]
    table = record.scores.groups.with_columns(
        difference=pl.when(theme=key).then(0.21).when(theme=other).then(-0.3).otherwise(0.1),
        difference_low=pl.when(theme=key).then(0.1).when(theme=other).then(-0.4).otherwise(-0.2),
        difference_high=pl.when(theme=key).then(0.34).when(theme=other).then(-0.2).otherwise(0.4),
    )
    page = page_of(replace(record, scores=replace(record.scores, groups=table)), whole=True)
    assert "carers 40 messages, 13 labels" in page.text
    assert page.text.count("more than elsewhere, by 21 points (10 to 34)") == 2
    assert page.text.count("less than elsewhere, by 30 points (20 to 40)") == 2
    assert page.text.count("fewer than two labels") == len(record.codebook.keys)
    assert f"of {3 * len(record.codebook.keys)} such figures" in page.text
    without = page_of(replace(record, scores=replace(record.scores, groups=table.clear())), whole=True)
    assert "by group" not in without.text
    assert "by_group" not in without.attributes("data-figure")
    assert "Messages of the largest topics per day" in page.text


@pytest.mark.parametrize("quotes", ["words", "none"])
def test_messages_are_shown_only_as_far_as_they_may_be(quotes: Quotes) -> None:
    record = make_record()
    texts = record.communications["text"].to_list()
    summary = summarise(record, paths={}, tracked={}, quotes=quotes)
    page = html.render(summary, html.figures_of(record), page_data(summary, record))
    assert [text for text in texts if text in page or str(escape(text)) in page] == []
    assert to_json(summary).count("quotes") >= 1
    assert not any(text in to_json(summary) for text in texts)
    shown = Page(page)
    assert ("Messages are not shown" in shown.text) == (quotes == "none")
    assert ("Most typical messages" in shown.text) == (quotes == "words")


def test_what_a_theme_is_confused_with_is_said() -> None:
    record = make_record()
    counts = np.zeros((7, 8))
    counts[0, :2] = (6, 4)
    page = page_of(replace(record, scores=replace(record.scores, message_confusion=counts)))
    assert "Of 10 messages that people coded diagnosis, 4 (40%) got power." in page.text
    assert "Of 4 messages that got power, people coded 4 (100%) diagnosis." in page.text
    assert "the commonest mistake is diagnosis taken for power (4 messages)" in page.text
    page = page_of(replace(record, scores=replace(record.scores, message_confusion=np.eye(7, 8, k=1))))
    assert "Of 1 message that people coded diagnosis, 1 (100%) got power." in page.text
    assert "Of 1 message that got power, people coded 1 (100%) diagnosis." in page.text


def test_a_theme_that_nobody_coded_is_not_said_to_be_never_confused() -> None:
    record = make_record()
    keys = record.codebook.keys
    counts = np.diag(np.full(len(keys), 5.0))[:, [*range(len(keys)), 0]]
    counts[:, -1] = 0
    counts[0] = 0
    scores = replace(
        record.scores,
        message_confusion=counts,
        message_per_theme={key: {"recall": Score(NAN if key == keys[0] else 1, NAN, NAN)} for key in keys},
    )
    text = page_of(replace(record, scores=scores)).text
    assert text.count("No labelled message was coded with it, so that nothing could be judged.") == 1
    assert text.count("It was not confused with another theme") == len(keys) - 1
    assert f"No label is of the theme {keys[0]}: how well it is found cannot be told." in text
    held_out = {**record.config, "validate": {**record.config["validate"], "held_out": 0.3}}
    text = page_of(replace(record, scores=scores, config=held_out)).text
    assert text.count("No label of it was judged.") == 1


def test_methods_references_and_checklist_can_be_saved_from_the_page() -> None:
    page = page_of(make_record())
    names = page.attributes("download")
    assert [name.rpartition("-0000")[2] for name in names] == ["-methods.md", ".bib", "-srqr.csv"]
    links = [address for address in page.attributes("href") if address.startswith("data:text/csv")]
    table = base64.b64decode(links[0].partition("base64,")[2]).decode()
    assert table.splitlines()[1].startswith("S1,Title,")


def test_scores_that_are_not_defined_are_a_dash() -> None:
    record = make_record()
    nothing = Score(float("nan"), float("nan"), float("nan"))
    text = page_of(replace(record, scores=replace(record.scores, overall={"kappa": nothing}, lines={}))).text
    assert "nan" not in text.split("How it was done")[0].lower()
    assert "Topic level \N{EN DASH}" in text


def test_a_run_without_anything_to_tell_still_renders() -> None:
    record = make_record()
    bare = replace(record, note="", title="", masked={}, digests={}, git={}, versions={}, times=(), config={})
    bare = replace(bare, scores=replace(record.scores, overall={}, lines={}, per_theme={}))
    bare = replace(bare, discovery=replace(record.discovery, topics=record.discovery.topics[:0]))
    bare = replace(bare, mapping=replace(record.mapping, theme=record.mapping.theme[:0]), candidates=())
    assert "0 topics emerged from 60 unique communications" in page_of(bare).text


def test_folders_of_the_machine_are_not_shown() -> None:
    config = {
        "sources": [{"path": "/home/ada/private/messages.csv"}],
        "themes": {"labels": "C:\\ada\\labels.csv"},
    }
    page = page_of(replace(make_record(), config=config))
    assert "ada" not in re.split(r"\W+", page.text)
    assert "sources.0.path messages.csv themes.labels labels.csv" in page.text


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    record = make_record()
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"report\.html: cannot be written"):
        html.write_report(summarise(record, paths={}, tracked={}), record, tmp_path / "file" / "report.html")


def test_plotly_waits_until_a_figure_is_drawn() -> None:
    code = "import sys, themeloom.reporting.html as h; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_plotly_is_taken_out_of_its_wrappers_whole() -> None:
    whole, script = get_plotlyjs(), plotly_script()
    assert script.isascii()
    assert "factory" in whole[:500]
    assert "factory" not in script[:500]
    assert script.startswith(whole[: whole.index("*/")])  # its licence
    assert 0 <= len(whole) - len(script) < 400
