"""The page says all of it, and draws it, in a real browser without a net."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page

from tests.reporting.sweep.made import CONFIG, TRIALS, sweep_result, trial
from tests.shown import (
    Seen,
    assert_every_figure_is_drawn,
    assert_nothing_is_wider_than_the_window,
    assert_whole_by_itself,
    opened,
)
from twinlens.config import load_config
from twinlens.config.load_sweep import load_sweep
from twinlens.reporting.sweep.page import make_sweep_page


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "sweep.html"
    path.write_text(make_sweep_page(sweep_result()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shown(browser: Browser, path: Path) -> Iterator[tuple[Page, Seen]]:
    with opened(browser, path, 1400) as page_and_seen:
        yield page_and_seen


def test_the_page_is_whole(shown: tuple[Page, Seen], path: Path) -> None:
    page, seen = shown
    assert_whole_by_itself(page, seen, path)
    assert_every_figure_is_drawn(page, least=2 + 1 + 4 + 1)


def test_it_fits_a_phone(browser: Browser, path: Path) -> None:
    with opened(browser, path, 390) as (page, _):
        assert_nothing_is_wider_than_the_window(page)


def test_links_of_the_contents_lead_somewhere(shown: tuple[Page, Seen]) -> None:
    page, _ = shown
    targets = page.eval_on_selector_all(".contents a", "all => all.map(a => a.getAttribute('href'))")
    assert len(targets) == 8
    assert all(page.locator(target).count() == 1 for target in targets)


def test_every_trial_is_in_the_table_with_its_values(shown: tuple[Page, Seen]) -> None:
    rows = [
        row.split("\t") for row in shown[0].eval_on_selector_all("#trials tbody tr", "all => all.map(r => r.innerText)")
    ]
    assert [row[0] for row in rows] == ["1 the recipe", "2 best", "3", "4", "5", "6"]
    assert [row[1].split()[0] for row in rows] == [trial.state for trial in TRIALS]
    assert "killed 2 ×" in rows[1][1]
    assert rows[1][2] == "0.6200"
    assert rows[1][8:] == ["0.0002", "0", "[16, 32, 64, 128]", "none"]


def test_what_a_trial_says_is_text_and_nothing_else(path: Path) -> None:
    html = path.read_text(encoding="utf-8")
    assert "The &lt;b&gt;training&lt;/b&gt; diverged." in html
    assert "The <b>training</b> diverged." not in html


def test_recipe_and_sweep_on_the_page_are_those_in_force(shown: tuple[Page, Seen], tmp_path: Path) -> None:
    blocks = shown[0].eval_on_selector_all("details pre", "all => all.map(part => part.textContent)")
    winner, sweep = blocks
    (tmp_path / "best.yaml").write_text(winner)
    (tmp_path / "sweep.yaml").write_text(sweep)
    assert load_config(tmp_path / "best.yaml") == CONFIG.winner(TRIALS[1].values)
    assert load_sweep(tmp_path / "sweep.yaml") == CONFIG
    assert yaml.safe_load(sweep)["trials"] == 6


def test_page_says_that_no_test_pair_was_looked_at(shown: tuple[Page, Seen]) -> None:
    assert "No trial has looked at the test pairs" in shown[0].inner_text("#reading")
    assert "validation pairs only" in shown[0].inner_text("#verdict")


@pytest.mark.parametrize("trials", [(trial(1, "running", ()),), (trial(1, "failed", (), reason="It diverged."),)])
def test_sweep_without_any_epoch_makes_a_page(trials: tuple[object, ...]) -> None:
    nothing = {"best_trial": None, "winner": None, "importances": ()}
    assert "None of the 1 trials" in make_sweep_page(sweep_result(trials=trials, **nothing))
