"""Each recipe of the ablation changes what it says, and can be built."""

from pathlib import Path

import pytest
import torch

from twinlens.config import load_config
from twinlens.config.yaml_file import read_yaml
from twinlens.learning.networks import Twin
from twinlens.reporting.compare.settings import differing_keys, flat
from twinlens.reporting.results.recipe_file import read_recipe_file

RECIPES = sorted((Path(__file__).parents[1] / "recipes" / "ablation").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_is_found_by_name_and_changes_what_it_says(path: Path) -> None:
    config, file = load_config(f"ablation/{path.stem}"), read_recipe_file(f"ablation/{path.stem}")
    assert file is not None
    assert file.summary.endswith(".")
    assert config.name == path.stem
    base = str(read_yaml(path)["extends"])
    beside = path.parent / f"{base}.yaml"
    differing = differing_keys([flat(config), flat(load_config(beside if beside.is_file() else base))])
    stated = [change.partition(":")[0] for change in file.changes]
    # A section of another kind brings keys of its own.
    changed = tuple(key.removesuffix("kind") for key in stated if key.endswith(".kind"))
    assert {f"{section}kind" for section in changed} <= set(differing)
    alone = [{key for key in keys if not key.startswith(changed)} for keys in (stated, differing)]
    assert alone[0] == alone[1]
    with torch.device("meta"):
        Twin(config.network, config.normalisation, config.frame, config.inference)
