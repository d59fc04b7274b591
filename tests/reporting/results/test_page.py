"""The page of all results: that it is up to date, and that it says what the files say."""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.reporting.results.made import named, publish_made
from tests.simulated import Row, write_run
from twinlens.errors import RunError
from twinlens.evaluation.result import Result
from twinlens.reporting.results.page import FIGURES, Page, make_page, write_page

RESULTS = Path(__file__).parents[3] / "docs" / "results"


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return make_page(folder)


def chapter(page: Page, title: str) -> str:
    """What stands below a heading of the second level, with plain spaces."""
    (found,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page.text, re.MULTILINE | re.DOTALL)
    return str(found).replace("\u00a0", " ")


def test_committed_page_and_figures_are_up_to_date() -> None:
    made = make_page(RESULTS)
    stale = "docs/results is out of date; run: twinlens results readme"
    assert (RESULTS / "README.md").read_text(encoding="utf-8") == made.text, stale
    there = {path.name: path.read_text(encoding="utf-8") for path in (RESULTS / FIGURES).iterdir()}
    assert there == made.figures, stale


def test_links_of_the_committed_page_lead_somewhere() -> None:
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target, anchor in re.findall(r"\]\((?!http)([^)#]*)#?([^)]*)\)", text):
        assert not target or (RESULTS / target).exists(), target
        assert target or anchor in anchors, anchor


def test_settings_have_tables_of_their_own(page: Page) -> None:
    pairs, names = (
        chapter(page, f"LFW View 1: {setting}, no outside data") for setting in ("pairs-only", "identities")
    )
    assert "[koch-reduced](#koch-reduced)" in pairs
    assert "by-names" not in pairs
    assert "[by-names](#by-names)" in names
    assert "koch2015-lfw |" not in names  # no column of differences, either
    assert "noise" not in names


def test_seeds_share_a_row_and_have_commands_each(page: Page) -> None:
    text = chapter(page, "LFW View 1: pairs-only, no outside data")
    (row,) = [line for line in text.splitlines() if line.startswith("| [koch-reduced]")]
    assert re.search(r"2 seeds ± \d", row)
    assert "**beyond noise**" in row
    assert "- Better beyond noise: [koch-reduced](#koch-reduced).\n" in text
    assert len(re.findall(r"^twinlens train koch-reduced", text, re.MULTILINE)) == 2
    assert "--out runs/koch-reduced-seed1" in text
    assert "Results: [koch-reduced](koch-reduced/result.json), [koch-reduced-seed1](" in text


def test_what_leaks_stands_apart_and_is_marked(page: Page) -> None:
    leak = chapter(page, "What a leak does")
    assert "> [!CAUTION]" in leak
    assert "**shared with training**" in leak
    assert "### koch2015-lfw-leaky" in leak
    assert "koch2015-lfw-leaky" not in chapter(page, "LFW View 1: pairs-only, no outside data")
    assert "koch2015-lfw-leaky" not in chapter(page, "Omniglot")


def test_figures_are_whole_and_the_page_shows_all_of_them(page: Page) -> None:
    assert set(re.findall(rf"\]\({FIGURES}/([^)]+)\)", page.text)) == set(page.figures)
    for name, svg in page.figures.items():
        assert len(svg) < 60_000, name
        assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_page_names_nobody(page: Page, rows: list[Row]) -> None:
    people = {row.first_subject for row in rows}
    assert not [name for name in people if name in page.text or any(name in svg for svg in page.figures.values())]


def test_writing_again_removes_figures_of_results_that_are_gone(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "results"
    shutil.copytree(folder, place)
    write_page(place)
    assert (place / FIGURES / "by-names.svg").is_file()
    shutil.rmtree(place / "by-names")
    text = write_page(place).read_text(encoding="utf-8")
    assert "by-names" not in text
    assert not (place / FIGURES / "by-names.svg").exists()


def test_little_is_enough_and_what_is_missing_is_said(result: Result, rows: list[Row], tmp_path: Path) -> None:
    publish_made(tmp_path, named(result, "koch2015-lfw", 0), rows)
    write_run(tmp_path / "raw", named(result, "raw", 0).model_copy(update={"test": None}), rows)
    page = make_page(tmp_path)
    assert "`koch2015-lfw-leaky` was not run." in chapter(page, "What a leak does")
    assert "Minus" not in page.text
    assert "Published without a test: raw." in page.text


def test_without_results_there_is_no_page(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no result"):
        make_page(tmp_path)
