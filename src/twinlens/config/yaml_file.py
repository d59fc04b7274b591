"""Recipes as plain values, read so that nothing in them is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from twinlens.errors import ConfigError


def read_yaml(path: Path) -> dict[str, Any]:
    """The sections of a YAML file as plain values.

    Raises:
        ConfigError: It is not YAML, holds something else than sections, or says a key twice.
    """
    try:
        values = _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error
    except (yaml.YAMLError, ValueError) as error:  # an impossible date is a ValueError
        raise ConfigError(f"{path} is not valid YAML: {error}.", "Mend the line it names.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds no sections.", "See the recipes that come with twinlens.")
    return values


class _Loader(yaml.SafeLoader):
    """YAML forbids a key twice; PyYAML takes the last and drops the others without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        said = [key.value for key, _ in node.value]
        for place, (key, _) in enumerate(node.value):
            if key.value in said[:place]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
        return super().construct_mapping(node, deep)
