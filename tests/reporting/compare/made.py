"""Runs of made-up recipes that all judged the same pairs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.simulated import RECIPE, THRESHOLD, Row, simulate_evaluation, simulate_result, simulate_rows, write_scores
from twinlens.config import load_config
from twinlens.evaluation.result import Result
from twinlens.runs import Run


@cache
def pairs(count: int = 200, seed: int = 3) -> tuple[Row, ...]:
    """Pairs of which none is listed twice."""
    rows = {(row.first, row.second): row for row in simulate_rows(2 * count, seed)}
    return tuple(rows.values())[:count]


@cache
def _result() -> Result:
    return simulate_result(list(pairs()))


def scored(luck: int, skill: float = 0.6, rows: tuple[Row, ...] | None = None) -> list[Row]:
    """The same pairs judged by a model: what is hard about them is the same for all, ``luck`` is its own."""
    rows = rows or pairs()
    hard = np.random.default_rng(99).normal(size=len(rows))
    own = np.random.default_rng(luck).normal(0, 0.7, len(rows))
    side = np.where([row.is_genuine for row in rows], skill, -skill)
    values = THRESHOLD + side + hard + own
    return [replace(row, score=float(value)) for row, value in zip(rows, values, strict=True)]


def write_run(
    folder: Path,
    rows: list[Row],
    *overrides: str,
    name: str = "plain",
    seed: int = 0,
    variant: str = "deepfunneled",
    tested: bool = True,
    published: bool = False,
    **provenance: Any,
) -> Path:
    """The part of a run's folder that comparisons read.

    Args:
        folder: Where.
        rows: Its scored test pairs.
        overrides: Of its recipe, as ``training.batch_size=64``.
        name: Of its recipe.
        seed: Of the run.
        variant: Edition of the photos.
        tested: Whether it has been.
        published: Whether only what is published is there.
        provenance: What else is said of where it comes from.
    """
    folder.mkdir(parents=True)
    run = Run(folder)
    run.recipe.write_text(yaml.safe_dump({**RECIPE, "name": name, "seed": seed}), encoding="utf-8")
    config = load_config(run.recipe, overrides)
    result = _result()
    # No two runs start in the same moment, so the folder may stand for the time.
    told = {"seed": seed, "started": str(folder), **provenance}
    made = result.model_copy(
        update={
            "name": name,
            "recipe": config.model_dump(mode="json"),
            "provenance": result.provenance.model_copy(update=told),
            "data": result.data.model_copy(update={"variant": variant}),
            "test": simulate_evaluation(rows, "test") if tested else None,
        }
    )
    run.result.write_text(made.model_dump_json(), encoding="utf-8")
    if tested:
        write_scores(run.scores("test"), rows)
    if published:
        run.recipe.unlink()
    return folder
