"""The page of a comparison in a real browser: whole by itself, drawn, and as wide as the window."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.reporting.compare.made import scored, write_run
from tests.reporting.compare.test_comparison_page import page_of
from tests.shown import (
    Seen,
    assert_every_figure_is_drawn,
    assert_nothing_is_wider_than_the_window,
    assert_whole_by_itself,
    opened,
)
from twinlens.types import UInt8Array


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, photos: Callable[[str], UInt8Array]) -> Path:
    folder = tmp_path_factory.mktemp("comparison")
    html = page_of(
        write_run(folder / "a0", scored(1, 1.6), "training.batch_size=64", name="a-recipe-with-a-long-name", seed=0),
        write_run(folder / "a1", scored(2, 1.4), "training.batch_size=64", name="a-recipe-with-a-long-name", seed=1),
        write_run(folder / "b", scored(3, 0.4)),
        write_run(folder / "c", scored(4), "training.patience=7", name="leaking", leaks=True),
        photos=photos,
    )
    path = folder / "compare.html"
    path.write_text(html, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shown(browser: Browser, path: Path) -> Iterator[tuple[Page, Seen]]:
    with opened(browser, path, 1400) as page_and_seen:
        yield page_and_seen


def test_the_page_is_whole(shown: tuple[Page, Seen], path: Path) -> None:
    page, seen = shown
    assert_whole_by_itself(page, seen, path)
    assert_every_figure_is_drawn(page, least=12)
    assert page.locator("text=is better than").count() > 0


@pytest.mark.parametrize("width", [1400, 390])
def test_it_fits_the_window(shown: tuple[Page, Seen], width: int) -> None:
    page, _ = shown
    page.set_viewport_size({"width": width, "height": 900})
    fits = "[...document.querySelectorAll('.main-svg')].every(s => s.clientWidth <= s.closest('.plot').clientWidth)"
    for _ in range(100):  # the page forbids the scripts that Playwright would wait with
        if page.evaluate(fits):
            break
        page.wait_for_timeout(100)
    assert_nothing_is_wider_than_the_window(page)


def test_every_run_has_a_line_of_its_own(shown: tuple[Page, Seen]) -> None:
    lines = shown[0].eval_on_selector_all(
        "#curves .legend line", "all => all.map(l => l.getAttribute('stroke') + l.getAttribute('stroke-dasharray'))"
    )
    assert len(lines) == len(set(lines)) == 4


def test_links_of_the_contents_lead_somewhere(shown: tuple[Page, Seen]) -> None:
    page, _ = shown
    targets = page.eval_on_selector_all(".contents a", "all => all.map(a => a.getAttribute('href'))")
    assert len(targets) == 9
    assert all(page.locator(target).count() == 1 for target in targets)


def test_it_prints(shown: tuple[Page, Seen]) -> None:
    page, seen = shown
    assert page.pdf(format="A4").startswith(b"%PDF")
    assert seen.complaints == []
