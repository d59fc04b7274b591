"""The report in a real browser: it draws everything, asks the network for nothing, and fits screen and paper."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.shown import (
    Seen,
    assert_every_figure_is_drawn,
    assert_nothing_is_wider_than_the_window,
    assert_whole_by_itself,
    opened,
)
from twinlens.evaluation.result import Result
from twinlens.explaining.record import Explanations
from twinlens.reporting.report import make_report
from twinlens.reporting.scores import ScoredPairs
from twinlens.types import UInt8Array


@pytest.fixture(scope="module")
def report(
    result: Result,
    scores: ScoredPairs,
    photos: Callable[[str], UInt8Array],
    explanations: Explanations,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(make_report(result, scores, photos, {}, explanations, photos), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=[1400, 390], ids=["desk", "phone"])
def shown(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Page, Seen]]:
    with opened(browser, report, request.param) as page_and_seen:
        yield page_and_seen


def test_the_report_is_whole_by_itself(shown: tuple[Page, Seen], report: Path) -> None:
    assert_whole_by_itself(*shown, report)


def test_every_figure_is_drawn(shown: tuple[Page, Seen]) -> None:
    assert_every_figure_is_drawn(shown[0], least=17)


def test_nothing_is_wider_than_the_window(shown: tuple[Page, Seen]) -> None:
    assert_nothing_is_wider_than_the_window(shown[0])


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
