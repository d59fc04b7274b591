import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.simulated import HOSTILE, Row, simulate_folds, simulate_result, simulate_rows, write_scores
from twinlens.evaluation.result import Result
from twinlens.explaining.record import Explanations
from twinlens.reporting.gallery import highlighted
from twinlens.reporting.limits import limits
from twinlens.reporting.report import make_report
from twinlens.reporting.scores import ScoredPairs, read_scores
from twinlens.types import UInt8Array

Photos = Callable[[str], UInt8Array]
VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Checks nesting while reading, and keeps every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.scripts = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def html(result: Result, scores: ScoredPairs, photos: Photos, explanations: Explanations) -> str:
    surest = scores.first[int(np.argmax(scores.score))].rpartition("/")[2].removesuffix(".jpg")
    return make_report(result, scores, photos, {surest: "wrong identity; shows <Ann Lee>"}, explanations, photos)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_nothing_is_fetched_from_elsewhere(html: str, page: Page) -> None:
    for tag in ("script", "img", "link", "iframe", "source", "object", "embed"):
        for attributes in page.attributes(tag):
            for name in ("src", "href", "data", "srcset"):
                assert attributes.get(name, "data:").startswith("data:"), (tag, attributes)
    assert all(attributes["href"].startswith("#") for attributes in page.attributes("a"))
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [a["content"] for a in page.attributes("meta") if "http-equiv" in a]
    assert policy.startswith("default-src 'none'")


def test_plotly_is_there_once(html: str) -> None:
    assert html.count("plotly.js v") == 1


def test_every_id_is_unique_and_every_link_has_an_end(page: Page) -> None:
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert set(ids.values()) == {1}
    wanted = {a["href"].removeprefix("#") for a in page.attributes("a")}
    wanted |= {
        attributes["aria-labelledby"] for attributes in page.attributes("figure") if "aria-labelledby" in attributes
    }
    assert wanted <= set(ids)


