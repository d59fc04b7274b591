import pytest

from tests.simulated import RECIPE
from twinlens.config import Config
from twinlens.evaluation.result import Result
from twinlens.reporting.reproduce import commands
from twinlens.reporting.setup import layer_rates, setup, stopping


def test_every_section_of_the_recipe_is_shown(result: Result) -> None:
    titles = [group.title.split(":")[0] for group in setup(result.recipe)]
    sections = [key for key, value in result.recipe.items() if isinstance(value, dict)]
    assert len(titles) == len(sections)
    assert "Optimiser and regularisation" in titles


def test_values_read_like_the_paper(result: Result) -> None:
    network = next(group for group in setup(result.recipe) if group.title == "Network: koch")
    rows = dict(network.rows)
    assert rows["widths"] == "64, 128, 128, 256"
    assert rows["init: dense weight"] == "N(0, 0.2)"
    assert rows["init"] == "normal"
    assert rows["batch norm"] == "no"


def test_layers_have_their_own_rates_or_the_common_ones(result: Result) -> None:
    rates = {rate.layer: rate for rate in layer_rates(result.recipe)}
    assert (rates["dense"].learning_rate, rates["dense"].l2, rates["dense"].momentum) == ("0.002", "0.0001", "0.9")
    assert (rates["conv1"].learning_rate, rates["conv1"].momentum) == ("0.01", "0.7")
    assert rates["all others"].l2 == "0.0002"


def test_an_optimiser_without_momentum_says_so() -> None:
    recipe = Config.model_validate({**RECIPE, "optimiser": {"kind": "adam"}}).model_dump(mode="json")
    [rates] = layer_rates(recipe)
    assert (rates.layer, rates.momentum) == ("all", "none")


def test_the_stopping_rule_and_the_end(result: Result) -> None:
    told = stopping(result)
    assert "validation loss has not improved for 20 epochs" in told
    assert f"epoch {result.training.best_epoch}," in told


@pytest.mark.parametrize(
    ("commit", "first"),
    [
        ("abc123", "git checkout abc123"),
        ("twinlens 0.1.0", "pip install twinlens==0.1.0"),
        ("abc123+changes", "git checkout abc123  # the source had changes that are not in this commit"),
    ],
)
def test_the_source_can_be_got(result: Result, commit: str, first: str) -> None:
    provenance = result.provenance.model_copy(update={"commit": commit})
    assert commands(result.model_copy(update={"provenance": provenance}))[0] == first
