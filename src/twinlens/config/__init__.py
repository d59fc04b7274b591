"""One typed, frozen :class:`Config` from a YAML recipe and ``--set section.key=value`` overrides."""

from twinlens.config.base import Frame
from twinlens.config.load import dump_recipe, find_recipe, load_config, parse_config, recipe_names
from twinlens.config.sections import Config

__all__ = ["Config", "Frame", "dump_recipe", "find_recipe", "load_config", "parse_config", "recipe_names"]
