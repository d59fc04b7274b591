"""What is ranked, what is not, and that neither depends on the order of the runs."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from tests.reporting.compare.made import pairs, scored, write_run
from tests.simulated import simulate_folds
from twinlens.evaluation.paired import holm, resample_together
from twinlens.reporting.compare.compare import compare_recipes
from twinlens.reporting.compare.comparison import Comparison
from twinlens.reporting.compare.contenders import read_contenders
from twinlens.reporting.compare.recipes import group
from twinlens.reporting.scores import read_result

PUBLISHED = Path(__file__).parents[3] / "docs" / "results"
OTHER = "training.batch_size=64"


def compared(*folders: Path) -> Comparison:
    return compare_recipes(group(read_contenders(folders)))


def words(comparison: Comparison) -> str:
    told = (comparison.headline, *comparison.sentences, *comparison.seeds, *comparison.refusals)
    return "\n".join(told)


def test_two_seeds_are_not_ranked_even_where_the_models_clearly_differ(tmp_path: Path) -> None:
    lucky = write_run(tmp_path / "lucky", scored(1, skill=2.0), seed=1)
    unlucky = write_run(tmp_path / "unlucky", scored(2, skill=0.2), seed=2)
    found = compared(lucky, unlucky)
    assert found.findings == ()
    assert found.headline == "There is nothing to rank: 2 runs of one recipe, with seeds 1, 2."
    (test,) = found.tests
    assert test.same_recipe
    assert test.corrected < 0.001
    assert "is better than plain" not in words(found)
    told, luck = found.seeds
    assert "No run of a recipe is better than another" in luck
    assert "As models, plain, seed 1 and plain, seed 2 do differ on these pairs; it is luck" in told


def test_a_planted_difference_is_found(tmp_path: Path) -> None:
    good = write_run(tmp_path / "good", scored(1, skill=1.6), OTHER, name="good")
    plain = write_run(tmp_path / "plain", scored(2, skill=0.4))
    for order in ((good, plain), (plain, good)):
        found = compared(*order)
        (finding,) = found.findings
        assert (finding.first, finding.second, finding.better) == ("good", "plain", True)
        assert finding.accuracy.interval.low > 0
        assert finding.auc.interval.low > 0
        assert found.headline.startswith("good is better than plain: on the same 200 test pairs it is ahead by")
        assert "That ranks models, not recipes" in found.headline


def test_what_is_within_noise_is_not_ranked(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", scored(1), OTHER, name="one")
    two = write_run(tmp_path / "two", scored(2), name="two")
    found = compared(one, two)
    assert not found.findings[0].better
    assert "cannot be ranked" in found.headline
    assert "within noise" in found.headline
    assert "better" not in words(found)


def test_equal_models_have_no_difference_at_all(tmp_path: Path) -> None:
    rows = scored(1)
    found = compared(write_run(tmp_path / "a", rows, OTHER, name="a"), write_run(tmp_path / "b", rows, name="b"))
    (finding,), (test,) = found.findings, found.tests
    assert finding.p_value == finding.corrected == test.test.decisions.p_value == 1
    assert finding.accuracy.interval.value == finding.auc.interval.value == 0
    assert (test.test.decisions.only_first, test.test.decisions.only_second) == (0, 0)


def test_the_order_of_the_runs_changes_nothing(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / "a0", scored(1), name="a", seed=0),
        write_run(tmp_path / "a1", scored(2), name="a", seed=1),
        write_run(tmp_path / "b", scored(3, skill=1.4), OTHER, name="b"),
        write_run(tmp_path / "c", scored(4)[::-1], "split.validation=0.3", name="c"),
    ]
    one = compared(*runs)
    for order in list(permutations(runs))[1::5]:
        other = compared(*order)
        assert [finding.first for finding in other.findings] == [finding.first for finding in one.findings]
        for before, after in zip(one.findings, other.findings, strict=True):
            assert after.p_value == pytest.approx(before.p_value)
            assert after.accuracy.interval.low == pytest.approx(before.accuracy.interval.low)
        assert [(test.first, test.second) for test in other.tests] == [(test.first, test.second) for test in one.tests]
        assert other.sentences == one.sentences
        assert other.headline == one.headline


def test_findings_are_corrected_for_their_number(tmp_path: Path) -> None:
    skills = {"a": 0.5, "b": 0.9, "c": 1.2}
    runs = [
        write_run(tmp_path / name, scored(i, skill), f"training.patience={5 + i}", name=name)
        for i, (name, skill) in enumerate(skills.items())
    ]
    found = compared(*runs)
    assert len(found.findings) == len(found.tests) == 3
    assert [one.corrected for one in found.findings] == pytest.approx(holm([one.p_value for one in found.findings]))
    assert [one.corrected for one in found.tests] == pytest.approx(holm([one.test.p_value for one in found.tests]))
    assert [one.p_value for one in found.findings] == [one.test.p_value for one in found.tests]  # one run each
    better = sum(finding.better for finding in found.findings)
    assert found.headline.startswith(f"Of 3 differences {better} " if better else "None of these")


def test_what_seeds_change_counts_as_noise(tmp_path: Path) -> None:
    # Ahead by far with one seed and behind with the other: the mean is ahead, but that is luck.
    one = [
        write_run(tmp_path / f"one{i}", scored(i, skill), OTHER, name="one", seed=i)
        for i, skill in enumerate((2.5, 0.1, 1.0))
    ]
    two = [
        write_run(tmp_path / f"two{i}", scored(5 + i, skill), name="two", seed=i)
        for i, skill in enumerate((0.3, 0.9, 0.5))
    ]
    alone = compared(one[0], two[0])
    together = compared(*one, *two)
    assert alone.findings[0].better
    (finding,) = together.findings
    assert not finding.better
    assert "one (3 runs) and two (3 runs) cannot be ranked" in together.headline
    assert len(together.seeds) == 3  # and what they mean
    recipes = {recipe.label: recipe for recipe in together.recipes}
    values = [run.test.accuracy.value for run in together.runs if run.recipe == "one" and run.test]
    assert recipes["one"].accuracy is not None
    assert recipes["one"].accuracy.mean == pytest.approx(sum(values) / 3)


def test_standings_are_the_findings_from_the_side_of_every_recipe(tmp_path: Path) -> None:
    skills = {"best": 2.5, "good": 0.7, "fair": 0.6, "poor": 0.05}
    runs = [
        write_run(tmp_path / name, scored(i, skill), f"training.patience={5 + i}", name=name)
        for i, (name, skill) in enumerate(skills.items())
    ]
    found = compared(*runs)
    better = {(one.first, one.second) for one in found.findings if one.better}
    assert ("best", "poor") in better
    assert len(found.standings) == 4
    for told in found.standings:
        label = told.split()[0]
        beaten = re.search(r"better than ([^;.]*)", told)
        assert {other for first, other in better if first == label} == names(beaten)
        assert {first for first, other in better if other == label} == names(re.search(r"worse than ([^;.]*)", told))
        alike = skills.keys() - {label} - {n for pair in better if label in pair for n in pair}
        assert alike == names(re.search(r"within noise of ([^;.]*)", told))
    assert found.standings[0].startswith("best (")
    assert found.doubt.startswith("That ranks models, not recipes")


def names(found: re.Match[str] | None) -> set[str]:
    return set(re.split(", | and ", found[1])) if found else set()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"setting": "identities"}, "told different things (pairs-only; identities)"),
        ({"outside_data": "labelled"}, "saw different data (no outside data; labelled outside data)"),
        ({"leaks": True}, "of the latter were chosen on a validation that shares people"),
        ({"variant": "funneled"}, "on different photos (lfw deepfunneled; lfw funneled)"),
    ],
)
def test_unequal_terms_are_refused_with_the_reason(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    plain = write_run(tmp_path / "plain", scored(1))
    other = write_run(tmp_path / "other", scored(2), OTHER, name="other", **changes)  # type: ignore[arg-type]
    found = compared(plain, other)
    assert found.findings == found.tests == ()
    (told,) = found.refusals
    assert told.startswith("plain cannot be compared with other: ")
    assert reason in told
    assert found.headline.startswith("Nothing can be ranked here")


def test_other_test_pairs_are_refused(tmp_path: Path) -> None:
    plain = write_run(tmp_path / "plain", scored(1))
    fewer = write_run(tmp_path / "fewer", scored(2)[:-2], OTHER, name="fewer")
    told = compared(plain, fewer).refusals[0]
    assert told.endswith("tested on different pairs (200 pairs of lfw-view1; 198 pairs of lfw-view1).")
    rows = scored(1)
    rows[0] = replace(rows[0], first="Somebody/Else_0001.jpg")
    told = compared(plain, write_run(tmp_path / "swapped", rows, OTHER, name="swapped")).refusals[0]
    assert told.endswith("tested on different pairs.")


def test_an_untested_run_is_said_to_be_and_the_others_are_compared(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path / name, scored(i), f"training.patience={5 + i}", name=name) for i, name in enumerate("ab")
    ]
    new = write_run(tmp_path / "new", scored(9), "training.patience=9", name="new", tested=False)
    found = compared(*runs, new)
    assert [(one.first, one.second) for one in found.findings] in ([("a", "b")], [("b", "a")])
    assert found.refusals[0].startswith("new cannot be compared: not tested.")
    assert found.caveats[0].startswith("new: Not tested")
    assert found.recipes[2].accuracy is None


def test_a_run_that_was_tested_on_view_2_alone_is_not_called_untested(tmp_path: Path) -> None:
    plain = write_run(tmp_path / "plain", scored(1))
    folder = write_run(tmp_path / "new", scored(9), "training.patience=9", name="new", tested=False)
    result = read_result(folder).model_copy(update={"view2": simulate_folds()})
    (folder / "result.json").write_text(result.model_dump_json(), encoding="utf-8")
    found = compared(plain, folder)
    assert found.refusals == ("new cannot be compared: tested on View 2 only, which is not compared.",)
    assert found.runs[1].without_test == "View 2 only"
    assert found.caveats == ()


def test_synthetic_and_leaking_runs_are_marked_in_every_sentence(tmp_path: Path) -> None:
    for mark, changes in (("Not a result", {"synthetic": True}), ("Leaking", {"leaks": True})):
        folder = tmp_path / mark
        runs = [
            write_run(folder / "a", scored(1, 1.6), OTHER, name="a", **changes),  # type: ignore[arg-type]
            write_run(folder / "b", scored(2, 0.4), name="b", **changes),  # type: ignore[arg-type]
        ]
        found = compared(*runs)
        assert found.findings[0].better
        assert all(told.startswith(mark) for told in (found.headline, *found.sentences, *found.standings))
        assert found.caveats[0].startswith(f"a and b: {mark}")


def test_a_fourth_of_the_pairs_is_enough_to_compare(tmp_path: Path) -> None:
    few = pairs(count=50)
    runs = [
        write_run(tmp_path / n, scored(i, rows=few), f"training.patience={5 + i}", name=n) for i, n in enumerate("ab")
    ]
    assert compared(*runs).findings[0].pairs == 50


def decided_rightly(name: str) -> dict[tuple[str, str], bool]:
    with (PUBLISHED / name / "scores-test.csv").open(newline="", encoding="utf-8") as file:
        return {(row["first"], row["second"]): row["is_match"] == row["is_genuine"] for row in csv.DictReader(file)}


def test_published_results_by_hand() -> None:
    found = compared(PUBLISHED / "koch2015-lfw", PUBLISHED / "koch-quick")
    (finding,), (row,) = found.findings, found.tests
    first, second = decided_rightly(row.first), decided_rightly(row.second)
    only_first = sum(first[pair] and not second[pair] for pair in first)
    only_second = sum(second[pair] and not first[pair] for pair in first)
    decisions = row.test.decisions
    assert (decisions.only_first, decisions.only_second) == (only_first, only_second)
    assert decisions.p_value == pytest.approx(binomtest(only_first, only_first + only_second).pvalue)
    assert row.test.accuracy.interval.value == pytest.approx((only_first - only_second) / len(first))
    assert finding.better == (max(decisions.p_value, row.test.accuracy.p_value, row.test.auc.p_value) < 0.05)


def test_on_view_1_subjects_as_the_unit_are_less_sure_than_pairs() -> None:
    runs = [run.judged for run in read_contenders([PUBLISHED / "koch2015-lfw", PUBLISHED / "koch-quick"])]
    first, second = resample_together(runs, 500, seed=0)
    by_subject = np.std(first.accuracy.replicates - second.accuracy.replicates)
    by_pair = np.std(runs[0].right.astype(float) - runs[1].right) / np.sqrt(len(runs[0].scores))
    assert 1.3 < by_subject / by_pair < 1.6


def test_no_published_seed_is_ranked_above_another_of_its_recipe() -> None:
    folders = [path.parent for path in sorted(PUBLISHED.glob("*/result.json"))]
    found = compared(*folders)
    home = {run.label: run.recipe for run in found.runs}
    assert all(test.same_recipe == (home[test.first] == home[test.second]) for test in found.tests)
    assert all(finding.first != finding.second for finding in found.findings)
    assert {finding.first for finding in found.findings} <= {recipe.label for recipe in found.recipes}
