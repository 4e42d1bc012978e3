"""Takes the pictures of the labelling page: `python docs/labelling_pictures.py`.

They are taken of the demonstration study, in a folder that is gone afterwards.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from themeloom.studies.labelling_study import Asked, import_labels, open_study

IMAGES = Path(__file__).resolve().parent / "images"
DEMO = Path(str(files("themeloom"))) / "data" / "dearmhp"
PORT = 8791
LAPTOP, TABLET = {"width": 1280, "height": 800}, {"width": 820, "height": 1100}


def main() -> None:
    """Photograph the labelling page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with tempfile.TemporaryDirectory() as folder, labelling(Path(folder)) as link:
            photograph_labelling(browser, link)
        browser.close()


@contextmanager
def labelling(root: Path) -> Iterator[str]:
    """Serve the demonstration study, coded by the two coders of its label file; give the start link."""
    experiment, labels = DEMO / "experiment.toml", DEMO / "labels.csv"
    open_study(experiment, Asked(sheet=labels), root=root).store.close()
    with labels.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    coded = root / "coded.csv"
    with coded.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "Ana", "Ben"])
        writer.writerows([row["tweet_id"], row["coder_a"], row["coder_b"]] for row in rows)
    import_labels(experiment, [coded], root=root)
    command = [sys.executable, "-m", "themeloom", "label", str(experiment), "--root", str(root), "--no-open"]
    with subprocess.Popen(  # noqa: S603 (our own words)
        [*command, "--port", str(PORT)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        lines = iter(process.stdout or ())
        yield next(line for line in lines if "token=" in line).partition("open ")[2].strip()
        process.terminate()


def photograph_labelling(browser: Browser, link: str) -> None:
    """Photograph coding, on a laptop and on a tablet in the dark, agreement and adjudication."""
    address = link.partition("/start")[0]
    page = come_in(browser, link, "Cleo", LAPTOP, "light")
    for key in "4341254":
        shown = page.evaluate("() => document.body.dataset.doc")
        page.wait_for_timeout(900)
        page.keyboard.press(key)
        page.wait_for_function("shown => document.body.dataset.doc !== shown", arg=shown)
    masked = "() => document.getElementById('chips').children.length > 0"
    while not page.evaluate(masked):
        page.keyboard.press("f")
        page.wait_for_timeout(150)
    page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / "labelling-code.png")
    page.goto(f"{address}/")
    page.screenshot(path=IMAGES / "labelling-overview.png")
    dark = come_in(browser, link, "Dan", TABLET, "dark")
    dark.wait_for_timeout(300)
    dark.screenshot(path=IMAGES / "labelling-dark.png")
    lead = come_in(browser, link, "Ana", LAPTOP, "light", to="/agreement")
    lead.screenshot(path=IMAGES / "labelling-agreement.png")
    lead.goto(f"{address}/adjudicate")
    lead.locator("select").first.select_option(index=2)
    lead.locator("input[name=why]").first.fill("What she thanks for is a decision")
    lead.screenshot(path=IMAGES / "labelling-adjudicate.png")


def come_in(
    browser: Browser, link: str, name: str, size: dict[str, int], scheme: str, to: str = "/code"
) -> Page:
    """Open the page as a coder."""
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(link)
    address = link.partition("/start")[0]
    page.wait_for_url(f"{address}/")
    page.fill("#name", name)
    page.press("#name", "Enter")
    page.wait_for_url(f"{address}/code")
    if to != "/code":
        page.goto(address + to)
    else:
        page.wait_for_selector("#work:not([hidden])")
    return page


if __name__ == "__main__":
    main()
