from pathlib import Path

import pytest

from tests.reporting.results.made import named, varied
from twinlens.errors import RunError
from twinlens.evaluation.figures import OneShot
from twinlens.evaluation.result import Result
from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.results.omniglot import PAPER, beside_the_paper, official_table, omniglot_table
from twinlens.types import Interval

NAME = "koch2015-omniglot-30k-affine"


def run(folder: Path, result: Result, accuracy: tuple[float, float, float]) -> Contender:
    assert result.test is not None
    low, value, high = accuracy
    test = result.test.model_copy(update={"accuracy": Interval(value, low, high, "x")})
    training = result.training.model_copy(update={"stopped_by": "max_epochs", "best_epoch": 21})
    pairs = {"setting": {"kind": "identities", "epochs_per_pass": 5}}  # of the 34 epochs five are a pass
    return Contender(
        folder, named(varied(result, data=pairs), NAME, 0).model_copy(update={"test": test, "training": training}), None
    )


def official(folder: Path, low: float, value: float, high: float) -> None:
    figure = OneShot(
        name="official 20 runs",
        n_way=20,
        k_shot=1,
        tasks=400,
        accuracy=Interval(value, low, high, "x"),
        chance=0.05,
    )
    (folder / "evaluation-omniglot-20way.json").write_text(figure.model_dump_json(), encoding="utf-8")


def test_every_recipe_of_the_paper_has_a_row_and_what_is_missing_says_so(tmp_path: Path, result: Result) -> None:
    table = omniglot_table({NAME: run(tmp_path, result, (0.88, 0.89, 0.9))}).replace("\u00a0", " ")
    rows = {name: line for name in PAPER for line in table.splitlines() if f"{name} |" in line or f"[{name}]" in line}
    assert len(rows) == len(PAPER) == 6
    assert "| 91.90 % | 89.00 % (88.00 % to 90.00 %) | not run | 6.8, cut off; best after 4.2 |" in rows[NAME]
    assert all(line.count("not run") == 4 for name, line in rows.items() if name != NAME)


def test_official_runs_are_told_beside_the_paper(tmp_path: Path, result: Result) -> None:
    one = run(tmp_path, result, (0.88, 0.89, 0.9))
    words = beside_the_paper(one).replace("\u00a0", " ")
    assert "2.9 points below the paper's 91.90 %, which is outside of the interval, on other pairs" in words
    assert "official" not in words
    official(tmp_path, 0.9, 0.93, 0.95)
    words = beside_the_paper(one).replace("\u00a0", " ")
    assert "right on 93.0 % (90.0 % to 95.0 %), 1.0 points above the paper's 92.00 %, which is within" in words
    assert "93.0 % (90.0 % to 95.0 %)" in omniglot_table({NAME: one}).replace("\u00a0", " ")


def test_other_figures_in_place_of_the_official_ones_are_named(tmp_path: Path, result: Result) -> None:
    (tmp_path / "evaluation-omniglot-20way.json").write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match=r"evaluation-omniglot-20way\.json does not hold"):
        omniglot_table({NAME: run(tmp_path, result, (0.88, 0.89, 0.9))})


def test_other_recipes_have_the_mean_over_their_seeds(tmp_path: Path, result: Result) -> None:
    runs = []
    for name, seed, accuracy in (("compact", 0, 0.96), ("compact", 1, 0.97), ("other", 0, 0.5)):
        folder = tmp_path / f"{name}-{seed}"
        folder.mkdir()
        official(folder, accuracy - 0.02, accuracy, accuracy + 0.02)
        runs.append(Contender(folder, named(result, name, seed), None))
    unjudged = Contender(tmp_path, named(result, "unjudged", 0), None)
    rows = official_table([*runs, unjudged]).replace("\u00a0", " ").splitlines()[2:]
    assert [row.split(" | ")[:3] for row in rows] == [
        ["| compact", "96.5 % (mean of 2 seeds, ± 0.7)", "0, 1"],
        ["| other", "50.0 % (48.0 % to 52.0 %)", "0"],
    ]
    assert official_table([unjudged]) == ""
