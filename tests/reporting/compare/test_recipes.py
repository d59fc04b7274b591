"""Which runs are taken together, what they are called, and in which keys recipes differ."""

from pathlib import Path

import pytest

from tests.reporting.compare.made import scored, write_run
from twinlens.errors import ConfigError
from twinlens.evaluation.result import Result
from twinlens.reporting.compare.contenders import read_contenders
from twinlens.reporting.compare.recipes import Recipe, group
from twinlens.reporting.compare.settings import differing_keys, settings


def grouped(*folders: Path) -> tuple[Recipe, ...]:
    return group(read_contenders(folders))


def test_runs_that_differ_in_the_seed_alone_are_one_recipe(tmp_path: Path) -> None:
    rows = scored(1)
    plain = [write_run(tmp_path / f"plain{seed}", rows, seed=seed) for seed in (0, 2)]
    other = write_run(tmp_path / "other", rows, "training.batch_size=64", name="other")
    first, second = grouped(plain[0], other, plain[1])
    assert (first.label, list(first.runs)) == ("plain", ["plain, seed 0", "plain, seed 2"])
    assert first.seeds == "seeds 0, 2"
    assert (second.label, list(second.runs), second.seeds) == ("other", ["other"], "seed 0")


@pytest.mark.parametrize(
    "override", ["training.threads=1", "evaluation.level=0.9", "logger=mlflow", "name=another", "split.seed=0"]
)
def test_what_is_no_part_of_a_recipe_does_not_divide_it(tmp_path: Path, override: str) -> None:
    rows = scored(1)
    assert len(grouped(write_run(tmp_path / "a", rows), write_run(tmp_path / "b", rows, override, seed=1))) == 1


@pytest.mark.parametrize("override", ["optimiser.learning_rate=0.5", "split.validation=0.3", "augment.kind=none"])
def test_what_is_a_part_of_a_recipe_divides_it(tmp_path: Path, override: str) -> None:
    rows = scored(1)
    first, second = grouped(write_run(tmp_path / "a", rows), write_run(tmp_path / "b", rows, override, seed=1))
    assert (first.label, second.label) == (f"plain ({tmp_path / 'a'})", f"plain ({tmp_path / 'b'})")


def test_runs_on_other_terms_are_not_taken_together(tmp_path: Path) -> None:
    rows = scored(1)
    assert len(grouped(write_run(tmp_path / "a", rows), write_run(tmp_path / "b", rows[:-2], seed=1))) == 2


def test_labels_are_as_short_as_they_can_be_and_unlike(tmp_path: Path) -> None:
    rows = scored(1)
    (again,) = grouped(write_run(tmp_path / "a", rows), write_run(tmp_path / "b", rows))
    assert list(again.runs) == [f"plain, seed 0 ({tmp_path / 'a'})", f"plain, seed 0 ({tmp_path / 'b'})"]
    (named,) = grouped(write_run(tmp_path / "c", rows, name="one"), write_run(tmp_path / "d", rows, name="two"))
    assert (named.label, list(named.runs)) == ("one / two", ["one", "two"])


def test_keys_that_came_later_have_their_defaults(result: Result) -> None:
    old = {section: values for section, values in result.recipe.items() if section not in ("training", "loss")}
    older = result.model_copy(update={"recipe": old})
    assert differing_keys([settings(result, "result.json"), settings(older, "result.json")]) == []


def test_keys_that_went_are_an_error_with_the_place(result: Result) -> None:
    newer = result.model_copy(update={"recipe": {**result.recipe, "lens": {"kind": "fish-eye"}}})
    with pytest.raises(ConfigError, match=r"runs/new/result\.json: unknown key 'lens'"):
        settings(newer, "runs/new/result.json")


def test_only_differing_keys_are_named_in_the_order_of_the_configuration(tmp_path: Path) -> None:
    rows = scored(1)
    first = write_run(tmp_path / "a", rows)
    second = write_run(tmp_path / "b", rows, "training.batch_size=64", "augment.kind=none", name="b", seed=3)
    keys = differing_keys([recipe.settings[0] for recipe in grouped(first, second)])
    assert keys[0] == "seed"
    assert keys[-1] == "training.batch_size"
    assert all(key.startswith("augment.") for key in keys[1:-1])
    values = grouped(first, second)[1].settings[0]
    assert values["augment.kind"] == "none"
    assert "augment.rotation" not in values
    assert values["network.init.conv_weight"] == "N(0, 0.01)"
    assert "data.fold" not in values
