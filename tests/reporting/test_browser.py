"""The report in a real browser: it draws everything, asks the network for nothing, and fits screen and paper."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from twinlens.evaluation.result import Result
from twinlens.reporting.report import make_report
from twinlens.reporting.scores import ScoredPairs
from twinlens.types import UInt8Array

CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Seen:
    """What a page did besides showing itself."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
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


@pytest.fixture(scope="module")
def report(
    result: Result,
    scores: ScoredPairs,
    photos: Callable[[str], UInt8Array],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(make_report(result, scores, photos, {}), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=[1400, 390], ids=["desk", "phone"])
def shown(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Page, Seen]]:
    seen = Seen()
    page = browser.new_page(viewport={"width": request.param, "height": 900}, offline=True)
    page.on("request", lambda asked: seen.requests.append(asked.url))
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-figures=drawn]", state="attached", timeout=20_000)
    yield page, seen
    page.close()


def test_the_report_is_whole_by_itself(shown: tuple[Page, Seen], report: Path) -> None:
    page, seen = shown
    assert [url for url in seen.requests if not url.startswith("data:")] == [report.as_uri()]
    assert seen.complaints == []
    broken = page.eval_on_selector_all("img", "all => all.filter(i => !i.complete || !i.naturalWidth).length")
    assert broken == 0


def test_every_figure_is_drawn(shown: tuple[Page, Seen]) -> None:
    page, _ = shown
    drawn = page.eval_on_selector_all(
        "[data-plot]", "all => all.map(plot => plot.querySelectorAll('.plot path, .scatterlayer path').length)"
    )
    assert len(drawn) >= 17
    assert min(drawn) > 0


def test_nothing_is_wider_than_the_window(shown: tuple[Page, Seen]) -> None:
    page, _ = shown
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    outside = page.eval_on_selector_all(
        ".chart:not(details *) .main-svg",
        "all => { const right = e => e.getBoundingClientRect().right;"
        " return all.filter(svg => right(svg) > right(svg.closest('section')) + 1).length; }",
    )
    assert outside == 0


def test_folded_figures_take_their_width_when_opened(shown: tuple[Page, Seen]) -> None:
    page, _ = shown
    page.eval_on_selector("#curves details", "part => { part.open = true; }")
    page.wait_for_function(
        "[...document.querySelectorAll('#curves details .main-svg')].every(s => {"
        " const w = s.closest('.plot').clientWidth; return w > 100 && Math.abs(s.clientWidth - w) < 2; })",
        timeout=10_000,
    )
    page.eval_on_selector("#curves details", "part => { part.open = false; }")


def test_printing_unfolds_everything_and_puts_it_back(shown: tuple[Page, Seen]) -> None:
    page, seen = shown
    widths = "[...document.querySelectorAll('.main-svg')].map(svg => svg.clientWidth)"
    before = page.evaluate(widths)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert max(page.evaluate(widths)) <= 684
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.wait_for_function(
        f"JSON.stringify({widths}) === JSON.stringify({before})",
        timeout=10_000,
    )
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert seen.complaints == []
