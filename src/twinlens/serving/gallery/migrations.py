"""The layouts of a store's tables, one SQL script for each step from one to the next."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal


def migrations(backend: Literal["sqlite", "postgres"]) -> tuple[str, ...]:
    """The scripts in their order: the first makes version 1 of nothing, the second version 2 of 1, and so on."""
    folder = files("twinlens.serving.gallery") / "sql" / backend
    scripts = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(script.read_text(encoding="utf-8") for script in scripts)
