import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from tests.reporting.results.made import named
from twinlens.config import Config, load_config, parse_config, recipe_names
from twinlens.evaluation.result import Result
from twinlens.reporting.results.recipe_file import commands, read_recipe_file
from twinlens.reporting.scores import read_result

_RESULTS = Path(__file__).parents[3] / "docs" / "results"
PUBLISHED = sorted([*_RESULTS.glob("*/result.json"), *_RESULTS.glob("ablation/*/result.json")])


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_says_at_its_head_what_it_is(name: str) -> None:
    file = read_recipe_file(name)
    assert file is not None
    assert file.summary.endswith(".")
    assert all(remark.endswith((".", ":")) for remark in file.remarks)
    assert (file.extends is None) == (file.changes == ())


def test_head_changes_and_paragraphs_of_a_variation() -> None:
    file = read_recipe_file("koch-reduced")
    assert file is not None
    assert file.extends == "koch2015-lfw"
    assert file.summary.startswith("A twelfth of the paper's arithmetic")
    assert len(file.remarks) == 1
    assert {"network.dense: 512", "network.batch_norm: true", "optimiser.kind: adam"} <= set(file.changes)
    assert not any(change.startswith("name") for change in file.changes)


def test_changes_are_those_of_the_resolved_recipes_and_not_what_a_file_repeats() -> None:
    def changes(name: str) -> set[str]:
        file = read_recipe_file(name)
        assert file is not None
        return set(file.changes)

    another_kind = changes("koch-batchnorm")
    assert {"optimiser.kind: adam", "optimiser.l2: 0.0", "optimiser.layers: {}"} <= another_kind
    assert not any(change.startswith("optimiser.beta1") for change in another_kind)
    repeated = changes("lfw-identities")
    assert "data.setting.kind: identities" in repeated
    assert not repeated & {"data.kind: lfw", "augment.kind: photo"}
    assert {"network.input: null", "network.region: [1.0, 1.0]"} <= changes("ablation/base")
    assert changes("ablation/patterns-apart") == {"fusion.apart: true"}


def test_recipe_of_ones_own_has_no_file_and_no_command(result: Result) -> None:
    assert read_recipe_file("mine") is None
    assert commands(named(result, "mine", 0), Path()) == []


def again(result: Result) -> Config:
    """What the first command would train."""
    words = shlex.split(commands(result, Path())[0])
    assert words[:2] == ["twinlens", "train"]
    return load_config(words[2], [word for before, word in pairwise(words) if before == "--set"])


def same(first: Config, second: Config) -> bool:
    """Whether two configurations train the same, however many threads they take."""
    exclude = {"logger": True, "training": {"threads"}}
    return first.model_dump(exclude=exclude) == second.model_dump(exclude=exclude)


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.parent.name)
def test_commands_make_what_was_published(path: Path) -> None:
    result = read_result(path.parent)
    assert same(again(result), parse_config(result.recipe, str(path)))
    evaluate = f"twinlens evaluate runs/{path.parent.name}"
    view2 = [f"{evaluate} --protocol lfw-view2"] if result.view2 else []
    others = [path.stem.removeprefix("evaluation-") for path in sorted(path.parent.glob("evaluation-*.json"))]
    further = [f"{evaluate} --protocol {name.replace('-detected', ' --detect')}" for name in others]
    assert commands(result, path.parent)[1:] == ([evaluate] if result.test else []) + view2 + further


def test_changed_keys_kinds_and_seeds_are_set(result: Result) -> None:
    changed = {
        "seed": 3,
        "name": "quick",
        "optimiser": {"kind": "sgd", "learning_rate": 0.1, "layers": {"conv1": {"momentum": 0.3}}},
        "network": {"widths": [1, 2, 3, 4], "init": {"kind": "normal"}},
        "augment": {"kind": "none"},
        "training": {"threads": 7, "max_epochs": 3, "precision": "32"},
    }
    recipe = parse_config(changed, "changed").model_dump(mode="json")
    made = named(result.model_copy(update={"recipe": recipe}), "quick", 3)
    assert same(again(made), parse_config(made.recipe, "made"))
    first, second = commands(made, Path())
    assert first.endswith("--out runs/quick-seed3")
    assert second == "twinlens evaluate runs/quick-seed3"
    assert "threads" not in first
