"""Switches against their base: on validation pairs alone, and no more said than these pairs allow."""

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.reporting.results.made import named, rescored, varied
from tests.simulated import Row, simulate_evaluation, simulate_rows, write_run, write_scores
from twinlens.config import find_recipe
from twinlens.errors import RunError
from twinlens.evaluation.result import Result
from twinlens.reporting.results.ablation import Study, read_studies
from twinlens.reporting.results.ablation_text import (
    study_commands,
    study_figure,
    study_summary,
    study_table,
    study_terms,
)
from twinlens.reporting.results.page import make_page
from twinlens.reporting.results.publish import publish

PAIRS = simulate_rows(400, 2)


def publish_untested(folder: Path, result: Result, name: str, rows: list[Row], seed: int = 0) -> Path:
    """Publish a run that has looked at no test pair."""
    validation = simulate_evaluation(rows, "validation")
    untested = named(result, name, seed).model_copy(update={"validation": validation, "test": None})
    run = write_run(folder.parent / "run", untested, rows)
    (run / "scores-test.csv").unlink()
    write_scores(run / "scores-validation.csv", rows)
    return publish(run, folder)


@pytest.fixture(scope="module")
def results(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ablation") / "results"
    publish_untested(folder, result, "base", PAIRS)
    publish_untested(folder, result, "margin-0.15", rescored(PAIRS, 1))
    publish_untested(folder, result, "epochs-24", rescored(PAIRS, 2, 1.5))
    publish_untested(folder, result, "size-48", rescored(PAIRS, 3, -1.5))
    publish_untested(folder, result, "dropout-0", rescored(PAIRS, 4)[:300])
    return folder


@pytest.fixture(scope="module")
def study(results: Path) -> Study:
    ((only,), alone) = read_studies(results)
    assert alone == []
    return only


def rows_of(table: str) -> dict[str, list[str]]:
    lines = [line.strip("|").split("|") for line in table.replace("\u00a0", " ").splitlines()[2:]]
    return {re.sub(r"\[(.+?)\].*", r"\1", cells[0]).strip(): [cell.strip() for cell in cells] for cells in lines}


def test_runs_without_a_test_are_published_apart_with_their_validation_pairs(results: Path) -> None:
    place = results / "ablation" / "epochs-24"
    assert {path.name for path in place.iterdir()} == {"result.json", "scores-validation.csv"}
    assert not list(results.glob("*/result.json"))


def test_each_switch_is_held_against_the_base_that_its_recipe_extends(study: Study) -> None:
    assert study.base.name == "base"
    assert [run.name for run in study.switches] == ["dropout-0", "epochs-24", "margin-0.15", "size-48"]
    better, worse = study.versus["epochs-24"], study.versus["size-48"]
    assert better.beyond_noise
    assert better.accuracy.interval.value > 0 > worse.accuracy.interval.value
    assert not study.versus["margin-0.15"].beyond_noise
    assert "dropout-0" not in study.versus  # was judged on other pairs


def test_differences_are_those_of_the_published_figures(study: Study) -> None:
    base = study.base.result.validation
    for run in study.switches:
        if run.name in study.versus:
            found, own = study.versus[run.name], run.result.validation
            assert found.accuracy.interval.value == pytest.approx(own.accuracy.value - base.accuracy.value)
            assert found.auc.interval.value == pytest.approx(own.auc.value - base.auc.value)


def test_table_has_a_row_for_each_with_what_it_changes_and_how_to_make_it_again(study: Study) -> None:
    rows = rows_of(study_table(study))
    assert list(rows) == ["base", "dropout-0", "epochs-24", "margin-0.15", "size-48"]
    assert "`network.dropout: 0.0`" in rows["dropout-0"][0]
    assert "../../recipes/ablation/epochs-24.yaml" in rows["epochs-24"][0]
    assert "**beyond noise**" in rows["epochs-24"][2]
    assert "within noise" in rows["margin-0.15"][2]
    assert rows["dropout-0"][2] == rows["dropout-0"][4] == "other pairs"
    assert rows["base"][2] == "–"
    assert [line.split()[2] for line in study_commands(study)] == [f"ablation/{name}" for name in rows]


def test_summary_puts_every_comparable_switch_where_it_belongs(study: Study) -> None:
    assert list(study_summary(study)) == [
        "Better beyond noise: epochs-24.",
        "Worse beyond noise: size-48.",
        "Within noise: margin-0.15.",
    ]


def test_figure_is_whole_and_shows_every_comparable_switch(study: Study) -> None:
    svg = study_figure(study)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert all(f">{name}<" in svg for name in study.versus)
    assert "dropout-0" not in svg


def test_seeds_have_a_base_each(result: Result, results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    publish_untested(folder, result, "size-48", rescored(PAIRS, 5), seed=1)
    studies, alone = read_studies(folder)
    assert len(studies) == 1
    assert alone == ["size-48-seed1"]
    publish_untested(folder, result, "base", PAIRS, seed=1)
    studies, alone = read_studies(folder)
    assert [(study.base.name, len(study.switches)) for study in studies] == [("base", 4), ("base-seed1", 1)]
    assert alone == []


def test_switches_are_held_against_the_mean_of_all_seeds_of_the_base(
    result: Result, study: Study, results: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    fixed = varied(result, split={"seed": 0})
    bases = [study.base.result.validation.accuracy.value]
    for seed, noise in ((1, 6), (2, 7)):
        publish_untested(folder, fixed, "base", rescored(PAIRS, noise), seed)
        written = json.loads((folder / "ablation" / f"base-seed{seed}" / "result.json").read_text())
        bases.append(written["validation"]["accuracy"]["value"])
    ((found,), alone) = read_studies(folder)
    assert alone == []
    assert [run.name for run in found.again] == ["base-seed1", "base-seed2"]
    for run in found.switches:
        if run.name in found.versus:
            one, own = found.versus[run.name].accuracy.interval, run.result.validation.accuracy.value
            assert one.value == pytest.approx(own - sum(bases) / 3)
            assert not found.versus[run.name].alone
    rows = rows_of(study_table(found))
    assert list(rows)[:3] == ["base", "base-seed1", "base-seed2"]
    assert rows["base-seed2"][0].endswith("seed 2")
    assert rows["base-seed2"][2] == "–"
    assert "mean of 3 runs of the base" in study_terms(found)
    assert "one run of the base" in study_terms(study)
    again = study_commands(found)[1]
    assert again.startswith("twinlens train ablation/base --set seed=1 ")
    assert " --set split.seed=0 " in again
    assert again.endswith(" --out runs/base-seed1")


def test_page_has_a_chapter_of_them_and_no_other_chapter_has_one(results: Path, result: Result) -> None:
    publish(write_run(results.parent / "tested", named(result, "quick", 0), simulate_rows(200, seed=3)), results)
    page = make_page(results)
    chapter = page.text.partition("## What makes little data go far\n")[2].partition("\n## ")[0]
    assert "### base, pairs-only, no outside data" in chapter
    assert "figures/ablation-base.svg" in chapter
    assert "ablation-base.svg" in page.figures
    assert "margin-0.15" not in page.text.replace(chapter, "")


def test_run_that_differs_from_nothing_is_named_and_no_more(result: Result, results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    publish_untested(folder, result, "mine", PAIRS)
    assert read_studies(folder)[1] == ["mine"]


def test_scores_of_another_run_are_refused(results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    write_scores(folder / "ablation" / "base" / "scores-validation.csv", rescored(PAIRS, 9, 3.0))
    with pytest.raises(RunError, match="does not hold the scores"):
        read_studies(folder)


def test_without_an_ablation_the_page_says_nothing_of_one(folder: Path) -> None:
    assert "What makes little data go far" not in make_page(folder).text


def test_published_result_names_no_test(results: Path) -> None:
    written = json.loads((results / "ablation" / "base" / "result.json").read_text())
    assert written["test"] is None
    assert find_recipe("ablation/base").is_file()
