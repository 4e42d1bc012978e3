import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import hostile_record

from builders import make_record
from themeloom.errors import OutputError
from themeloom.records import Candidate, RunRecord, Score
from themeloom.reporting import html, plots
from themeloom.reporting.summary import summarise


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


def page_of(record: RunRecord, figures: bool = False) -> Page:
    summary = summarise(record, paths={"model": "/home/ada/models/x"}, tracked={"run_id": "abc123"})
    return Page(html.render(summary, {"map": plots.map(record)} if figures else {}))


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
    page = page_of(make_record(), figures=True)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("sha256-") == 2
    assert "unsafe-eval" not in policy
    assert "script-src 'none'" in str(page_of(make_record()).tags)


def test_hostile_texts_stay_text() -> None:
    page = page_of(hostile_record(), figures=True)
    assert Counter(tag for tag, _ in page.tags)["script"] == 3  # data, plotly, our own
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


def test_placeholders_become_chips() -> None:
    shown = html.message("[person 12] & [<b> 3] [postcode 4] [nhs number 1] [Person 1] [person]")
    assert shown == (
        '<span class="chip">person 12</span> &amp; [&lt;b&gt; 3] <span class="chip">postcode 4</span> '
        '<span class="chip">nhs number 1</span> [Person 1] [person]'
    )


def test_page_is_built_for_everybody() -> None:
    page = page_of(make_record(), figures=True)
    tags = Counter(tag for tag, _ in page.tags)
    ids = page.attributes("id")
    assert ("html", {"lang": "en"}) in page.tags
    assert (tags["h1"], tags["main"], tags["header"], tags["nav"], tags["footer"]) == (1, 1, 1, 1, 1)
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
    assert "at κ = 0.41 (95% interval 0.31 to 0.50), where the coders agree" in text
    assert "0.70 (95% interval 0.60 to 0.80) and giving everything the commonest code scores 0.00" in text
    assert "The mapping does better than giving everything the commonest code, and less well than" in text
    assert record.note in text


def test_informed_topics_candidates_and_what_is_undecided_are_said_plainly() -> None:
    record = make_record()
    record = replace(record, candidates=(Candidate(4, "mixed: its likeliest theme has only 20% of it"),))
    text = page_of(record).text
    assert "No label had a say in these topics." in text
    assert "Explained by no theme" in text
    assert "mixed: its likeliest theme has only 20% of it" in text
    assert f"{record.undecided.sum()} messages without a label are undecided" in text
    informed = replace(record, config={"discover": {"vectors": "raw+adapted"}}, candidates=())
    text = page_of(informed).text
    assert "The labels informed these topics." in text.split("From rows to unique")[0]  # in the head
    assert "Labels informed these topics: they were read from raw vectors" in text
    assert "Explained by no theme" not in text


def test_levels_are_compared_and_charts_have_tables() -> None:
    record = make_record()
    difference = {"kappa": Score(0.2, 0.1, 0.3)}
    scores = replace(record.scores, differences={"topic level, less plain BERTopic": difference})
    page = page_of(replace(record, scores=scores))
    assert "Topic level: kappa is 0.20 above that of plain BERTopic (0.10 to 0.30), more than" in page.text
    assert "Topic level plain BERTopic 0.20 0.10 to 0.30" in page.text
    for caption in ("Confidence and accuracy of the message level", "Accuracy of the message level among"):
        assert caption in page.text


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


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (html.share(0.004), "<1%"),
        (html.share(0), "0%"),
        (html.share(float("nan")), "\N{EN DASH}"),
        (html.decimal(-0.126), "\N{MINUS SIGN}0.13"),
        (html.percent(1.7), "100.0%"),
        (html.percent(float("nan")), "0.0%"),
        (html.number(1195), "1,195"),
        (html.duration(0.001), "<0.1 s"),
        (html.duration(0.44), "0.4 s"),
        (html.duration(59.7), "1 min 0 s"),
        (html.duration(41.2), "41 s"),
        (html.duration(185), "3 min 5 s"),
        (html.duration(7_860), "2 h 11 min"),
        (html.moment("2026-01-02T03:04:05+02:00"), "2 January 2026, 01:04 UTC"),
        (html.moment("2026-01-02T03:04:05"), "2 January 2026, 03:04 UTC"),
        (html.moment("long ago"), "long ago"),
        (html.short("sqlite:////home/ada/mlruns/mlflow.db"), "mlflow.db"),
        (html.short("sqlite:///mlruns/mlflow.db"), "mlflow.db"),
        (html.short("https://host.example/mlflow"), "https://host.example/mlflow"),
        (html.short("sentence-transformers/all-MiniLM-L6-v2"), "sentence-transformers/all-MiniLM-L6-v2"),
        (html.short("../models/x/"), "x"),
    ],
)
def test_numbers_and_names_read_well(shown: str, expected: str) -> None:
    assert shown == expected
