from pathlib import Path

import pytest

from twinlens.evaluation.result import Result
from twinlens.reporting.compare.contenders import Contender
from twinlens.reporting.compare.recipes import Recipe
from twinlens.reporting.results.rows import recipe_table
from twinlens.reporting.results.versus import Outcome


@pytest.mark.parametrize(
    ("schedule", "stopped_by", "told"),
    [
        ("exponential", "max_epochs", "cut off"),
        ("cosine", "max_epochs", "finished"),
        ("cosine", "patience", "stopped"),
        ("cosine", "3 hours", "3 hours"),
    ],
)
def test_only_a_training_that_might_have_gone_on_was_cut_off(
    result: Result, schedule: str, stopped_by: str, told: str
) -> None:
    training = result.training.model_copy(update={"stopped_by": stopped_by})
    recipe = {**result.recipe, "schedule": {"kind": schedule}}
    run = result.model_copy(update={"training": training, "recipe": recipe})
    assert run.test is not None
    recipes = [Recipe("x", {"x": Contender(Path("x"), run, None)}, (), None)]
    table = recipe_table(recipes, Outcome({"x": run.test.accuracy}, {}), "koch2015-lfw")
    assert f"{training.best_epoch} of {len(training.epochs)}, {told}" in table.replace("\N{NO-BREAK SPACE}", " ")
