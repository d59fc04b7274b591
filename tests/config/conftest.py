"""Recipes from their text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from twinlens.config import Config, load_config

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a recipe from its text, in a file named ``r.yaml``."""

    def from_text(text: str, *overrides: str) -> Config:
        path = tmp_path / "r.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, overrides)

    return from_text
