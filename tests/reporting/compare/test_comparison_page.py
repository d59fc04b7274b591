"""The page of a comparison: what it shows, what it marks, and that it survives odd runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reporting.compare.made import pairs, scored, write_run
from tests.simulated import HOSTILE
from twinlens.evaluation.result import Result
from twinlens.reporting.compare.compare import compare_recipes
from twinlens.reporting.compare.contenders import read_contenders
from twinlens.reporting.compare.disagreements import Album, disagreements
from twinlens.reporting.compare.page import make_comparison_page
from twinlens.reporting.compare.recipes import group
from twinlens.reporting.photos import Photos
from twinlens.types import UInt8Array

OTHER = "training.batch_size=64"
FLAG = re.compile(r'class="flag[^"]*">([^<]*)<')


def page_of(*folders: Path, photos: Photos | None = None, errata: dict[str, str] | None = None) -> str:
    recipes = group(read_contenders(folders))
    album = Album(photos, errata or {})
    albums = {label: album for recipe in recipes for label in recipe.runs}
    return make_comparison_page(compare_recipes(recipes), recipes, albums)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    good = write_run(tmp_path / "good", scored(1, skill=1.6), OTHER, name="good")
    return good, write_run(tmp_path / "plain", scored(2, skill=0.4))


def test_it_says_what_it_comes_to_and_in_what_the_recipes_differ(two: tuple[Path, Path]) -> None:
    html = page_of(*two)
    assert "good is better than plain: on the same 200 test pairs" in html
    assert "training.<wbr>batch_size" in html
    assert "data.<wbr>view" not in html
    assert "None" not in re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert "<img" not in html
    assert "Only names are shown" in html


def test_names_cannot_break_out(two: tuple[Path, Path]) -> None:
    assert any(HOSTILE in row.first for row in pairs())
    assert HOSTILE not in page_of(*two)


def test_photos_and_known_errors_are_shown_where_they_are_at_hand(
    two: tuple[Path, Path], photos: Callable[[str], UInt8Array]
) -> None:
    shown = page_of(*two, photos=photos, errata={row.first.rpartition("/")[2][:-4]: "not he" for row in pairs()})
    assert shown.count('<img src="data:image/jpeg') == 24  # six pairs each way
    assert "Only names" not in shown
    assert any(flag.endswith(": not he") for flag in FLAG.findall(shown))


def test_what_must_be_said_is_said_in_red(tmp_path: Path) -> None:
    html = page_of(
        write_run(tmp_path / "a", scored(1, 1.6), OTHER, name="a", leaks=True),
        write_run(tmp_path / "b", scored(2, 0.4), name="b", leaks=True),
        write_run(tmp_path / "c", scored(3), name="c", synthetic=True),
        write_run(tmp_path / "d", scored(4), "training.patience=7", name="d", tested=False),
    )
    assert {"Leaking", "Not a result", "Not tested"} <= set(FLAG.findall(html))
    warnings = html[html.index('class="caveats"') : html.index("</ul>", html.index('class="caveats"'))]
    assert "a and b: Leaking" in warnings
    assert "c: Not a result" in warnings
    assert "Not all of these were tested on equal terms" in html
    assert 'class="sentence void"' not in html


def test_a_page_of_synthetic_runs_alone_is_red_throughout(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / n, scored(i), name=n, seed=i, synthetic=True) for i, n in enumerate("ab")]
    assert 'class="sentence void"' in page_of(*runs)


def test_runs_of_one_recipe_have_a_page_without_findings(tmp_path: Path) -> None:
    html = page_of(*(write_run(tmp_path / f"{seed}", scored(seed), seed=seed) for seed in (1, 2)))
    assert "There is nothing to rank" in html
    assert "one recipe: not ranked" in html
    assert "first is better" not in html


def test_untested_runs_have_a_page_without_tests(tmp_path: Path) -> None:
    html = page_of(*(write_run(tmp_path / n, scored(i), name=n, tested=False) for i, n in enumerate("ab")))
    assert 'id="differences"' not in html
    assert 'id="tradeoffs"' not in html
    assert 'id="curves"' in html


def test_a_training_of_one_epoch_is_drawn(two: tuple[Path, Path]) -> None:
    path = two[0] / "result.json"
    result = Result.model_validate_json(path.read_bytes())
    training = result.training.model_copy(update={"epochs": result.training.epochs[:1], "best_epoch": 1})
    path.write_text(result.model_copy(update={"training": training}).model_dump_json(), encoding="utf-8")
    assert "Validation AUC over time" in page_of(*two)


def test_many_recipes_get_a_page_that_counts_what_it_leaves_out(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / f"{i}", scored(i), f"training.patience={5 + i}", name=f"recipe-{i}") for i in range(9)]
    html = page_of(*runs)
    assert html.count("<li>recipe-") == 9
    assert "The 20 surest of 36." in html
    assert "Of 36 comparisons 4 between the most accurate models are shown" in html


def test_the_pairs_on_which_two_models_differ_most(two: tuple[Path, Path]) -> None:
    recipes = group(read_contenders(two))
    comparison = compare_recipes(recipes)
    runs = {label: run for recipe in recipes for label, run in recipe.runs.items()}
    ((there, back),) = disagreements(comparison.tests, recipes, dict.fromkeys(runs, Album(None, {})))
    assert (there.nearer, there.other, back.nearer) == ("good", "plain", "good" if there.nearer == "plain" else "plain")
    decisions = comparison.tests[0].test.decisions
    assert (there.only_right, back.only_right) == (decisions.only_first, decisions.only_second)
    good, plain = runs["good"].pairs, runs["plain"].pairs
    assert good is not None
    assert plain is not None
    # The simulated calibration is the same for both and its prior is one half, so probability is what the file says.
    lead = [
        (p - q if genuine else q - p, name)
        for p, q, genuine, name in zip(good.probability, plain.probability, good.is_genuine, good.first, strict=True)
    ]
    assert [pair.first.name for pair in there.pairs] == [name for _, name in sorted(lead, reverse=True)[:6]]
    assert [pair.first.name for pair in back.pairs] == [name for _, name in sorted(lead)[:6]]
    for pair in there.pairs:
        nearer, other = (view.probability for view in pair.views)
        assert (nearer > other) == pair.is_genuine


def test_the_most_accurate_models_of_different_recipes_are_shown(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "best0", scored(1, 2.0), OTHER, name="best", seed=0),
        write_run(tmp_path / "best1", scored(2, 2.0), OTHER, name="best", seed=1),
        write_run(tmp_path / "good", scored(3, 1.2), "training.patience=7", name="good"),
        write_run(tmp_path / "poor", scored(4, 0.1), name="poor"),
    ]
    recipes = group(read_contenders(runs))
    tests = compare_recipes(recipes).tests
    albums = {label: Album(None, {}) for recipe in recipes for label in recipe.runs}
    shown = [{wall.nearer for wall in walls} for walls in disagreements(tests, recipes, albums)]
    best = "best, seed 0" if "best, seed 0" in shown[0] else "best, seed 1"
    assert shown[0] == {best, "good"}
    assert [{name.split(",")[0] for name in both} for both in shown] == [
        {"best", "good"},
        {"best", "poor"},
        {"good", "poor"},
        {"best"},
    ]
