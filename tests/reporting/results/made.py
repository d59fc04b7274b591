"""Results that nobody trained, and folders of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.simulated import Row, simulate_evaluation, write_run
from twinlens.evaluation.result import Result


def named(result: Result, name: str, seed: int) -> Result:
    """The result as if it were of another recipe or seed."""
    provenance = result.provenance.model_copy(update={"seed": seed})
    recipe = {**result.recipe, "name": name, "seed": seed}
    return result.model_copy(update={"name": name, "provenance": provenance, "recipe": recipe})


def varied(result: Result, **sections: dict[str, object]) -> Result:
    """The result as if some keys of its recipe were others."""
    recipe = {
        name: {**values, **sections[name]} if name in sections else values for name, values in result.recipe.items()
    }
    return result.model_copy(update={"recipe": recipe})


def rescored(rows: Sequence[Row], seed: int, better: float = 0.0) -> list[Row]:
    """The same pairs as another model scores them; ``better`` moves genuine and impostor pairs apart."""
    noise = np.random.default_rng(seed).normal(0, 0.5, len(rows))
    return [
        replace(row, score=row.score + shift + (better if row.is_genuine else -better))
        for row, shift in zip(rows, noise.tolist(), strict=True)
    ]


def publish_made(folder: Path, result: Result, rows: list[Row]) -> Path:
    """Write a result with its test of ``rows`` where published results are kept."""
    tested = result.model_copy(update={"test": simulate_evaluation(rows, "test")})
    seed = result.provenance.seed
    return write_run(folder / (result.name if seed == 0 else f"{result.name}-seed{seed}"), tested, rows)