def test_headings_never_skip_a_level(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_every_picture_and_figure_has_a_text_alternative(page: Page) -> None:
    assert len(page.attributes("img")) > 40
    assert all(attributes.get("alt") for attributes in page.attributes("img"))
    plots = [attributes for attributes in page.attributes("div") if "data-plot" in attributes]
    assert len(plots) >= 17
    assert all(len(attributes["aria-label"]) > 20 for attributes in plots)
    assert all(attributes.get("scope") for attributes in page.attributes("th"))


def test_names_are_escaped_wherever_they_appear(html: str) -> None:
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_a_hostile_recipe_stays_text(result: Result, scores: ScoredPairs) -> None:
    poisoned = result.model_copy(update={"name": HOSTILE, "recipe": {**result.recipe, "data": {"root": HOSTILE}}})
    page = Page(make_report(poisoned, scores, None, {HOSTILE: HOSTILE}))
    plots = [attributes for attributes in page.attributes("div") if "data-plot" in attributes]
    assert len(page.attributes("script")) == len(plots) + 2


def test_figures_and_verdict_are_those_of_the_result(html: str, result: Result) -> None:
    assert result.test is not None
    assert f"{100 * result.test.accuracy.value:.1f}\u00a0%" in html
    assert f"{result.test.confusion.missed_genuine} missed" in html
    assert f"{result.training.parameters:,}" in html
    assert re.search(r"Known labelling error in \S+: wrong identity; shows &lt;Ann Lee&gt;", html)


def test_what_drove_the_decisions_is_shown_with_its_figures(html: str, page: Page, scores: ScoredPairs) -> None:
    overlays = [a for a in page.attributes("img") if a["alt"].startswith("What speaks for")]
    assert len(overlays) == 2 * len(highlighted(scores))
    assert html.count('<div class="scale">') == len(highlighted(scores))
    assert "23.1\u00a0% (21.4\u00a0% to 25.0\u00a0%) of the attribution lies outside the face" in html
    assert "moves the score by 1.91 (1.62 to 2.20)" in html
    assert "Where it looks, on average" in html
    assert "linear-gradient(90deg, rgb(" in html


def test_what_drove_the_decisions_is_left_out_where_it_was_not_asked(
    result: Result, scores: ScoredPairs, explanations: Explanations
) -> None:
    assert "What drove them" not in make_report(result, scores, None, {})
    without_photos = make_report(result, scores, None, {}, explanations)
    assert "What drove them" in without_photos
    assert "<img" not in without_photos


def test_the_data_is_analysed(html: str) -> None:
    assert "3,089" in html
    assert "LFW's own lists: 2,200 development pairs (3,443 images, 2,132 people)" in html
    assert "Known labelling errors among the pairs (3 photos)" in html
    assert "12 listed pairs across training and validation left out" in html
    assert '<span class="flag">two names</span>' in html


def test_without_photos_the_report_is_made_and_says_so(result: Result, scores: ScoredPairs) -> None:
    html = make_report(result, scores, None, {})
    assert html.count("photos are not on this machine") == 2
    assert "<img" not in html
    assert "Score margin" in html


def test_doubtful_runs_are_marked_in_red(rows: list[Row], scores: ScoredPairs) -> None:
    html = make_report(simulate_result(rows, leaks=True, synthetic=True), scores, None, {})
    assert 'class="sentence void"' in html
    assert html.count("Leaking") >= 3
    assert "validation (leaking)" in html


def test_the_loss_is_explained_for_networks_of_all_losses(html: str) -> None:
    assert "a network whose score is no such probability has none" in html
    assert "the training loss is what the optimiser lowers" in html


def test_only_reports_of_faces_speak_of_people(html: str, rows: list[Row], scores: ScoredPairs) -> None:
    assert "two people, taken for one" in html
    assert "who is on each photo" in html
    result = simulate_result(rows, leaks=True)
    description = result.data.model_copy(update={"dataset": "omniglot", "official": None})
    of_characters = result.model_copy(update={"data": description})
    page = make_report(of_characters, scores, None, {})
    words = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert "two characters, taken for one" in words
    assert "characters the accuracy is known" in words
    assert re.findall(r"[^.>]*\b(?:people|person|who)\b[^.<]*", words) == []


def test_view_2_shows_its_folds(result: Result, scores: ScoredPairs) -> None:
    html = make_report(result.model_copy(update={"view2": simulate_folds()}), scores, None, {})
    assert "LFW View 2: ten trainings" in html


def test_an_untested_run_is_reported_on_validation(result: Result, scores: ScoredPairs) -> None:
    html = make_report(result.model_copy(update={"test": None}), scores, None, {})
    assert "Not tested" in html
    assert "Confusion table, validation pairs" in html


def test_the_limits_name_what_rests_on_too_little(result: Result) -> None:
    assert any("fewer than 30 expected errors" in limit for limit in limits(result))


def contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ink", ["ink", "muted", "accent", "right", "wrong", "alarm"])
@pytest.mark.parametrize("ground", ["paper", "soft"])
def test_text_has_the_contrast_that_wcag_aa_asks_for(html: str, ink: str, ground: str) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", html))
    assert contrast(colours[ink], colours[ground]) >= 4.5


def test_the_alarm_is_readable_on_its_own_ground(html: str) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", html))
    assert contrast(colours["alarm"], colours["alarm-soft"]) >= 4.5


@pytest.mark.parametrize(
    "score", [lambda genuine: 4.0 if genuine else -4.0, lambda genuine: 0.0], ids=["perfect", "flat"]
)
def test_extreme_runs_have_a_report_too(score: Callable[[bool], float], tmp_path: Path) -> None:
    rows = [replace(row, score=score(row.is_genuine)) for row in simulate_rows(40)]
    result = simulate_result(rows)
    assert result.test is not None
    bare = result.model_copy(
        update={
            "training": result.training.model_copy(update={"epochs": result.training.epochs[:1], "best_epoch": 1}),
            "test": result.test.model_copy(update={"oneshot": (), "tar_at_fmr": ()}),
            "operating_points": (),
        }
    )
    page = Page(make_report(bare, read_scores(write_scores(tmp_path / "scores.csv", rows)), None, {}))
    assert "oneshot" not in {attributes.get("id") for _, attributes in page.elements}
    assert "#oneshot" not in {attributes["href"] for attributes in page.attributes("a")}
