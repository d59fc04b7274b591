"""Make the README's pictures from a report on synthetic portraits: python tools/screenshots.py RUN/report.html"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parents[1] / "docs" / "images"


def main(report: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(report.resolve().as_uri())
        page.wait_for_timeout(4000)
        page.screenshot(path=FOLDER / "report.png", clip={"x": 0, "y": 0, "width": 1280, "height": 720})
        section = page.get_by_role("heading", name="Right and wrong, in pictures").locator("xpath=ancestor::section")
        top = section.evaluate("element => element.getBoundingClientRect().top + window.scrollY")
        left, width = section.evaluate("e => [e.getBoundingClientRect().left, e.getBoundingClientRect().width]")
        area = {"x": left, "y": top, "width": width, "height": 860}
        page.screenshot(path=FOLDER / "decisions.png", clip=area, full_page=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
