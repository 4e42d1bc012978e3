"""How large the report of a big corpus is, how long it takes to write, and how soon it can be used.

    python benchmarks/report.py [--messages 50000] [--screenshots FOLDER]

The corpus is made up: messages put together from the demonstration's (synthetic) texts by a seeded generator,
in 60 topics, with a layout of as many clouds. Nothing of it is found by Themeloom: the page is measured, by
its own clock, which begins when the browser is asked for the page. (Who asks the page from outside is
answered when it has time.)
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import _asked
import numpy as np
import polars as pl
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from builders import make_evaluation, make_mapping, make_record  # noqa: E402
from themeloom.records import Clusters, Discovery, Layout, RunRecord, Topic, TopicQuality  # noqa: E402
from themeloom.reporting.html import write_report  # noqa: E402
from themeloom.reporting.summary import summarise  # noqa: E402
from themeloom.system.provenance import versions  # noqa: E402

TOPICS = 60
RUNS = 5
MOMENTS = {
    "paint": "until something is seen",
    "load": "until it is loaded",
    "map": "until the map is drawn",
    "all": "until everything is drawn",
}
CLOCK = """
window.measured = {};
const note = (moment) => { measured[moment] ??= performance.now(); };
new PerformanceObserver(() => note("paint")).observe({ type: "paint", buffered: true });
addEventListener("load", () => note("load"));
const seen = () => {
  // The browser may put drawing off: a pixel can be read when it is done.
  const gl = document.querySelector("#the-map canvas").getContext("webgl");
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  note("map");
};
new MutationObserver((changes) => {
  for (const { target } of changes) {
    if (target.id === "the-map") requestAnimationFrame(() => requestAnimationFrame(seen));
    if (target.dataset.figure === "coverage") note("all");
  }
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });
"""


def texts(rng: np.random.Generator, number: int) -> list[str]:
    """Put messages together from halves of the demonstration's."""
    from importlib.resources import files

    folder = files("themeloom") / "data" / "dearmhp"
    lines = (folder / "search-hashtag.jsonl").read_text(encoding="utf-8").splitlines()
    words = [json.loads(line)["text"].split() for line in lines]
    words = [[word for word in text if not word.startswith(("@", "http", "RT"))] for text in words]
    first, second = rng.integers(len(words), size=(2, number))
    return [
        " ".join(words[a][: len(words[a]) // 2 + 1] + words[b][len(words[b]) // 2 :])
        for a, b in zip(first, second, strict=True)
    ]


def made_up(number: int) -> RunRecord:
    """Build a run of so many messages, that agrees in itself."""
    rng = np.random.default_rng(0)
    small = make_record(200)
    topic = np.sort(rng.zipf(1.25, size=4 * number) - 1)
    topic = rng.permutation(topic[topic < TOPICS])[:number]
    topic[:TOPICS] = range(TOPICS)
    sizes = np.bincount(topic, minlength=TOPICS)
    topic = np.argsort(np.argsort(-sizes, kind="stable"))[topic].astype(np.int64)
    keys = small.codebook.keys
    mapping = make_mapping(rng, topic, len(keys), 8)
    centres = rng.normal(scale=9, size=(TOPICS, 2))
    plane = (centres[topic] + rng.normal(size=(number, 2))).astype(np.float32)
    said = texts(rng, number)
    theme = mapping.messages.argmax(axis=1)
    outlier = rng.random(number) < 0.15
    of_topics = [keys[of] if of >= 0 else None for of in mapping.theme[topic].tolist()]
    communications = pl.DataFrame(
        {
            "doc_id": [f"{at:016x}" for at in range(number)],
            "text": said,
            "created_at": datetime(2026, 1, 1, tzinfo=UTC)
            + pl.Series(rng.integers(0, 90 * 86_400_000_000, number)).cast(pl.Duration("us")),
            "times_seen": rng.geometric(0.6, number),
            "topic": topic,
            "outlier": outlier,
            "topic_theme": of_topics,
            "theme": [keys[of] for of in theme.tolist()],
            "theme_probability": mapping.messages.max(axis=1),
        },
        schema=small.communications.schema,
    )
    vectors = rng.normal(size=(number, 8)).astype(np.float32) + 2 * rng.normal(size=(TOPICS, 8))[topic]
    clusters = Clusters(
        topic, outlier, np.ones(number, np.float32), 20, "eom", "", small.discovery.clusters.tree
    )
    topics = tuple(_topic(said, topic, outlier, at) for at in range(TOPICS))
    embeddings = replace(small.discovery.embeddings, vectors=vectors.astype(np.float32), texts=tuple(said))
    quality = TopicQuality(
        rng.uniform(-0.2, 0.5, TOPICS), rng.uniform(0.2, 0.8, TOPICS), small.quality.overall
    )
    return replace(
        small,
        run=f"made-up-{number}",
        title=f"A made-up corpus of {number:,} messages",
        note="The messages are synthetic: put together by chance from those of the demonstration.",
        flow=replace(
            small.flow,
            identified=number + 3,
            unreadable=3,
            same_id=0,
            retweets=0,
            copies=0,
            near_duplicates=0,
            unique=number,
        ),
        communications=communications,
        discovery=Discovery(embeddings, Layout(plane, plane, 15), clusters, topics),
        quality=quality,
        mapping=mapping,
        candidates=(),
        evaluation=make_evaluation(communications[::250], small.codebook),
        labelled=tuple(range(0, number, 250)),
    )


def _topic(said: list[str], topic: np.ndarray, outlier: np.ndarray, at: int) -> Topic:
    members = np.flatnonzero(topic == at)
    words: dict[str, int] = {}
    for member in members[:40].tolist():
        for word in said[member].lower().split():
            words[word] = words.get(word, 0) + (len(word) > 5)
    common = sorted(words, key=lambda word: -words[word])[:10]
    weights = tuple(0.5 / (place + 1) for place in range(len(common)))
    core = int(outlier[members].sum())
    return Topic(at, len(members), core, tuple(common), weights, tuple(members[:3].tolist()))


def opened(page: Page, path: Path) -> dict[str, float]:
    """Open the report and use it; return seconds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(CLOCK)
    page.goto(path.as_uri())
    page.wait_for_function(f"Object.keys(measured).length === {len(MOMENTS)}")
    found = {said: page.evaluate(f"measured.{moment}") / 1000 for moment, said in MOMENTS.items()}
    metrics = session.send("Performance.getMetrics")["metrics"]
    busy = next(one["value"] for one in metrics if one["name"] == "ThreadTime")
    found["processor time of the page's thread until then"] = busy  # what other programs take is not in it
    for name, act in {
        "colour by theme": "document.querySelector('[data-by=theme]').click()",
        "search": "(() => { const box = document.querySelector('#the-map input'); box.value = 'nurse';"
        " box.dispatchEvent(new Event('input')); })()",
    }.items():
        started = time.perf_counter()
        before = page.locator(".status").text_content()
        page.evaluate(act)
        if name == "search":
            while page.locator(".status").text_content() == before:
                page.wait_for_timeout(10)
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        found[name] = time.perf_counter() - started
    return found


def main() -> None:
    """Measure, and write results/report.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--screenshots", type=Path)
    options = _asked.read(parser, __file__, messages=5_000)
    record = made_up(options.messages)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "report.html"
        started = time.perf_counter()
        write_report(summarise(record, paths={}, tracked={}), record, path)
        writing = time.perf_counter() - started
        arguments = ["--no-sandbox", "--disable-gpu"]
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        times, problems, requests = [], [], []
        for _ in range(RUNS):
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("request", lambda request: requests.append(request.url))
            page.on("console", lambda said: said.type == "error" and problems.append(said.text))
            times.append(opened(page, path))
            if options.screenshots and len(times) == RUNS:
                page.locator("#map").screenshot(path=options.screenshots / "map.png")
                page.locator("#topics").screenshot(path=options.screenshots / "topics.png")
            page.close()
        browser.close()
        outside = [url for url in requests if not url.startswith(("file:", "data:", "blob:"))]
        result = {
            "messages": options.messages,
            "megabytes": round(path.stat().st_size / 1e6, 1),
            "seconds to write": round(writing, 2),
            "seconds, median (least to most)": {
                name: [round(float(of([run[name] for run in times])), 2) for of in (np.median, min, max)]
                for name in times[0]
            },
            "errors": problems,
            "requests that leave the page": outside,
            "load of the machine, 1 min": round(os.getloadavg()[0], 1),
            "cores": os.cpu_count(),
            "versions": versions(),
        }
    print(json.dumps(result, indent=1))
    options.results.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
