"""Sweeps whose trials are made of nothing, to see who works on what."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from twinlens.config import parse_config
from twinlens.config.sweep import SweepConfig
from twinlens.learning.sweep import claims
from twinlens.learning.sweep.claims import Claims
from twinlens.learning.sweep.study import open_study
from twinlens.sweeps import Sweep, start_sweep

RECIPE = parse_config({"name": "small", "data": {"kind": "synthetic"}, "network": {"dense": 16}}, "here")
VARY = {"optimiser.learning_rate": "1e-5..1e-1:log", "network.dense": [16, 32], "network.widths": [[4] * 4, [8] * 4]}


def sweep_config(**changes: Any) -> SweepConfig:
    return SweepConfig.model_validate({"name": "small", "recipe": RECIPE, "vary": VARY, "trials": 4, **changes})


@contextmanager
def claiming(
    folder: Path, config: SweepConfig, *, storage: str | None = None, material: str = "m", resume: bool = True
) -> Iterator[Claims]:
    """What a process in ``folder`` may do."""
    sweep = Sweep(folder)
    start_sweep(sweep, config, embedded=storage is None)
    with open_study(sweep, config, storage=storage, material=material, resume=resume) as found:
        yield found


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_LOOK", 0.02)
