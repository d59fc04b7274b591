"""What is said of a sweep, and what must not be left out."""

from typing import Any

import pytest

from tests.reporting.sweep.made import IMPORTANCES, TRIALS, sweep_result, trial
from twinlens.reporting.sweep.sentences import (
    caveats,
    ending,
    figure,
    importance_sentence,
    luck,
    value_text,
    values_text,
    verdict,
    winner_comment,
)


def test_verdict_names_the_best_and_the_recipe_beside_it() -> None:
    assert verdict(sweep_result()) == (
        "The best of 6 trials of koch-reduced is trial 2, with a validation loss of 0.6200; the recipe as it is has "
        "0.6600."
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recipe_trial": None}, "is trial 2, with a validation loss of 0.6200."),
        ({"best_trial": 1}, "is trial 1, with a validation loss of 0.6600: the recipe as it is."),
        ({"recipe_trial": 3}, "the recipe as it is was pruned."),
        ({"best_trial": None}, "None of the 6 trials of koch-reduced was trained to its end."),
    ],
)
def test_verdict_of_other_sweeps(changes: dict[str, Any], said: str) -> None:
    assert verdict(sweep_result(**changes)).endswith(said)


def test_objective_is_written_as_what_it_is() -> None:
    assert figure(0.61234, "validation_loss") == "0.6123"
    assert figure(0.7, "validation_auc") == "0.7000"
    assert figure(0.225, "validation_oneshot") == "22.5\N{NO-BREAK SPACE}%"


def test_trial_says_how_it_ended() -> None:
    assert [ending(one, "validation_loss") for one in TRIALS[:4]] == [
        "validation loss 0.6600 at epoch 3 of 4",
        "validation loss 0.6200 at epoch 4 of 4",
        "pruned after 2 epochs",
        "failed after 0 epochs: The <b>training</b> diverged.",
    ]
    assert ending(trial(7, "waiting", ()), "validation_loss") == "waiting"


def test_values_are_short() -> None:
    assert value_text(0.000314159) == "0.000314"
    assert values_text({"a.b": 1e-05, "c": [1, 2], "d": None, "e": "adam"}) == "a.b=1e-05, c=[1, 2], d=null, e=adam"


def test_few_finished_trials_are_few_in_red() -> None:
    assert [line.partition(":")[0] for line in caveats(sweep_result())] == ["Few trials"]
    many = tuple(trial(number, "finished", (0.7,)) for number in range(1, 12))
    assert list(caveats(sweep_result(trials=many))) == []


def test_leaks_synthetic_faces_and_trials_to_come_are_said() -> None:
    trials = (*TRIALS, trial(7, "running", (0.7,)), trial(8, "waiting", ()))
    found = list(caveats(sweep_result(trials=trials, leaks=True, synthetic=True)))
    assert [line.partition(":")[0] for line in found] == ["Not a result", "Leaking", "Not finished", "Few trials"]
    assert "2 of 8 trials" in found[2]


def test_luck_of_the_best_is_said_with_the_number_of_pairs() -> None:
    said = luck(sweep_result())
    assert "330 validation pairs" in said
    assert "standard error of 2.8 points" in said  # 0.5 / √330
    assert "No trial has looked at the test pairs" in said


def test_importance_is_claimed_only_beyond_chance() -> None:
    assert "optimiser.learning_rate (p = 0.025)" in importance_sentence(sweep_result())
    assert "augment.kind" not in importance_sentence(sweep_result())
    chance = tuple(row.model_copy(update={"p_value": 0.05}) for row in IMPORTANCES)
    assert importance_sentence(sweep_result(importances=chance)).startswith("No key stands out from chance.")
    assert "6 trials nothing can be said" in importance_sentence(sweep_result(importances=()))


def test_comment_of_the_winner_says_where_it_comes_from() -> None:
    comment = winner_comment(sweep_result())
    assert "trial 2, validation loss 0.6200 at epoch 4 of 4" in comment
    assert all(line.startswith("#") for line in comment.splitlines())
