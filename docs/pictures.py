"""Takes the pictures of the manual.

``python docs/pictures.py report models/RUN/report.html`` photographs a report, and
``python docs/pictures.py sweep ROOT`` MLflow's page on the newest sweep of the study's folder ROOT.
"""

import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from themeloom.history.page import ui_command

IMAGES = Path(__file__).resolve().parent / "images"
DRAWN = ("#the-map[data-drawn]", "figure[data-figure=coverage][data-drawn]")


def report(file: Path) -> None:
    """Photograph a report: its head, the map, the tree of topics with their times, the trust it deserves."""
    with _page(1080, 1240) as page:
        page.goto(file.resolve().as_uri())
        for selector in DRAWN:
            page.wait_for_selector(selector, state="attached")
        page.screenshot(path=IMAGES / "report.png")
        page.locator("#map").screenshot(path=IMAGES / "map.png")
        page.locator("#groups").fill("8")
        page.evaluate("document.querySelector('#hierarchy-title').scrollIntoView()")
        page.wait_for_timeout(1500)  # until it is scrolled, and the branches are coloured
        page.screenshot(path=IMAGES / "topics.png")


def sweep(root: Path) -> None:
    """Photograph MLflow's list of runs with a sweep's configurations nested under it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command, environment = ui_command(root, None, port)
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 (our own words, no shell)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        with _page(1500, 900) as page:
            page.goto(f"http://127.0.0.1:{port}/#/experiments/{_experiment(root)}/runs")
            page.get_by_text(re.compile("-sweep$")).first.wait_for(timeout=60_000)
            page.get_by_role("button", name="Close").last.click()  # MLflow's assistant
            page.get_by_role("button", name="Toggle sidebar").click()
            name = page.get_by_role("gridcell").filter(has_text="-sweep").first
            name.locator("svg").first.click()
            head = page.locator("[role=columnheader]", has_text="Run Name")
            place = head.locator(".ag-header-cell-resize").first.bounding_box() or {"x": 0.0, "y": 0.0}
            page.mouse.move(place["x"] + 2, place["y"] + 8)
            page.mouse.down()
            page.mouse.move(place["x"] + 160, place["y"] + 8, steps=5)
            page.mouse.up()
            page.mouse.move(740, 30)  # off the head of the table, which explains itself
            page.wait_for_timeout(3_000)
            page.screenshot(path=IMAGES / "mlflow-sweep.png")
    finally:
        server.terminate()
        server.wait()


def _experiment(root: Path) -> str:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{root.resolve()}/mlruns/mlflow.db")
    newest = [
        run
        for experiment in client.search_experiments()
        for run in client.search_runs([experiment.experiment_id], "tags.`themeloom.kind` = 'sweep'")
    ]
    return str(max(newest, key=lambda run: run.info.start_time).info.experiment_id)


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 (loopback)
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(address)


@contextmanager
def _page(width: int, height: int) -> Iterator[Page]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        browser.close()


if __name__ == "__main__":
    {"report": report, "sweep": sweep}[sys.argv[1]](Path(sys.argv[2]))
