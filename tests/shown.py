"""A page in a real browser, and what every page has to stand there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Seen:
    """What a page did besides showing itself."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def started_browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is missing: apt-get install chromium"
        if os.environ.get("CI"):  # whoever reads only the last line takes a skipped test for a passed one
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, path: Path, width: int) -> Iterator[tuple[Page, Seen]]:
    """The page with all its figures drawn, without a network."""
    seen = Seen()
    page = browser.new_page(viewport={"width": width, "height": 900}, offline=True)
    page.on("request", lambda asked: seen.requests.append(asked.url))
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-figures=drawn]", state="attached", timeout=60_000)
    yield page, seen
    page.close()


def assert_whole_by_itself(page: Page, seen: Seen, path: Path) -> None:
    assert [url for url in seen.requests if not url.startswith("data:")] == [path.as_uri()]
    assert seen.complaints == []
    broken = page.eval_on_selector_all("img", "all => all.filter(i => !i.complete || !i.naturalWidth).length")
    assert broken == 0


def assert_every_figure_is_drawn(page: Page, least: int) -> None:
    drawn = page.eval_on_selector_all(
        "[data-plot]", "all => all.map(plot => plot.querySelectorAll('.plot path, .scatterlayer path').length)"
    )
    assert len(drawn) >= least
    assert min(drawn) > 0


def assert_nothing_is_wider_than_the_window(page: Page) -> None:
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    outside = page.eval_on_selector_all(
        ".chart:not(details *) .main-svg",
        "all => { const right = e => e.getBoundingClientRect().right;"
        " return all.filter(svg => right(svg) > right(svg.closest('section')) + 1).length; }",
    )
    assert outside == 0
