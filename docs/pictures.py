"""Takes the pictures of the manual: `python docs/pictures.py models/RUN/report.html`."""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent / "images"
DRAWN = ("#the-map[data-drawn]", "figure[data-figure=coverage][data-drawn]")


def main(report: Path) -> None:
    """Photograph a report: its head, the map, the tree of topics with their times, the trust it deserves."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1080, "height": 1240}, color_scheme="light")
        page.goto(report.resolve().as_uri())
        for selector in DRAWN:
            page.wait_for_selector(selector, state="attached")
        page.screenshot(path=IMAGES / "report.png")
        page.locator("#map").screenshot(path=IMAGES / "map.png")
        page.locator("#groups").fill("8")
        page.evaluate("document.querySelector('#hierarchy-title').scrollIntoView()")
        page.wait_for_timeout(1500)  # until it is scrolled, and the branches are coloured
        page.screenshot(path=IMAGES / "topics.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
